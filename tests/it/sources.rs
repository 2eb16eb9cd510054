//! The sources of sentences: each leads to the passage that it rests on.

use std::collections::HashSet;

use transcript_summarizer::document::sources::{Cited, Sources};
use transcript_summarizer::summary::Summary;
use transcript_summarizer::text::{Span, sentence, words};
use transcript_summarizer::transcript::Transcript;

use crate::support::summaries::{builtin, sample, transcript, transcripts};

/// Maximum length of a passage in words.
const MAX_WORDS: usize = 60;

/// Shorter sentences are said again and again: "I think that's right."
const MIN_WORDS: usize = 8;

/// Sentences that are taken from each transcript.
const TAKEN: usize = 80;

/// A turn of the spoken text.
#[derive(Clone, Copy)]
struct Turn<'t> {
    label: &'t str,
    said: &'t str,
    /// Byte offset of what was said.
    start: usize,
}

fn turns(text: &str) -> Vec<Turn<'_>> {
    let mut start = 0;
    let lines = text.split_inclusive('\n').map(|line| {
        let label = line.split_once(": ").map_or("", |(label, _)| label);
        let label = if words::count(label) <= 5 { label } else { "" };
        let body = if label.is_empty() { 0 } else { label.len() + 2 };
        let turn = Turn {
            label,
            said: &line[body..],
            start: start + body,
        };
        start += line.len();
        turn
    });
    lines.collect()
}

/// Words in lower case.
fn bag(text: &str) -> HashSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// Numbers from four on, and words that are capitalized within a sentence.
fn numbers_and_names(sentence: &str) -> HashSet<String> {
    let (_, said) = sentence.split_once(": ").unwrap_or(("", sentence));
    let mut found = HashSet::new();
    let mut begins = true;
    for word in said.split_whitespace() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let bare = bare.trim_end_matches("'s").trim_end_matches("’s");
        let is_number = bare.parse().is_ok_and(|number: u32| number > 3);
        let is_name = !begins && bare.starts_with(char::is_uppercase) && bare.len() > 2;
        if (is_number || is_name) && bare.chars().all(char::is_alphanumeric) {
            found.insert(bare.to_lowercase());
        }
        begins = word.ends_with(['.', '!', '?', '…', ':', '"', '”']);
    }
    found
}

/// The words of each passage that sentences may rest on, its speaker's name included.
fn possible(transcript: &Transcript, spans: &[Span]) -> Vec<HashSet<String>> {
    let mut found = Vec::new();
    for turn in turns(transcript.text()) {
        let sentences = sentence::sentences(turn.said);
        for (nth, first) in sentences.iter().enumerate() {
            let start = turn.start + first.start;
            if !spans
                .iter()
                .any(|span| (span.start..span.end).contains(&start))
            {
                continue;
            }
            let mut all = bag(turn.label);
            let mut length = 0;
            for sentence in &sentences[nth..] {
                let said = &turn.said[sentence.start..sentence.end];
                length += words::count(said);
                if length > MAX_WORDS {
                    break;
                }
                all.extend(bag(said));
            }
            found.push(all);
        }
    }
    found
}

/// How many sentences have numbers and names that occur together in a passage, and how many lead to one that has them.
#[derive(Debug, Default)]
struct Score {
    sentences: usize,
    without_source: usize,
    supported: usize,
}

impl Score {
    fn add(&mut self, transcript: &Transcript, text: &str, cited: &[Cited], spans: &[Span]) {
        let possible = possible(transcript, spans);
        let turns = turns(transcript.text());
        let has = |wanted: &HashSet<String>, passage: &Span| {
            let after = turns.partition_point(|turn| turn.start <= passage.start);
            let mut words = bag(&transcript.text()[passage.start..passage.end]);
            words.extend(bag(turns[after - 1].label));
            wanted.is_subset(&words)
        };
        for Cited { at, passages } in cited {
            let wanted = numbers_and_names(&text[at.clone()]);
            if wanted.is_empty() || !possible.iter().any(|words| wanted.is_subset(words)) {
                continue;
            }
            self.sentences += 1;
            self.without_source += usize::from(passages.is_empty());
            let is_supported = passages.iter().any(|passage| has(&wanted, passage));
            self.supported += usize::from(is_supported);
            if !is_supported && !passages.is_empty() {
                println!("{wanted:?}: {}", &text[at.clone()]);
            }
        }
    }

    fn add_all(&mut self, transcript: &Transcript, summary: &Summary, sources: &Sources) {
        for (section, cited) in summary.sections.iter().zip(&sources.sections) {
            self.add(transcript, &section.body(), cited, &section.spans);
        }
    }

    fn assert(&self, what: &str, least: usize) {
        let share = self.supported as f64 / self.sentences as f64;
        println!(
            "{what}: {share:.3} of {}, {} without",
            self.sentences, self.without_source
        );
        assert!(self.sentences >= least, "{what}: {}", self.sentences);
        assert!(share >= 0.95, "{what}: {share}");
    }
}

