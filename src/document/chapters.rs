//! Renders the sections of a summary as a WebVTT track of chapters, for a player of the recording.
//!
//! Chapters may not overlap, so each one lasts until the next begins. A section that people came back to has a chapter for
//! each of its stretches. Sections that begin at the same time share a chapter. Where the clock passes midnight, a track goes on.

use std::collections::HashSet;
use std::fmt::Write;

use crate::document::is_hidden;
use crate::summary::Section;
use crate::transcript::{Timestamp, Transcript};

/// A track starts at zero. Transcripts that begin later than this tell the time of the day, or of a mission, so their times
/// are counted from the first one.
const MAX_LEAD_MS: i64 = 3_600_000;

/// A clock that goes back by more has passed midnight. Less is a turn told out of order.
const MIDNIGHT_MS: i64 = 12 * 3_600_000;
const DAY_MS: i64 = 24 * 3_600_000;

/// The shortest duration of the last chapter, if the transcript does not tell when it ends.
const MIN_LAST_MS: i64 = 1000;

/// Renders the chapters; `None` if the transcript has no times.
pub(super) fn render(transcript: &Transcript, sections: &[Section]) -> Option<String> {
    let midnights = midnights(transcript);
    let mut stretches: Vec<_> = sections
        .iter()
        .flat_map(|section| section.spans.iter().map(move |&span| (section, span)))
        .filter_map(|(section, span)| {
            let (from, until) = transcript.passage(span).time_span()?;
            let passed = |at| midnights.partition_point(|&midnight| midnight <= at) as i64;
            let from = i64::from(from.millis()) + passed(span.start) * DAY_MS;
            let until = i64::from(until.millis()) + passed(span.end.saturating_sub(1)) * DAY_MS;
            Some((from, until, section.title.as_str()))
        })
        .collect();
    stretches.sort_by_cached_key(|&(from, ..)| from);
    let &(first, ..) = stretches.first()?;
    let last = stretches.iter().map(|&(_, until, _)| until).max()?;
    let zero = if first >= MAX_LEAD_MS { first } else { 0 };
    let counted = |time: i64| (time - zero).max(0);
    let mut chapters: Vec<(i64, Vec<&str>)> = Vec::new();
    for (from, _, title) in stretches {
        let from = counted(from);
        match chapters.last_mut() {
            Some((start, titles)) if *start == from => titles.push(title),
            Some((_, titles)) if *titles == [title] => {}
            _ => chapters.push((from, vec![title])),
        }
    }
    let mut track = "WEBVTT\n".to_owned();
    if zero > 0 {
        let first = Timestamp::clamped(first);
        let _ = write!(
            track,
            "\nNOTE Times count from {first} in the transcript.\n"
        );
    }
    let ends = chapters.iter().skip(1).map(|(start, _)| *start);
    let ends = ends.chain([i64::MAX]);
    for ((start, titles), end) in chapters.iter().zip(ends) {
        let end = end.min(counted(last).max(start + MIN_LAST_MS));
        let (start, end) = (written(*start), written(end));
        let _ = write!(track, "\n{start} --> {end}\n{}\n", payload(titles));
    }
    Some(track)
}

/// Where in the text the clock has passed midnight: the starts of the first turns afterwards.
fn midnights(transcript: &Transcript) -> Vec<usize> {
    let segments = transcript.segments.starting_in(0..transcript.text().len());
    let timed = segments.iter().filter_map(|segment| {
        let time = i64::from(segment.from()?.millis());
        Some((segment.start(), time))
    });
    let mut midnights = Vec::new();
    let mut latest = None;
    for (start, time) in timed {
        if latest.is_some_and(|latest| time + MIDNIGHT_MS < latest) {
            midnights.push(start);
            latest = None;
        }
        latest = latest.max(Some(time));
    }
    midnights
}

/// A time as WebVTT wants it: `00:12:30.000`.
fn written(millis: i64) -> String {
    let seconds = millis / 1000;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!(
        "{hours:02}:{minutes:02}:{:02}.{:03}",
        seconds % 60,
        millis % 1000
    )
}

