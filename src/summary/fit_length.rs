//! Fits a summary to its target length: drops repeated sentences, then either drops the least informative ones or adds
//! sentences from the transcript.

use std::collections::{HashMap, HashSet};

use crate::extract::{self, Known};
use crate::summary::assemble::{Section, Summary};
use crate::summary::check::support;
use crate::summary::lists::{self, ListKind};
use crate::summary::plan::Plan;
use crate::summary::scaffold::is_entry;
use crate::text::{Span, leans, refers_back, sentence, terms, words};
use crate::transcript::Transcript;

/// Tolerated shortfall from the target length, in percent.
const SHORTER_PERCENT: usize = 4;

/// A short summary is topped up to this far below its target, in percent.
const FILLED_PERCENT: usize = 2;

/// An extractive summary is topped up when it falls short of its target by more than this, in percent.
const QUOTED_PERCENT: usize = 1;

/// Minimum number of sentences to keep in each section.
const MIN_SENTENCES: usize = 2;

/// Minimum number of entries to keep in each list.
const MIN_ENTRIES: usize = 2;

/// Shorter sentences may repeat: removing them gains nothing.
const MIN_DUPLICATE_WORDS: usize = 5;

/// Maximum words of the label that a paragraph begins with.
pub(crate) const LABEL_MAX_WORDS: usize = 6;

/// Maximum words of a matter that is dropped as a whole.
const MATTER_WORDS: usize = 60;

/// A sentence that does not end its paragraph counts this many times as much: what follows it may lean on it. Before one that
/// ends a paragraph at least so many stand.
const SEAM: (u64, u64) = (3, 2);
const MIN_BEFORE: usize = 2;

/// Sentences are dropped one by one, since each changes what the others are worth. Of more than a long summary has, an eighth
/// is dropped at a time.
const MANY: usize = 1000;

/// Words that may be dropped beyond those that have to be.
const SLACK_WORDS: usize = 12;

/// Minimum number of words to add to a section.
const MIN_ADDED: usize = 10;

/// Brings a summary to about its planned length, and warns if sentences from the transcript were added.
pub(crate) fn fit(summary: &mut Summary, transcript: &Transcript, plan: &Plan) {
    let added = adjust(summary, transcript, plan, SHORTER_PERCENT, FILLED_PERCENT);
    summary.added_words = added;
    if added > 0 {
        summary.warnings.push(format!(
            "the model wrote less than asked: {added} words in the speakers' own sentences were added to reach the length"
        ));
    }
}

/// The same for a summary in another language than the transcript, whose sentences would not fit in.
pub(crate) fn fit_translation(summary: &mut Summary, transcript: &Transcript, plan: &Plan) {
    adjust(summary, transcript, plan, 100, 0);
    let (words, target) = (summary.words(), plan.target_words.0);
    if words < target - target * SHORTER_PERCENT / 100 {
        summary.warnings.push(format!(
            "the model wrote {} words less than asked; the speakers' own sentences are in another language, so none were added",
            target - words
        ));
    }
}

/// Brings a summary that consists of quotations to its planned length, without repeating the overview in the sections.
pub(crate) fn fit_quotations(summary: &mut Summary, transcript: &Transcript, plan: &Plan) {
    let overview = summary.overview.as_deref().unwrap_or_default();
    // An extract without the overview's sentences, rather than the section without them: others may lean on them.
    for section in &mut summary.sections {
        let source = transcript.passage(longest(section));
        let room = words::count(&section.text);
        let known = Known {
            text: "",
            elsewhere: overview,
        };
        let other = extract::extract_unknown(known, &source, room);
        // A part may have said nothing else.
        if !other.is_empty() {
            section.text = other;
        }
    }
    adjust(summary, transcript, plan, QUOTED_PERCENT, 0);
}

/// Drops repetitions. If there are then more words than the plan allows, drops others; if the summary falls short of its
/// target by more than `tolerated` percent, adds sentences until only `left` percent are missing. Returns the number of words
/// added.
fn adjust(
    summary: &mut Summary,
    transcript: &Transcript,
    plan: &Plan,
    tolerated: usize,
    left: usize,
) -> usize {
    let (target, most) = (plan.target_words.0, plan.max_words().0);
    let speakers = transcript.segments.speakers.iter();
    let speakers: Speakers = speakers.map(String::as_str).collect();
    drop_duplicates(&mut summary.sections, &speakers);
    let words = summary.words();
    // Rather a list that is shorter than a section without its conclusion.
    lists::give_way(&mut summary.lists, words.saturating_sub(most));
    let words = summary.words();
    if words > most {
        let lists = summary.lists.iter().filter(|list| {
            use ListKind::{Actions, Decisions, OpenQuestions, Positions};
            matches!(list.kind, Actions | Decisions | OpenQuestions | Positions)
        });
        let entries = lists.flat_map(|list| &list.entries);
        // A heading must not promise what its section does not tell.
        let titles = summary.sections.iter().map(|section| &*section.title);
        let clauses = titles.flat_map(|title| title.split([':', ',', ';']));
        let settled: Vec<Vec<String>> = entries
            .map(|entry| &*entry.text)
            .chain(clauses)
            .map(|text| terms::stems(text).into_iter().collect())
            .collect();
        drop_least(&mut summary.sections, words - most, &settled, &speakers);
    }
    if words >= target - target * tolerated / 100 {
        return 0;
    }
    let missing = target - target * left / 100 - words;
    top_up(summary, transcript, missing)
}

/// Drops the least informative sentences of `text` until it has about `most` words; always keeps at least one.
pub(crate) fn shorten(text: &str, most: usize) -> String {
    let excess = words::count(text).saturating_sub(most);
    if excess == 0 {
        return text.to_owned();
    }
    let mut sentences = split(&[text], &Speakers::new());
    drop_sentences(&mut sentences, excess, 1, &Rule::ANYTHING);
    joined(&sentences, 0)
}