#[test]
fn sentences_lead_to_passages_with_their_numbers_and_names() {
    let mut score = Score::default();
    for (_, text) in transcripts(5000) {
        let transcript = transcript(&text);
        let summary = builtin(&transcript, 4000);
        score.add_all(&transcript, &summary, &Sources::of(&transcript, &summary));
    }
    score.assert("the built-in model", 30);
    score = Score::default();
    for (nth, (_, text)) in (1..).zip(transcripts(2000)) {
        let transcript = transcript(&text);
        let mut random = Random::new(nth);
        let taken = taken(transcript.text(), &mut random);
        let others: Vec<&str> = transcript.text().split_whitespace().collect();
        let items = taken.iter().map(|(turn, span)| {
            let said = &transcript.text()[span.start..span.end];
            let kept = numbers_and_names(said);
            let told = reworded(said, &kept, &others, &mut random);
            match turn.label {
                "" => format!("- It was said that {told}.\n"),
                label => format!("- In the end {label} said that {told}.\n"),
            }
        });
        let overview: String = items.collect();
        let summary = Summary {
            overview: Some(overview.clone()),
            ..Summary::default()
        };
        let cited = Sources::of(&transcript, &summary).overview;
        score.add(&transcript, &overview, &cited, &[whole(&transcript)]);
    }
    score.assert("reworded", 50);
}

fn whole(transcript: &Transcript) -> Span {
    Span::from(0..transcript.text().len())
}

/// What a large model would write about the sample, and what its sources say.
const TOLD: [(&str, &str); 20] = [
    (
        "Kowalczyk has to lock the timetable by November 21st for the change on January 12th.",
        "November 21st for a January 12th change",
    ),
    (
        "Demirkan will split weekend growth into market and other trips by October 31st, as an estimate with a range.",
        "It'll be an estimate with a range on it",
    ),
    (
        "The faulty counter will be replaced by October 24th.",
        "swapped by October 24th",
    ),
    (
        "Punctuality was 86.1 percent for the quarter, against a target of ninety.",
        "86.1 percent on time",
    ),
    (
        "Abreu pointed out that for passengers changing to the half-hourly 40 bus a delay of five minutes amounts to thirty.",
        "five minutes late is thirty minutes late",
    ),
    (
        "Whether connections should be measured in place of departures was left open for the January review.",
        "Whether we should measure connections",
    ),
    (
        "The forecast at completion is $193.4 million against an approved budget of $186 million, an overrun of four percent.",
        "forecast at completion is $193.4 million",
    ),
    (
        "Contaminated ground at the depot accounts for 3.2 million of it.",
        "The depot is 3.2 million",
    ),
    (
        "Verghese corrected the contingency: change order 41 for spare axle-counter cards, $360,000, had been signed on October 3rd.",
        "Change order 41",
    ),
    (
        "With 2.74 million left, the gap is 4.66 million.",
        "Contingency is 2.74 million",
    ),
    (
        "Deferring the canopy ($1.6 million) and the second tranche of spares (1.1 million) would reduce the gap to 1.96 million.",
        "Defer both and the gap comes down to 1.96",
    ),
    (
        "A supplementary appropriation would go to the board on December 4th and needs a paper by November 7th.",
        "supplementary appropriation",
    ),
    (
        "Kowalczyk objected to deferring spares, since the lead time for a windshield is nineteen weeks.",
        "nineteen weeks",
    ),
    (
        "Abreu said that residents of Lantern Hill had waited for the canopy since it was drawn in the library.",
        "a drawing in the library",
    ),
    (
        "The canopy was deferred to the fiscal year that starts on July 1st, 2026, while the spares order stays as it is.",
        "fiscal year starting July 1st, 2026",
    ),
    (
        "Oyelaran admitted that accepting nine vehicles early cost $31,000 a month at the port shed.",
        "$31,000 a month",
    ),
    (
        "On August 19th car 317 hit a bakery van that turned left across the track at Tannery Road.",
        "A bakery van",
    ),
    (
        "The sign that prohibits left turns was hidden behind mesh on scaffolding.",
        "the sign was behind the mesh",
    ),
    (
        "According to the log, the flashing signal had started fourteen seconds before the impact.",
        "fourteen seconds before impact",
    ),
    (
        "Marsh announced raised rubber separators for the week of November 17th, at a cost of $84,000, half of which his department will carry.",
        "$84,000",
    ),
];

#[test]
fn sentences_of_a_large_model_lead_to_what_was_said() {
    let transcript = transcript(&sample());
    let overview = TOLD.map(|(sentence, _)| sentence).join(" ");
    let summary = Summary {
        overview: Some(overview.clone()),
        ..Summary::default()
    };
    let cited = Sources::of(&transcript, &summary).overview;
    let text = |span: &Span| &transcript.text()[span.start..span.end];
    let mut first = 0;
    for (cited, (told, said)) in cited.iter().zip(TOLD) {
        assert_eq!(&overview[cited.at.clone()], told);
        let passages: Vec<&str> = cited.passages.iter().map(text).collect();
        first += usize::from(passages.first().is_some_and(|first| first.contains(said)));
        assert!(
            passages.iter().any(|passage| passage.contains(said)),
            "{told}: {passages:?}"
        );
    }
    println!("{first} of {} come first", TOLD.len());
    assert!(first >= 18, "{first}");
    let mut score = Score::default();
    score.add(&transcript, &overview, &cited, &[whole(&transcript)]);
    score.assert("a large model", 10);
}