/// The text of a chapter: distinct titles on one line without markup. `-->` would begin another cue.
fn payload(titles: &[&str]) -> String {
    let mut payload = String::new();
    let mut told = HashSet::new();
    for title in titles.iter().filter(|&title| told.insert(title)) {
        if !payload.is_empty() {
            payload.push_str(" / ");
        }
        for (at, word) in title.split_whitespace().enumerate() {
            if at > 0 {
                payload.push(' ');
            }
            for c in word.chars().filter(|&c| !is_hidden(c)) {
                match c {
                    '&' => payload.push_str("&amp;"),
                    '<' => payload.push_str("&lt;"),
                    '>' => payload.push_str("&gt;"),
                    c => payload.push(c),
                }
            }
        }
    }
    payload
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::Source;
    use crate::text::Span;
    use crate::transcript::Decoder;

    fn transcript(text: &str) -> Transcript {
        let mut decoder = Decoder::default();
        decoder.push(text.as_bytes()).unwrap();
        Transcript::new(decoder.finish().unwrap()).unwrap()
    }

    /// A section about the turns with these numbers, which have a letter each: `alpha0`, `alpha1`, …
    fn section(title: &str, transcript: &Transcript, stretches: &[(usize, usize)]) -> Section {
        let start = |turn: usize| {
            let at = transcript.text().find(&format!("alpha{turn} "));
            let text = at.map_or(transcript.text(), |at| transcript.text().split_at(at).0);
            match at {
                Some(_) => text.rfind("\n").map_or(0, |end| end + 1),
                None => text.len(),
            }
        };
        let spans = stretches
            .iter()
            .map(|&(from, to)| Span::from(start(from)..start(to)));
        Section {
            title: title.to_owned(),
            times: Vec::new(),
            text: String::new(),
            matters: Vec::new(),
            target_words: 0,
            chunks: Vec::new(),
            spans: spans.collect(),
            source: Source::Model,
            written_by: None,
        }
    }

    /// Turns at these times.
    fn meeting(times: &[&str]) -> Transcript {
        let turns = times.iter().enumerate().map(|(turn, time)| {
            let name = ["Ada", "Ben"][turn % 2];
            format!("[{time}] {name}: We looked at alpha{turn} and agreed on it.\n")
        });
        transcript(&turns.collect::<String>())
    }

    #[test]
    fn each_stretch_is_a_chapter_that_lasts_until_the_next() {
        let talk = meeting(&["0:00:05", "0:01:00", "0:02:00", "0:03:30", "0:04:00"]);
        let sections = [
            section("Costs", &talk, &[(0, 1), (3, 5)]),
            section("A\n--> <b>R&D</b>\u{7}\u{202e}", &talk, &[(1, 2), (2, 3)]),
        ];
        assert_eq!(
            render(&talk, &sections).unwrap(),
            "WEBVTT\n\n\
             00:00:05.000 --> 00:01:00.000\nCosts\n\n\
             00:01:00.000 --> 00:03:30.000\nA --&gt; &lt;b&gt;R&amp;D&lt;/b&gt;\n\n\
             00:03:30.000 --> 00:04:00.000\nCosts\n"
        );
    }

    #[test]
    fn sections_with_one_time_share_a_chapter_and_the_last_one_has_a_length() {
        let talk = meeting(&["0:00:00", "0:00:00", "0:00:00", "0:01:00"]);
        let sections = [
            section("One", &talk, &[(0, 1)]),
            section("Two", &talk, &[(1, 2)]),
            section("One", &talk, &[(2, 3)]),
            section("Three", &talk, &[(3, 4)]),
        ];
        assert_eq!(
            render(&talk, &sections).unwrap(),
            "WEBVTT\n\n\
             00:00:00.000 --> 00:01:00.000\nOne / Two\n\n\
             00:01:00.000 --> 00:01:01.000\nThree\n"
        );
    }

    #[test]
    fn times_of_the_day_count_from_the_first() {
        let talk = meeting(&["14:03:22", "14:05:00", "14:10:00"]);
        let sections = [
            section("One", &talk, &[(0, 1)]),
            section("Two", &talk, &[(1, 3)]),
        ];
        assert_eq!(
            render(&talk, &sections).unwrap(),
            "WEBVTT\n\nNOTE Times count from 14:03:22 in the transcript.\n\n\
             00:00:00.000 --> 00:01:38.000\nOne\n\n\
             00:01:38.000 --> 00:06:38.000\nTwo\n"
        );
    }

    #[test]
    fn after_midnight_times_go_on() {
        let talk = meeting(&["22:50:00", "23:59:58", "23:59:00", "00:10:00", "00:20:00"]);
        let sections = [
            section("One", &talk, &[(0, 1)]),
            section("Two", &talk, &[(1, 4)]),
            section("Three", &talk, &[(4, 5)]),
        ];
        assert_eq!(
            render(&talk, &sections).unwrap(),
            "WEBVTT\n\nNOTE Times count from 22:50:00 in the transcript.\n\n\
             00:00:00.000 --> 01:09:58.000\nOne\n\n\
             01:09:58.000 --> 01:30:00.000\nTwo\n\n\
             01:30:00.000 --> 01:30:01.000\nThree\n"
        );
    }

    #[test]
    fn without_times_there_are_no_chapters() {
        let talk = transcript("Ada: We looked at alpha0 and agreed.\nBen: We looked at alpha1.\n");
        assert_eq!(render(&talk, &[section("One", &talk, &[(0, 2)])]), None);
    }
}