/// Drops the sentences that begin as `named` says, in this order, until about `excess` words are gone. One stays if its text has hardly
/// any other, if what follows leans on it, or if it answers a question.
pub(crate) fn cut(sections: &mut [Section], named: &[String], excess: usize) {
    let texts: Vec<&str> = sections.iter().map(|section| &*section.text).collect();
    let mut sentences = split(&texts, &Speakers::new());
    let told: Vec<String> = sentences.iter().map(|one| plain(&one.text)).collect();
    let mut left = excess;
    for name in named {
        if left == 0 {
            break;
        }
        let name = plain(name.trim_end_matches(['.', '…']));
        let mut found = told
            .iter()
            .enumerate()
            .filter(|(_, told)| told.starts_with(&name));
        let (Some((at, _)), None) = (found.next(), found.next()) else {
            continue;
        };
        let is_needed = needed(&sentences);
        let kept_of = |of| {
            sentences
                .iter()
                .filter(|one| one.of == of && one.kept)
                .count()
        };
        let may_go = |one: &Sentence| {
            one.kept && one.words <= left + SLACK_WORDS && kept_of(one.of) > MIN_SENTENCES
        };
        if is_needed.get(at) == Some(&false)
            && sentences.get(at).is_some_and(may_go)
            && let Some(sentence) = sentences.get_mut(at)
        {
            sentence.kept = false;
            left = left.saturating_sub(sentence.words);
        }
    }
    for (at, section) in sections.iter_mut().enumerate() {
        if sentences.iter().any(|one| one.of == at && !one.kept) {
            section.text = joined(&sentences, at);
        }
    }
}