/// Random numbers by xorshift.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed * 88_172_645_463_325_252)
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

/// Some of the sentences of a text, with their turns.
fn taken<'t>(text: &'t str, random: &mut Random) -> Vec<(Turn<'t>, Span)> {
    let mut taken = Vec::new();
    for turn in turns(text) {
        for span in sentence::sentences(turn.said) {
            if words::count(&turn.said[span.start..span.end]) >= MIN_WORDS {
                let span = Span::from(turn.start + span.start..turn.start + span.end);
                taken.push((turn, span));
            }
        }
    }
    while taken.len() > TAKEN {
        taken.swap_remove(random.below(taken.len()));
    }
    taken
}

/// A sentence in another order, with a third of its words replaced by others of the text, but for those that are `kept`.
fn reworded(said: &str, kept: &HashSet<String>, others: &[&str], random: &mut Random) -> String {
    let bare = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    let mut words: Vec<String> = said.split_whitespace().map(bare).collect();
    words.retain(|word| !word.is_empty());
    for _ in 0..words.len() / 3 {
        let at = random.below(words.len());
        if bag(&words[at]).is_disjoint(kept) {
            words[at] = bare(others[random.below(others.len())]).to_lowercase();
        }
    }
    let by = random.below(words.len());
    words.rotate_left(by);
    words.join(" ")
}

#[test]
fn reworded_sentences_lead_to_where_they_were_taken() {
    let (mut all, mut first, mut among) = (0, 0, 0);
    for (nth, (_, text)) in (1..).zip(transcripts(2000)) {
        let transcript = transcript(&text);
        let text = transcript.text();
        let others: Vec<&str> = text.split_whitespace().collect();
        let mut random = Random::new(nth);
        let taken = taken(text, &mut random);
        let items = taken.iter().map(|(_, span)| {
            let said = &text[span.start..span.end];
            let told = reworded(said, &HashSet::new(), &others, &mut random);
            format!("- {told}.\n")
        });
        let summary = Summary {
            overview: Some(items.collect()),
            ..Summary::default()
        };
        let cited = Sources::of(&transcript, &summary).overview;
        assert_eq!(cited.len(), taken.len());
        for (cited, (_, from)) in cited.iter().zip(&taken) {
            let is_right = |passage: &Span| passage.start <= from.start && from.end <= passage.end;
            all += 1;
            first += usize::from(cited.passages.first().is_some_and(is_right));
            among += usize::from(cited.passages.iter().any(is_right));
        }
    }
    let share = |count: usize| count as f64 / all as f64;
    println!(
        "{:.4} first, {:.4} among the two, of {all}",
        share(first),
        share(among)
    );
    assert!(all >= 80 && share(first) >= 0.9 && share(among) >= 0.95);
}

#[test]
fn quotations_lead_to_where_they_stand() {
    let (mut all, mut right) = (0, 0);
    for (name, text) in transcripts(2000) {
        let transcript = transcript(&text);
        let summary = builtin(&transcript, 2000);
        let sources = Sources::of(&transcript, &summary);
        for (section, cited) in summary.sections.iter().zip(&sources.sections) {
            let body = section.body();
            let mut last = 0;
            for Cited { at, passages } in cited {
                assert!(
                    at.start >= last && body[last..at.start].trim().is_empty(),
                    "{name}"
                );
                last = at.end;
                let sentence = &body[at.clone()];
                let said = sentence.split_once(": ").map_or(sentence, |(_, said)| said);
                let said = bag(said);
                for passage in passages {
                    assert!(
                        words::count(&transcript.text()[passage.start..passage.end]) <= MAX_WORDS
                    );
                    let is_own =
                        |span: &Span| span.start <= passage.start && passage.end <= span.end;
                    assert!(section.spans.iter().any(is_own), "{name}");
                }
                // Nearly all of its words, since fillers and stutters are left out.
                let is_right = passages.first().is_some_and(|passage| {
                    let there = bag(&transcript.text()[passage.start..passage.end]);
                    said.intersection(&there).count() * 10 >= said.len() * 9
                });
                all += 1;
                right += usize::from(is_right);
                if !is_right {
                    let passage = passages
                        .first()
                        .map(|passage| &transcript.text()[passage.start..passage.end]);
                    println!("{name}: {sentence} | {passage:?}");
                }
            }
            assert!(body[last..].trim().is_empty(), "{name}");
        }
    }
    println!("{right} of {all} quotations");
    assert!(all > 50 && right * 100 >= all * 98, "{right} of {all}");
}