/// A sentence in lower case, in one line.
fn plain(sentence: &str) -> String {
    let lower = sentence.to_lowercase();
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Removes sentences that already occurred word for word.
fn drop_duplicates(sections: &mut [Section], speakers: &Speakers<'_>) {
    let mut seen: HashSet<String> = HashSet::new();
    for section in sections {
        let mut sentences = split(&[section.text.as_str()], speakers);
        for sentence in &mut sentences {
            let plain = plain(&sentence.text);
            sentence.kept = words::count(&plain) < MIN_DUPLICATE_WORDS || seen.insert(plain);
        }
        // Keep a section that consists only of repetitions: its part of the transcript has to be represented.
        let kept = sentences.iter().filter(|sentence| sentence.kept).count();
        if (1..sentences.len()).contains(&kept) {
            section.text = joined(&sentences, 0);
        }
    }
}

/// Removes about `excess` words: first the least informative matters that have a label and little more, then sentences, rather
/// those at the ends of paragraphs. An answer that is dropped turns what it leaves into a question that nobody answered; a
/// small matter is missed by few. `settled` are the words of what the lists tell of decisions, positions, tasks and open
/// questions, and of what the headings announce.
fn drop_least(
    sections: &mut [Section],
    excess: usize,
    settled: &[Vec<String>],
    speakers: &Speakers<'_>,
) {
    let before: usize = sections.iter().map(Section::words).sum();
    let matters = Rule {
        settled,
        spares: true,
        most: MATTER_WORDS,
    };
    let sentences = Rule {
        spares: false,
        most: usize::MAX,
        ..matters
    };
    for (pieces, rule) in [(labelled as Pieces, matters), (split, sentences)] {
        let after: usize = sections.iter().map(Section::words).sum();
        let left = excess.saturating_sub(before - after);
        let texts: Vec<&str> = sections
            .iter()
            .map(|section| section.text.as_str())
            .collect();
        let mut pieces = pieces(&texts, speakers);
        drop_sentences(&mut pieces, left, MIN_SENTENCES, &rule);
        let texts: Vec<String> = (0..sections.len()).map(|at| joined(&pieces, at)).collect();
        for (section, text) in sections.iter_mut().zip(texts) {
            section.text = text;
        }
    }
    let after: usize = sections.iter().map(Section::words).sum();
    drop_entries(sections, excess.saturating_sub(before - after));
}

/// Removes about `excess` words of list entries, the last ones of the longest sections first. Each list keeps some.
fn drop_entries(sections: &mut [Section], mut excess: usize) {
    let spare = |section: &Section| {
        let mut run = 0;
        let spare = section.text.lines().enumerate().filter(|(_, line)| {
            run = if is_entry(line) { run + 1 } else { 0 };
            run > MIN_ENTRIES
        });
        let spare: Vec<(usize, usize)> = spare.map(|(at, line)| (at, words::count(line))).collect();
        (section.words(), spare)
    };
    let mut left: Vec<_> = sections.iter().map(spare).collect();
    let mut dropped = vec![HashSet::new(); sections.len()];
    while excess > 0 {
        let all = left.iter_mut().zip(&mut dropped);
        let some = all.filter(|((_, spare), _)| !spare.is_empty());
        let Some(((length, spare), dropped)) = some.max_by_key(|((length, _), _)| *length) else {
            break;
        };
        if let Some((at, words)) = spare.pop() {
            dropped.insert(at);
            *length -= words;
            excess = excess.saturating_sub(words);
        }
    }
    for (section, dropped) in sections.iter_mut().zip(dropped) {
        if !dropped.is_empty() {
            let lines = section.text.lines().enumerate();
            let kept = lines.filter(|(at, _)| !dropped.contains(at));
            section.text = kept.map(|(_, line)| line).collect::<Vec<_>>().join("\n");
        }
    }
}

/// Adds up to `missing` words of transcript sentences, in proportion to how far each section falls short of its target.
/// Returns the number of words added.
fn top_up(summary: &mut Summary, transcript: &Transcript, missing: usize) -> usize {
    let overview = summary.overview.as_deref().unwrap_or_default();
    let sections = &mut summary.sections;
    let shortfalls: Vec<usize> = sections
        .iter()
        .map(|section| section.target_words.saturating_sub(section.words()))
        .collect();
    let all: usize = shortfalls.iter().sum();
    let count = sections.len().max(1);
    let mut added = 0;
    // A part may have too few sentences left; a second round gives its share to the others.
    for _ in 0..2 {
        for (section, shortfall) in sections.iter_mut().zip(&shortfalls) {
            let share = (missing * shortfall)
                .checked_div(all)
                .unwrap_or(missing / count);
            let room = share.max(MIN_ADDED).min(missing.saturating_sub(added));
            if room < MIN_ADDED {
                continue;
            }
            let source = transcript.passage(longest(section));
            let known = Known {
                text: &section.text,
                elsewhere: overview,
            };
            let more = extract::extract_unknown(known, &source, room);
            if !more.is_empty() && !section.text.contains(&more) {
                added += words::count(&more);
                section.text = format!("{}\n\n{more}", section.text.trim_end())
                    .trim_start()
                    .to_owned();
            }
        }
    }
    added
}

/// The longest stretch of the transcript that a section covers.
fn longest(section: &Section) -> Span {
    let spans = section.spans.iter().copied();
    spans.max_by_key(|span| span.len()).unwrap_or_default()
}

/// Takes several texts apart.
type Pieces = fn(&[&str], &Speakers<'_>) -> Vec<Sentence>;

/// The names with which lines of quotations begin.
type Speakers<'a> = HashSet<&'a str>;

/// A sentence of one of several texts.
struct Sentence {
    /// Index of the text it belongs to.
    of: usize,
    text: String,
    /// The name that the line begins with, a colon and a blank, if this is not its first sentence.
    speaker: Option<String>,
    /// Whitespace between the previous sentence and this one: a space, a line break or a paragraph break.
    gap: &'static str,
    words: usize,
    stems: HashSet<String>,
    /// Whether it cannot be understood without the sentence before.
    leans: bool,
    /// Whether it opens its text.
    opens: bool,
    /// Whether it begins with what its paragraph is about.
    has_label: bool,
    /// Whether it has a name, to which the next sentence may refer.
    names: bool,
    /// Whether it tells that somebody asked something.
    asks: bool,
    kept: bool,
}

/// Whether a sentence tells that somebody asked something.
fn asks(sentence: &str) -> bool {
    const ASKS: [&str; 4] = [" ask", "wanted to know", "challenged", "wondered"];
    sentence.contains(['?', '？', '؟']) || ASKS.iter().any(|asks| sentence.contains(asks))
}

/// The sentences of a text. What stands in quotation marks is never taken apart, though it may have stops of its own, nor is a
/// list: whoever announces two places has to name both.
fn whole_sentences(text: &str) -> Vec<Span> {
    let mut whole: Vec<Span> = Vec::new();
    // What is known of the last one, which may become as long as the text.
    let (mut quotation, mut has_entries) = (Quotation::default(), false);
    for found in sentence::sentences(text) {
        let goes_on = |last: &Span| {
            let gap = Span::from(last.end..found.start).of(text);
            let introduces = introduces(last.of(text));
            match gap.matches('\n').count() {
                0 => has_entries && !introduces || quotation.is_open(),
                1 => (has_entries || introduces) && is_entry(found.of(text)),
                _ => false,
            }
        };
        let start = match whole.last_mut() {
            Some(last) if goes_on(last) => std::mem::replace(&mut last.end, found.end),
            _ => {
                whole.push(found);
                (quotation, has_entries) = (Quotation::default(), false);
                found.start
            }
        };
        let new = Span::from(start..found.end).of(text);
        quotation.add(new);
        has_entries |= has_list(new);
    }
    whole
}

/// Whether a quotation begins in a sentence and does not end there.
struct Quotation {
    /// Marks of each kind so far: those that open and close, and how many more of the others open than close.
    straight: usize,
    curly: i32,
    single: i32,
    has_single: bool,
    last: char,
}

impl Default for Quotation {
    fn default() -> Self {
        Self {
            straight: 0,
            curly: 0,
            single: 0,
            has_single: false,
            last: ' ',
        }
    }
}

impl Quotation {
    fn add(&mut self, text: &str) {
        for c in text.chars() {
            let last = std::mem::replace(&mut self.last, c);
            self.has_single |= matches!(c, '\'' | '‘');
            match c {
                '"' => self.straight += 1,
                '“' => self.curly += 1,
                '”' => self.curly -= 1,
                // An apostrophe stands between letters or at the end of a word, an opening mark before a word.
                '\'' | '‘' | '’'
                    if !last.is_alphanumeric() && !matches!(last, '.' | ',' | '!' | '?') =>
                {
                    self.single += 1
                }
                '\'' | '’' if self.single > 0 => self.single -= 1,
                _ => {}
            }
        }
    }

    fn is_open(&self) -> bool {
        self.straight % 2 == 1 || self.curly > 0 || self.single > 0 && self.has_single
    }
}

/// The sentences that were `found` in a text, each with the name that its line begins with. A stop in a name ends no sentence.
fn with_speakers<'a>(
    text: &'a str,
    speakers: &Speakers<'_>,
    found: Vec<Span>,
) -> Vec<(Span, &'a str)> {
    let mut all: Vec<(Span, &str)> = Vec::new();
    let mut line = 0;
    for found in found {
        match all.last_mut() {
            Some((last, speaker)) if !Span::from(last.end..found.start).of(text).contains('\n') => {
                if last.end < line + speaker.len() {
                    last.end = found.end;
                } else {
                    let speaker = *speaker;
                    all.push((found, speaker));
                }
            }
            _ => {
                line = found.start;
                let rest = Span::from(line..text.len()).of(text);
                all.push((found, speaker_of(rest, speakers)));
            }
        }
    }
    all
}

/// The name that a line of a quotation begins with, with its colon and blank. Empty if it begins with none.
fn speaker_of<'a>(line: &'a str, speakers: &Speakers<'_>) -> &'a str {
    const COLON: &str = ": ";
    let line = line.lines().next().unwrap_or_default();
    let mut ends = line.match_indices(COLON).map(|(at, _)| at).take(3);
    let end = ends.find(|end| line.get(..*end).is_some_and(|name| speakers.contains(name)));
    end.and_then(|end| line.get(..end + COLON.len()))
        .unwrap_or_default()
}

/// Whether a sentence has entries of a list.
fn has_list(sentence: &str) -> bool {
    sentence.contains("\n- ")
}

/// Whether a sentence has a capitalized word, other than a function word at its start.
fn has_name(sentence: &str) -> bool {
    let first = words::runs(sentence).next().unwrap_or_default();
    !terms::is_stopword(&first.to_lowercase()) || !support::names(sentence).is_empty()
}

/// Whether a sentence introduces a list.
fn introduces(sentence: &str) -> bool {
    sentence.ends_with([':', '：'])
}

/// Whether a sentence that opens a paragraph begins with what the paragraph is about, as in `Winter damage: they met`.
fn has_label(sentence: &str) -> bool {
    label(sentence).is_some()
}

/// What a paragraph begins with and is about, and the rest of it.
pub(crate) fn label(paragraph: &str) -> Option<(&str, &str)> {
    let at = paragraph.find([':', '：'])?;
    let (label, rest) = paragraph.split_at(at);
    // The colon of a clock time is none.
    let after = rest.strip_prefix('：');
    let after = after.or_else(|| {
        rest.strip_prefix(':')
            .filter(|rest| rest.starts_with(char::is_whitespace))
    })?;
    let is_label = !after.is_empty() && words::count(label) <= LABEL_MAX_WORDS;
    is_label.then_some((label, after))
}

/// The sentences of several texts, in order.
fn split(texts: &[&str], speakers: &Speakers<'_>) -> Vec<Sentence> {
    pieces(texts, speakers, whole_sentences)
}

/// The paragraphs of several texts, in order: those of one matter as one piece, from its label on. A text without labels has a
/// single piece.
fn labelled(texts: &[&str], speakers: &Speakers<'_>) -> Vec<Sentence> {
    let matters = |text: &str| {
        let mut found: Vec<Span> = Vec::new();
        for sentence in whole_sentences(text) {
            let opens = found.last().is_none_or(|last| {
                Span::from(last.end..sentence.start)
                    .of(text)
                    .contains("\n\n")
            });
            match found.last_mut() {
                Some(last) if !(opens && has_label(sentence.of(text))) => last.end = sentence.end,
                _ => found.push(sentence),
            }
        }
        found
    };
    pieces(texts, speakers, matters)
}

fn pieces(
    texts: &[&str],
    speakers: &Speakers<'_>,
    found: impl Fn(&str) -> Vec<Span>,
) -> Vec<Sentence> {
    let mut all = Vec::new();
    for (of, text) in texts.iter().enumerate() {
        let mut end = 0;
        for (found, speaker) in with_speakers(text, speakers, found(text)) {
            let between = Span::from(end..found.start).of(text);
            let opens = end == 0;
            let begins_line = opens || between.contains('\n');
            end = found.end;
            let text = found.of(text);
            let of_name = if begins_line {
                words::count(speaker)
            } else {
                0
            };
            all.push(Sentence {
                of,
                speaker: (!begins_line && !speaker.is_empty()).then(|| speaker.to_owned()),
                gap: match between.matches('\n').count() {
                    0 => " ",
                    1 => "\n",
                    _ => "\n\n",
                },
                words: words::count(text).saturating_sub(of_name),
                stems: terms::stems(text),
                has_label: has_label(text),
                leans: leans(text) || refers_back(text),
                names: has_name(text),
                asks: asks(text),
                opens,
                text: text.to_owned(),
                kept: true,
            });
        }
    }
    all
}

/// What may be dropped.
#[derive(Debug, Clone, Copy)]
struct Rule<'a> {
    /// The words of what must not be missed. A sentence that tells it, or that the next one leans on, is dropped only if no
    /// other can be.
    settled: &'a [Vec<String>],
    /// Not even then.
    spares: bool,
    /// Maximum words of what is dropped.
    most: usize,
}

impl Rule<'_> {
    const ANYTHING: Self = Self {
        settled: &[],
        spares: false,
        most: usize::MAX,
    };
}

/// Drops the least informative sentences until `excess` words are gone, keeping at least `least` sentences of each text.
fn drop_sentences(sentences: &mut [Sentence], mut excess: usize, least: usize, rule: &Rule<'_>) {
    let mut worths = Worths::of(sentences);
    let mut left: HashMap<usize, usize> = HashMap::new();
    for sentence in &*sentences {
        *left.entry(sentence.of).or_default() += 1;
    }
    // Half of the words of an entry in one sentence: it tells the same.
    let tells = |sentence: &Sentence| {
        let shares = |entry: &Vec<String>| {
            let known = |stem: &&String| sentence.stems.contains(*stem);
            entry.len() > 2 && entry.iter().filter(known).count() * 2 >= entry.len()
        };
        rule.settled.iter().any(shares)
    };
    let tells: Vec<bool> = sentences.iter().map(tells).collect();
    while excess > 0 {
        let is_needed: Vec<bool> = needed(sentences)
            .into_iter()
            .zip(&tells)
            .map(|(is_needed, tells)| is_needed || *tells)
            .collect();
        let is_end = ends(sentences);
        let may_go = |sentence: &Sentence, excess: usize, left: &HashMap<usize, usize>| {
            sentence.words <= rule.most
                && sentence.words <= excess + SLACK_WORDS
                && left.get(&sentence.of).is_some_and(|&left| left > least)
        };
        let candidates = sentences.iter().zip(is_needed).enumerate();
        let candidates = candidates.filter(|(_, (sentence, is_needed))| {
            sentence.kept && !(rule.spares && *is_needed) && may_go(sentence, excess, &left)
        });
        let ranked = candidates.map(|(at, (sentence, is_needed))| {
            let worth = worths.of_sentence(at, sentence.words);
            let (more, than) = match is_end.get(at) {
                Some(true) => (1, 1),
                _ => SEAM,
            };
            (is_needed, worth * more / than, at)
        });
        let mut ranked: Vec<(bool, u64, usize)> = ranked.collect();
        if ranked.is_empty() {
            break;
        }
        let at_a_time = match ranked.len() {
            few if few <= MANY => 1,
            many => many / 8,
        };
        let (least_of_all, last, _) = ranked.select_nth_unstable(at_a_time - 1);
        least_of_all.sort_unstable();
        let dropped = least_of_all.iter().chain([&*last]).map(|(.., at)| *at);
        for at in dropped {
            let Some(sentence) = sentences.get_mut(at) else {
                continue;
            };
            if excess == 0 || !may_go(sentence, excess, &left) {
                continue;
            }
            sentence.kept = false;
            excess = excess.saturating_sub(sentence.words);
            left.entry(sentence.of).and_modify(|count| *count -= 1);
            if at_a_time == 1 {
                worths.drop(at);
            }
        }
        if at_a_time > 1 {
            worths = Worths::of(sentences);
        }
    }
}

/// What sentences are worth by their terms. A rarer term is worth more, because it could be lost with its sentence. Numbers count
/// three times as much.
struct Worths {
    /// The terms: how much they count, and the sentences they occur in.
    terms: Vec<(f64, Vec<usize>)>,
    /// In how many kept sentences each term occurs.
    shared: Vec<usize>,
    /// For each sentence its terms, and the sum of their worth.
    sentences: Vec<(Vec<usize>, f64)>,
}

impl Worths {
    fn of(sentences: &[Sentence]) -> Self {
        let mut known: HashMap<&str, usize> = HashMap::new();
        let mut terms: Vec<(f64, Vec<usize>)> = Vec::new();
        let mut all = Vec::with_capacity(sentences.len());
        for (at, sentence) in sentences.iter().enumerate() {
            let stems = sentence.stems.iter().filter(|_| sentence.kept);
            let mut stems: Vec<&str> = stems.map(String::as_str).collect();
            stems.sort_unstable();
            let own = stems.into_iter().map(|stem| {
                let term = *known.entry(stem).or_insert(terms.len());
                if term == terms.len() {
                    let is_number = stem.contains(|c: char| c.is_ascii_digit());
                    terms.push((if is_number { 3.0 } else { 1.0 }, Vec::new()));
                }
                if let Some((_, with)) = terms.get_mut(term) {
                    with.push(at);
                }
                term
            });
            all.push((own.collect::<Vec<usize>>(), 0.0));
        }
        for (weight, with) in &terms {
            for &at in with {
                if let Some((_, sum)) = all.get_mut(at) {
                    *sum += weight / with.len() as f64;
                }
            }
        }
        Self {
            shared: terms.iter().map(|(_, with)| with.len()).collect(),
            terms,
            sentences: all,
        }
    }

    /// The worth of a sentence for its length, rounded: sums of the same terms may differ in the last digits.
    fn of_sentence(&self, at: usize, words: usize) -> u64 {
        let sum = self.sentences.get(at).map_or(0.0, |(_, sum)| *sum);
        (sum / (words.max(1) as f64).sqrt() * 1e9).round() as u64
    }

    /// Sentence `at` is gone: its terms are rarer.
    fn drop(&mut self, at: usize) {
        let own = self
            .sentences
            .get_mut(at)
            .map(|(own, _)| std::mem::take(own));
        for term in own.unwrap_or_default() {
            let (Some((weight, with)), Some(shared)) =
                (self.terms.get(term), self.shared.get_mut(term))
            else {
                continue;
            };
            let before = *shared as f64;
            *shared -= 1;
            let more = weight / (*shared).max(1) as f64 - weight / before;
            for &at in with {
                if let Some((_, sum)) = self.sentences.get_mut(at) {
                    *sum += more;
                }
            }
        }
    }
}

/// Whether each of `sentences` opens its text, or the next kept one of the same paragraph leans on it, or it says what the
/// rest of its paragraph is about, or it answers a question: without it, nobody seems to have answered.
fn needed(sentences: &[Sentence]) -> Vec<bool> {
    let mut needed = answers(sentences);
    let mut is_leaned_on = false;
    let mut is_followed = false;
    for (sentence, needed) in sentences.iter().zip(&mut needed).rev() {
        let opens_paragraph = sentence.gap == "\n\n" || sentence.opens;
        if sentence.kept {
            *needed |= is_leaned_on;
            // What the next one leans on without finding it here stands further back.
            is_leaned_on = sentence.leans || is_leaned_on && !sentence.names;
        }
        *needed |= opens_paragraph && is_followed && sentence.has_label;
        // What a text begins with is what came out of it.
        *needed |= sentence.opens;
        is_followed = !opens_paragraph && (is_followed || sentence.kept);
        is_leaned_on &= !opens_paragraph;
    }
    needed
}

/// Whether the kept sentence before each of `sentences` in its paragraph asks something.
fn answers(sentences: &[Sentence]) -> Vec<bool> {
    let mut is_asked = false;
    let answers = sentences.iter().map(|sentence| {
        let opens_paragraph = sentence.gap == "\n\n" || sentence.opens;
        let answers = is_asked && !opens_paragraph;
        is_asked = match sentence.kept {
            true => sentence.asks,
            false => answers,
        };
        answers
    });
    answers.collect()
}

/// Whether each of `sentences` is the last kept one of a paragraph that has more, and answers no question.
fn ends(sentences: &[Sentence]) -> Vec<bool> {
    let mut ends = vec![false; sentences.len()];
    let (mut last, mut before) = (None, 0);
    for (at, sentence) in sentences.iter().enumerate() {
        if sentence.gap == "\n\n" || sentence.opens {
            (last, before) = (None, 0);
        }
        if !sentence.kept {
            continue;
        }
        let asks = |last: usize| sentences.get(last).is_some_and(|sentence| sentence.asks);
        if let Some(end) = last.and_then(|last| ends.get_mut(last)) {
            *end = false;
        }
        if let Some(end) = ends.get_mut(at) {
            *end = before >= MIN_BEFORE && !last.is_some_and(asks);
        }
        (last, before) = (Some(at), before + 1);
    }
    ends
}

/// The kept sentences of text `of`, joined.
fn joined(sentences: &[Sentence], of: usize) -> String {
    let mut text = String::new();
    let mut gap = "";
    let mut has_begun = false;
    for sentence in sentences.iter().filter(|sentence| sentence.of == of) {
        has_begun &= sentence.gap == " " && !sentence.opens;
        // Keep a paragraph break even if the sentence after it was dropped.
        if sentence.gap.len() > gap.len() || gap == " " && sentence.gap == "\n" {
            gap = sentence.gap;
        }
        if sentence.kept {
            if !text.is_empty() {
                text.push_str(match gap {
                    " " => sentence::gap(&text),
                    gap => gap,
                });
            }
            // What opened the line had the name.
            if let Some(speaker) = sentence.speaker.as_ref().filter(|_| !has_begun) {
                text.push_str(speaker);
            }
            text.push_str(&sentence.text);
            has_begun = true;
            gap = "";
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::assemble::Source;
    use crate::text::{Tokens, Words};
    use crate::transcript::{Decoder, Passage};

    fn plan(words: usize) -> Plan {
        Plan {
            target_words: Words(words),
            target_reduced: false,
            overview_words: Words(0),
            tokens: Tokens(0),
            chunks: Vec::new(),
            weights: Vec::new(),
            groups: Vec::new(),
            shown_tokens: None,
            levels: Vec::new(),
            sections: 2,
            outline_tokens: None,
            chunk_tokens: Tokens(0),
        }
    }

    fn section(text: &str, target_words: usize, range: std::ops::Range<usize>) -> Section {
        Section {
            title: "Title".into(),
            times: Vec::new(),
            text: text.into(),
            matters: Vec::new(),
            target_words,
            chunks: vec![0],
            spans: vec![range.into()],
            source: Source::Model,
            written_by: None,
        }
    }

    fn transcript() -> Transcript {
        let text: String = (0..60)
            .map(|i| {
                format!("Dana: Item number{i} was about topic{i} and cost {i} dollars in all.\n")
            })
            .collect();
        let mut decoder = Decoder::default();
        decoder.push(text.as_bytes()).unwrap();
        Transcript::new(decoder.finish().unwrap()).unwrap()
    }

    #[test]
    fn the_last_entries_of_lists_go_if_sentences_do_not_suffice() {
        let entries = |count| -> String {
            (0..count)
                .map(|n| format!("- Depot {n} cost {n}.\n"))
                .collect()
        };
        let text = |count| {
            format!("The points were:\n{}", entries(count))
                .trim_end()
                .to_owned()
        };
        let mut sections = [section(&text(30), 10, 0..1), section(&text(3), 10, 1..2)];
        let excess = 40;
        drop_least(&mut sections, excess, &[], &Speakers::new());
        assert_eq!(
            [&*sections[0].text, &sections[1].text],
            [&*text(22), &*text(3)]
        );
        drop_least(&mut sections, 1000, &[], &Speakers::new());
        assert_eq!(
            [&*sections[0].text, &sections[1].text],
            [&*text(2), &*text(2)]
        );
    }

    #[test]
    fn drops_the_least_informative_sentences_of_a_long_summary() {
        let filler = "They talked about the depot again. ";
        let text = format!(
            "The depot cost 4711 dollars. {filler}They talked about the depot. Brackwater built it in March."
        );
        let mut summary = Summary {
            overview: None,
            sections: vec![section(&text, 14, 0..10)],
            ..Summary::default()
        };
        fit(&mut summary, &transcript(), &plan(14));
        let text = summary.sections[0].text.clone();
        assert!(
            text.contains("4711") && text.contains("Brackwater"),
            "{text}"
        );
        assert!(words::count(&text) <= 16, "{text}");
    }

    #[test]
    fn tops_up_a_short_summary_and_warns() {
        let transcript = transcript();
        let half = transcript.text().len() / 2;
        let sections = vec![
            section("Dana spoke.", 100, 0..half),
            section("Dana went on.", 100, half..transcript.text().len()),
        ];
        let mut summary = Summary {
            overview: None,
            sections,
            ..Summary::default()
        };
        let plan = plan(200);
        fit(&mut summary, &transcript, &plan);
        let words = summary.words();
        assert!((190..=206).contains(&words), "{words}");
        assert!(
            summary.warnings[0].contains("speakers' own"),
            "{:?}",
            summary.warnings
        );
        assert!(summary.sections.iter().all(|section| section.words() > 60));
    }

    #[test]
    fn drops_a_repeated_sentence() {
        let twice = "The city will answer before the end of November.";
        let mut sections = vec![
            section(twice, 9, 0..1),
            section(&format!("Lee agreed to wait. {twice}"), 13, 1..2),
        ];
        drop_duplicates(&mut sections, &Speakers::new());
        assert_eq!(
            (sections[0].text.as_str(), sections[1].text.as_str()),
            (twice, "Lee agreed to wait.")
        );
    }

    #[test]
    fn the_sentence_that_opens_a_text_stays() {
        let text = "It was late. Dana spoke of 4711 trams and of Brackwater. Lee spoke of 12 depots in Harbor.";
        assert!(
            shorten(text, 13).starts_with("It was late."),
            "{}",
            shorten(text, 13)
        );
    }

    #[test]
    fn a_matter_goes_before_a_sentence_of_another() {
        let text = "Rent: Dana asked who pays 4711 for the yard. Lee said the council.\n\nNoise: Kim spoke of it. They were loud.\n\nTrams: Abreu counted 12 of Brackwater in Harbor.";
        let mut sections = [section(text, 30, 0..1)];
        drop_least(&mut sections, 6, &[], &Speakers::new());
        assert_eq!(
            sections[0].text,
            "Rent: Dana asked who pays 4711 for the yard. Lee said the council.\n\nTrams: Abreu counted 12 of Brackwater in Harbor."
        );
    }

    #[test]
    fn a_paragraph_with_a_time_has_no_label() {
        for (text, found) in [
            ("Contact returned at 4:47:15. He was well.", None),
            ("Reentry: he was well.", Some(("Reentry", " he was well."))),
            ("Lage：Er kam.", Some(("Lage", "Er kam."))),
            ("Steps:\n- One.", Some(("Steps", "\n- One."))),
            ("Steps:", None),
        ] {
            assert_eq!(label(text), found);
        }
    }

    #[test]
    fn what_was_decided_stays() {
        let text = "It was late. Dana named 4711 trams of Brackwater in Harbor. They will close the depot early. Lee left.";
        let mut sections = [section(text, 20, 0..1)];
        let entry = terms::stems("Close the depot early").into_iter().collect();
        drop_least(&mut sections, 6, &[entry], &Speakers::new());
        assert!(
            sections[0].text.contains("close the depot"),
            "{}",
            sections[0].text
        );
    }

    #[test]
    fn a_sentence_that_the_next_one_leans_on_stays() {
        let [chain, paragraphs] = [" ", "\n\n"].map(|gap| {
            let text = format!(
                "Kim opened it.{gap}Dana spoke.{gap}They closed depot 4711 in March.{gap}Lee and Brackwater object."
            );
            shorten(&text, 14)
        });
        assert_eq!(
            chain,
            "Kim opened it. Dana spoke. They closed depot 4711 in March."
        );
        assert_eq!(
            paragraphs,
            "Kim opened it.\n\nThey closed depot 4711 in March.\n\nLee and Brackwater object."
        );
        // Whom the pronoun means may stand further back.
        let she = "Kim opened it. Abreu spoke at length of many other things there. The panel could live with it. She wanted the 4711 trams in March. Lee left.";
        let shorter = shorten(she, words::count(she) - 9);
        assert!(
            !shorter.contains("She ") || shorter.contains("Abreu"),
            "{shorter}"
        );
        // Where nothing else can go, it goes.
        let long = "They closed depot 4711 in March and moved all of the trams to the hall at Quay Street.";
        assert_eq!(shorten(&format!("Dana spoke. {long}"), 17), long);
    }

    #[test]
    fn the_named_sentences_go_as_long_as_none_leans_on_them() {
        let text = "Kim opened it. Abreu spoke of tea at the depot. She wanted more of it. Lee left early that day. Dana drew a map of the quay.";
        let cut = |names: &[&str], excess| {
            let mut sections = [section(text, 30, 0..1)];
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            super::cut(&mut sections, &names, excess);
            let [section] = sections;
            section.text
        };
        assert_eq!(
            cut(&["Lee left early", "Dana drew a map"], 3),
            text.replace(" Lee left early that day.", "")
        );
        let [lean, leaned, opens] = ["she wanted more", "Abreu spoke of tea", "Kim opened it."];
        // What the next one leans on, and what a text begins with, stay, and what nobody told cannot go.
        for names in [&[leaned][..], &[opens], &["Lee left late"], &[""], &[]] {
            assert_eq!(cut(names, 20), text, "{names:?}");
        }
        assert_eq!(
            cut(&[lean, leaned], 20),
            "Kim opened it. Lee left early that day. Dana drew a map of the quay."
        );
        // Hardly any other is left.
        let all = ["She wanted", "Abreu spoke", "Lee left", "Dana drew"];
        assert_eq!(
            cut(&all, 100),
            "Kim opened it. Dana drew a map of the quay."
        );
    }

    #[test]
    fn an_answer_is_not_what_goes_first() {
        for question in ["Were they back, Dana asked?", "Dana wanted to know of it."] {
            let text = format!(
                "Abreu counted 12 of Brackwater. {question} They were new. Harbor lost Fishmarket in 1999."
            );
            let short = shorten(&text, words::count(&text) - 3);
            assert!(short.contains("They were new."), "{short}");
        }
    }

    #[test]
    fn a_list_is_kept_or_dropped_whole() {
        let list =
            "For the yard spoke:\n- It is near. It is dry.\n- It is let at 4711 by Brackwater.";
        let text = format!("Rent: Dana named 3 offers.\n\n{list}\n\nLee left at 12. Kim too.");
        let pieces: Vec<&str> = whole_sentences(&text)
            .into_iter()
            .map(|span| span.of(&text))
            .collect();
        assert_eq!(
            pieces,
            [
                "Rent: Dana named 3 offers.",
                list,
                "Lee left at 12.",
                "Kim too."
            ]
        );
        for excess in 1..30 {
            let shorter = shorten(&text, words::count(&text) - excess);
            assert!(
                shorter.contains(list) || !shorter.contains("yard"),
                "{shorter}"
            );
        }
    }

    #[test]
    fn a_paragraph_keeps_what_it_is_about() {
        let text = "It began.\n\nRent: they met. Dana named 4711 trams and Brackwater in Harbor.\n\nLee sold 12 depots.";
        let shorter = shorten(text, words::count(text) - 3);
        assert!(shorter.contains("Rent: they met."), "{shorter}");
    }

    #[test]
    fn the_overview_is_not_repeated_in_quotations() {
        let transcript = transcript();
        let span = 0..transcript.text().len();
        let source = transcript.passage(span.clone());
        let text = extract::extract(&source, 120);
        let overview = extract::extract(&Passage::of_text(&*text), 30);
        let mut summary = Summary {
            overview: Some(overview.clone()),
            sections: vec![section(&text, 150, span)],
            ..Summary::default()
        };
        fit_quotations(&mut summary, &transcript, &plan(180));
        let text = &summary.sections[0].text;
        let said = overview.trim_start_matches("Dana: ").split(". ");
        for sentence in said.map(|sentence| sentence.trim_end_matches('.')) {
            assert!(!text.contains(sentence), "{sentence} in {text}");
        }
        assert!(
            (170..=189).contains(&summary.words()),
            "{}",
            summary.words()
        );
    }

    #[test]
    fn quotations_are_not_taken_apart() {
        for text in [
            "Lee named 'Stay Safe. Stay Learning' as the statement. Dana left.",
            "Lee said “It is late. It is dear.” and left. Dana stayed.",
            "Lee said \"It is late. It is dear\" and left. Dana stayed.",
        ] {
            let found: Vec<&str> = whole_sentences(text)
                .into_iter()
                .map(|span| span.of(text))
                .collect();
            assert_eq!(found.len(), 2, "{found:?}");
        }
        assert_eq!(
            whole_sentences("The drivers' depot is late. It's dear. 'Twas so.").len(),
            3
        );
    }

    #[test]
    fn sentences_without_blanks_between_them_stay_so() {
        let chinese = "会议讨论了三月的预算。李说：“车库要在四月关闭。”GPU 涨价了！之后他们谈到了 4711 号电车。";
        assert_eq!(joined(&split(&[chinese], &Speakers::new()), 0), chinese);
        let shorter = shorten(chinese, words::count(chinese) - 4);
        assert!(
            shorter.len() < chinese.len() && shorter.contains("4711"),
            "{shorter}"
        );
        assert!(
            !shorter.contains("。 ") && !shorter.contains("” "),
            "{shorter}"
        );
        // Burmese has blanks there, and English between its own.
        for text in ["ကျွန်တော်တို့ တွေ့ခဲ့သည်။ သူတို့ ပြန်သွားသည်။", "They met. They left."]
        {
            assert_eq!(joined(&split(&[text], &Speakers::new()), 0), text);
        }
    }

    #[test]
    fn a_short_chinese_summary_is_topped_up_without_blanks() {
        let text: String = (0..40)
            .map(|n| format!("李伟：第{n}号车库的预算是{n}万元。委员会同意在{n}月再次讨论此事。\n"))
            .collect();
        let mut decoder = Decoder::default();
        decoder.push(text.as_bytes()).unwrap();
        let transcript = Transcript::new(decoder.finish().unwrap()).unwrap();
        let whole = 0..transcript.text().len();
        let mut summary = Summary {
            overview: None,
            sections: vec![section("李伟发言。", 200, whole)],
            ..Summary::default()
        };
        fit(&mut summary, &transcript, &plan(200));
        let text = &summary.sections[0].text;
        assert!((180..=210).contains(&summary.words()), "{text}");
        assert!(!text.contains("。 "), "{text}");
        assert!(text.matches('。').count() > 4, "{text}");
    }

    #[test]
    fn what_is_left_of_a_line_keeps_its_speaker() {
        let text = "Cllr. P. Lee: It costs 4711 for Harbor. We have 12 from Brackwater.\nDana: Yes. Then go.";
        let speakers = Speakers::from(["Cllr. P. Lee", "Dana"]);
        let mut sentences = split(&[text], &speakers);
        assert_eq!(joined(&sentences, 0), text);
        let told: Vec<&str> = sentences.iter().map(|one| &*one.text).collect();
        let (lee, have) = (
            "Cllr. P. Lee: It costs 4711 for Harbor.",
            "We have 12 from Brackwater.",
        );
        assert_eq!(told, [lee, have, "Dana: Yes.", "Then go."]);
        sentences[0].kept = false;
        sentences[2].kept = false;
        assert_eq!(
            joined(&sentences, 0),
            format!("Cllr. P. Lee: {have}\nDana: Then go.")
        );
        sentences[1].kept = false;
        assert_eq!(joined(&sentences, 0), "Dana: Then go.");
    }

    #[test]
    fn keeps_paragraph_breaks() {
        let sentences = split(
            &["One is here. Two is here.\n\nThree is here. Four is here."],
            &Speakers::new(),
        );
        assert_eq!(
            joined(&sentences, 0),
            "One is here. Two is here.\n\nThree is here. Four is here."
        );
        assert_eq!(
            shorten("Alpha beta gamma 7. Alpha beta. Delta epsilon 8.", 8),
            "Alpha beta gamma 7. Delta epsilon 8."
        );
    }
}
