//! Finds decisions, promises and open questions where the words leave no doubt. English only.
//!
//! A missing entry is better than a wrong one. So a sentence counts only if it has one of a few set phrases, and nothing in
//! it makes the phrase a question, a condition, a negation, a guess, or a report of another time.

use crate::extract::clean;
use crate::text::{Span, language, leans, sentence, words};
use crate::transcript::{Passage, Speaker};

/// Maximum number of cues of each kind.
const MOST: usize = 8;

/// Shorter sentences do not say what is decided or promised.
const MIN_WORDS: usize = 5;

/// Longer sentences are runs of speech without punctuation, in which a phrase may belong to anything.
const MAX_WORDS: usize = 45;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Decision,
    Action,
    Open,
}

/// A sentence that decides, promises, or leaves a question open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cue {
    pub(crate) kind: Kind,
    /// The sentence, without fillers and stutters.
    pub(crate) text: String,
    pub(crate) speaker: Option<Speaker>,
    /// Where the sentence is in the transcript's text.
    pub(crate) span: Span,
    /// Who is to act.
    pub(crate) owner: Option<Speaker>,
    /// By when, as said: `by Friday`.
    pub(crate) due: Option<String>,
}

/// Phrases that decide.
#[rustfmt::skip]
const DECIDING: [&str; 25] = [
    "we have decided to", "we have decided that", "we have decided not to", "we've decided to",
    "we've decided that", "we've decided not to", "we have agreed to", "we have agreed that", "we've agreed to",
    "we've agreed that", "we are agreed that", "we're agreed that", "it was agreed that", "it is agreed that",
    "it's agreed that", "it is decided that", "the decision is to", "the decision is that", "our decision is to",
    "motion carried", "motion is carried", "motion carries", "carried unanimously", "approved unanimously",
    "adopted unanimously",
];

/// Phrases that decide under whatever conditions follow, at the start of a sentence, and what makes them doubtful.
const DECIDING_ALL: [&str; 5] = [
    "the decision is to",
    "the decision is that",
    "our decision is to",
    "our decision is that",
    "approved then",
];
#[rustfmt::skip]
const HEDGES: [&str; 9] = [
    "is to be made", "would", "could", "might", "maybe", "perhaps", "probably", "whether", "i think",
];

/// Sentences of a chair about the one before and about the one after them in the turn, which decides.
const DECIDED_BEFORE: [&str; 4] = [
    "that's the decision",
    "that's a decision",
    "that is the decision",
    "that is a decision",
];
const DECIDED_AFTER: [&str; 3] = [
    "here's the decision",
    "here is the decision",
    "here's what we decide",
];

/// Verbs that decide in the present tense, at the start of a sentence: `We defer the canopy.`
const PERFORMING: [&str; 4] = [
    "we defer the",
    "we approve the",
    "we adopt the",
    "we postpone the",
];

/// Words before them.
const OPENINGS: [&str; 5] = ["", "so ", "okay ", "then ", "so then "];

/// Maximum number of words before a phrase that decides, in its sentence.
const MAX_BEFORE: usize = 8;

/// Words after `I will` among which a pronoun is its object.
const REACH: usize = 4;

/// Phrases that promise, after `I will`.
#[rustfmt::skip]
const PROMISING: [&str; 42] = [
    "send you", "send him", "send her", "send them", "send it", "send the", "send that", "send this", "send a",
    "send an", "send out", "send round", "send around", "send everyone", "send everybody", "email", "circulate",
    "distribute", "draft", "get back to", "follow up", "look into", "find out", "report back", "put together",
    "set up", "schedule", "arrange", "forward", "prepare", "write up", "write it up", "write to", "check with",
    "order", "submit", "book", "update the", "get you", "let you know", "bring you", "chase",
];

/// Verbs that promise nothing, even with a date.
const IDLE: &str = "be have not never say tell ask go start try see need want love hate miss turn die remember forget wait guess \
    think know take just";

/// Phrases that ask for a promise, after a name.
#[rustfmt::skip]
const ASKING: [&str; 8] = [
    "can you", "could you", "will you", "would you", "can you please", "could you please", "would you please",
    "will you please",
];

/// How an answer begins that promises what was asked for.
#[rustfmt::skip]
const CONSENTING: [&str; 17] = [
    "yes", "yeah", "yep", "sure", "will do", "i will", "i'll", "i can", "of course", "absolutely", "happy to",
    "no problem", "certainly", "okay i'll", "okay i will", "ok i'll", "you'll have it",
];

/// Phrases that leave a question open, said by anybody soon after it.
#[rustfmt::skip]
const LEAVING_OPEN: [&str; 22] = [
    "we'll have to find out", "we will have to find out", "we have to find out", "i'll have to find out",
    "i will have to find out", "take that offline", "take this offline", "take it offline",
    "come back to you on that", "come back to you on it", "get back to you on that", "get back to you on it",
    "get back to you with that", "i'd have to check", "i would have to check", "i'll have to check",
    "i don't have that number", "i don't have that figure", "i don't have the answer", "we don't know yet",
    "nobody knows yet", "i don't know yet",
];

/// Phrases that call the sentence itself an open question.
#[rustfmt::skip]
const OPEN: [&str; 10] = [
    "is still an open question", "remains an open question", "is an open question", "leave that one marked open",
    "leave that one open", "leave that question open", "we still don't know whether", "we still don't know how",
    "we still don't know who", "we still don't know when",
];

/// Words and phrases that make a sentence a guess, a condition or a report of another time.
#[rustfmt::skip]
const DOUBTFUL: [&str; 67] = [
    "if", "unless", "whether", "would", "could", "might", "may", "should", "assuming", "suppose", "supposing",
    "imagine", "provided", "said", "says", "told", "asked", "heard", "thought", "reported", "claimed", "wrote",
    "had", "ago", "last week", "last month", "last year", "last time", "last meeting", "last spring", "last fall",
    "last night", "yesterday", "previously", "earlier", "back in", "back then", "in those days", "at the time",
    "used to", "i think", "i guess", "i believe", "i hope", "i wish", "maybe", "perhaps", "probably", "possibly",
    "presumably", "apparently", "as though", "until", "when", "whenever", "every", "always", "usually", "often",
    "sometimes", "like", "pretend", "for example", "once", "in case", "unlike", "is to be made",
];

/// Words that negate.
const NEGATING: [&str; 7] = ["not", "never", "no", "nobody", "none", "neither", "nor"];

/// Words and phrases by which a promise concerns only this moment of the conversation.
#[rustfmt::skip]
const MOMENTARY: [&str; 20] = [
    "seconds", "minutes", "now", "right now", "in a minute", "in a moment", "in a second", "in a bit",
    "for a second", "for a minute", "quickly", "my screen", "the screen", "this slide", "next slide",
    "the question", "my question", "this question", "the floor", "my time",
];

/// A sentence, prepared for the search for phrases.
struct Said {
    speaker: Option<Speaker>,
    span: Span,
    text: String,
    /// Lower-case words with one blank before and after each.
    plain: String,
    words: usize,
    /// Number of the turn.
    turn: usize,
}

impl Said {
    fn is_question(&self) -> bool {
        self.text.ends_with('?')
    }

    /// What is before and after the first of `phrases` that occurs.
    fn around(&self, phrases: &[&str]) -> Option<(&str, &str)> {
        phrases
            .iter()
            .find_map(|phrase| around(&self.plain, phrase))
    }

    fn has(&self, phrases: &[&str]) -> bool {
        self.around(phrases).is_some()
    }

    fn begins(&self, phrases: &[&str]) -> bool {
        phrases
            .iter()
            .any(|phrase| begins(&self.plain, phrase).is_some())
    }

    /// Whether it begins with a phrase that decides.
    fn begins_deciding(&self) -> bool {
        OPENINGS.iter().any(|opening| {
            let begins = |phrase| begins(&self.plain, &format!("{opening}{phrase}")).is_some();
            DECIDING_ALL.into_iter().any(begins)
        }) && !self.has(&HEDGES)
    }

    /// Whether a reader needs the sentence before to know what it is about.
    fn points_back(&self) -> bool {
        let object = |verb: &str| {
            let said = around(&self.plain, verb).map(|(_, after)| after);
            let mut near = said.into_iter().flat_map(str::split_whitespace).take(REACH);
            near.any(|word| matches!(word, "it" | "that" | "them" | "him" | "her" | "those"))
        };
        (leans(&self.text) && !self.begins(&CONSENTING))
            || object("i'll")
            || object("i will")
            || self.plain.ends_with(" on that ")
    }

    /// Whether it is long enough to say what it is about, is not a question, and does not quote anybody.
    fn states(&self) -> bool {
        (MIN_WORDS..=MAX_WORDS).contains(&self.words)
            && !self.is_question()
            && !self.text.contains(['"', '“', '”'])
            && sentence::ends_sentence(&self.text)
            && !self.text.ends_with('…')
    }
}

/// What is before and after `phrase` in `plain`, which both have a blank at each end.
fn around<'a>(plain: &'a str, phrase: &str) -> Option<(&'a str, &'a str)> {
    let at = plain.find(&format!(" {phrase} "))?;
    let (before, rest) = plain.split_at(at + 1);
    Some((before, rest.split_at(phrase.len()).1))
}

/// What follows `phrase` at the start of `plain`.
fn begins<'a>(plain: &'a str, phrase: &str) -> Option<&'a str> {
    let rest = plain.trim_start().strip_prefix(phrase)?;
    rest.starts_with(' ').then_some(rest)
}

fn plain(text: &str) -> String {
    let mut plain = String::from(" ");
    for word in text.split_whitespace() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        if !bare.is_empty() {
            plain.push_str(&bare.to_lowercase().replace('’', "'"));
            plain.push(' ');
        }
    }
    plain
}

/// The decisions, promises and open questions of a passage, in its order, at most [`MOST`] of each. None if it is not in
/// English.
pub(crate) fn cues(passage: &Passage) -> Vec<Cue> {
    if !language::is_english(passage) {
        return Vec::new();
    }
    let all = sentences(passage);
    let mut found: Vec<Cue> = Vec::new();
    for (at, said) in all.iter().enumerate() {
        let (before, rest) = all.split_at(at);
        // What a sentence without its subject is about: `The counter is hooded. I'll have it off by Friday.`
        let is_called_decision = is_called_decision(before, rest);
        // What it is called a decision about is said in it: "Then we use 2.41. That's a decision."
        let is_whole = is_called_decision && said.begins(&["then"]);
        let subject = (said.points_back() && !is_whole).then(|| {
            let last = before.last().filter(|last| last.turn == said.turn);
            last.filter(|last| last.states() && !last.points_back())
        });
        let (text, span) = match subject {
            None => (said.text.clone(), said.span),
            Some(Some(subject)) => (
                format!("{} {}", subject.text, said.text),
                Span::from(subject.span.start..said.span.end),
            ),
            Some(None) => continue,
        };
        let cue = |kind| Cue {
            kind,
            text: text.clone(),
            speaker: said.speaker,
            span,
            owner: None,
            due: None,
        };
        if decides(said) || is_called_decision {
            found.push(cue(Kind::Decision));
        } else if is_open(rest) {
            found.push(cue(Kind::Open));
        } else if let Some(owner) = asked(passage, rest) {
            found.push(Cue {
                owner: Some(owner),
                due: due(&said.text),
                ..cue(Kind::Action)
            });
        } else if promises(said) {
            found.push(Cue {
                owner: said.speaker,
                due: due(&said.text),
                ..cue(Kind::Action)
            });
        }
    }
    let mut best: Vec<Cue> = [Kind::Decision, Kind::Action, Kind::Open]
        .into_iter()
        .flat_map(|kind| {
            let of_kind = found.iter().filter(|cue| cue.kind == kind);
            best(&of_kind.collect::<Vec<_>>())
        })
        .cloned()
        .collect();
    best.sort_by_cached_key(|cue| cue.span.start);
    best
}

/// At most [`MOST`] of `cues`, spread over the text: of each run of neighbours, the first with a date, or else the first.
fn best<'a>(cues: &[&'a Cue]) -> Vec<&'a Cue> {
    let size = cues.len().div_ceil(MOST).max(1);
    let dated = |run: &[&'a Cue]| run.iter().find(|cue| cue.due.is_some()).copied();
    let runs = cues.chunks(size);
    runs.filter_map(|run| dated(run).or_else(|| run.first().copied()))
        .collect()
}

fn sentences(passage: &Passage) -> Vec<Said> {
    let base = passage.span().start;
    let mut all: Vec<Said> = Vec::new();
    let mut turn = 0;
    for (speaker, spoken) in passage.utterance_spans() {
        turn += usize::from(all.last().is_none_or(|last| last.speaker != speaker));
        let text = Span::from(spoken.start - base..spoken.end - base).of(passage);
        for found in sentence::sentences(text) {
            let clean = clean::clean(found.of(text));
            if clean.contains(char::is_alphanumeric) {
                all.push(Said {
                    speaker,
                    span: Span::from(spoken.start + found.start..spoken.start + found.end),
                    plain: plain(&clean),
                    words: words::count(&clean),
                    text: clean,
                    turn,
                });
            }
        }
    }
    all
}

/// Whether the first of `rest` is called a decision by the sentence before or after it.
fn is_called_decision(before: &[Said], rest: &[Said]) -> bool {
    let Some((said, after)) = rest.split_first() else {
        return false;
    };
    let is_near = |other: &&Said| other.turn == said.turn && !other.is_question();
    let announced = before.last().filter(is_near).is_some_and(|before| {
        let ends = |phrase| before.plain.ends_with(&format!(" {phrase} "));
        DECIDED_AFTER.into_iter().any(ends)
    });
    let confirmed = || {
        after.first().filter(is_near).is_some_and(|after| {
            let said = DECIDED_BEFORE
                .iter()
                .find_map(|phrase| begins(&after.plain, phrase));
            // "That's a decision we can't make" is another matter.
            said.is_some_and(|said| said.trim().is_empty() || said.starts_with(" not a "))
        })
    };
    said.states() && !said.has(&DECIDED_AFTER) && (announced || confirmed())
}

fn decides(said: &Said) -> bool {
    if said.states() && said.begins_deciding() {
        return true;
    }
    if !said.states() && !said.has(&["motion carried"]) || said.is_question() || said.has(&DOUBTFUL)
    {
        return false;
    }
    if let Some((before, _)) = said.around(&DECIDING) {
        let is_clause = !matches!(
            before.split_whitespace().next_back(),
            Some("that" | "which" | "what" | "who" | "where")
        );
        return is_clause && words::count(before) <= MAX_BEFORE && !has_negation(before);
    }
    let habit = ["a day", "a week", "a month", "a year", "each"];
    OPENINGS.iter().any(|opening| {
        let performs = |verb| begins(&said.plain, &format!("{opening}{verb}")).is_some();
        PERFORMING.into_iter().any(performs)
    }) && !said.has(&habit)
}

fn has_negation(plain: &str) -> bool {
    let mut words = plain.split_whitespace();
    words.any(|word| NEGATING.contains(&word) || word.ends_with("n't"))
}

fn promises(said: &Said) -> bool {
    if !said.states() || said.has(&DOUBTFUL) || said.has(&MOMENTARY) {
        return false;
    }
    let Some((before, after)) = said.around(&["i will", "i'll"]) else {
        return false;
    };
    // A promise is a clause of its own, not "what I will send".
    let is_clause = matches!(
        before.split_whitespace().next_back(),
        None | Some(
            "and"
                | "so"
                | "then"
                | "but"
                | "okay"
                | "ok"
                | "yes"
                | "yeah"
                | "sure"
                | "well"
                | "right"
        )
    );
    let after = after.trim_start();
    let after = after.strip_prefix("also ").unwrap_or(after);
    let promised = PROMISING.iter().find_map(|verb| begins(after, verb));
    let is_dated = || {
        let verb = after.split(' ').next().unwrap_or_default();
        let is_idle = IDLE.split_whitespace().any(|idle| idle == verb);
        (!is_idle || after.starts_with("have the ") || after.starts_with("have it "))
            && due(&said.text).is_some()
    };
    is_clause
        && !has_negation(before)
        && (promised.is_some_and(|object| words::count(object) >= 1) || is_dated())
}

/// Who promised what `said` asks of them by name: `Lee, can you send the list?` — `Yes.`
fn asked(passage: &Passage, rest: &[Said]) -> Option<Speaker> {
    let (request, after) = rest.split_first()?;
    let answer = after.first()?;
    let owner = answer
        .speaker
        .filter(|_| answer.speaker != request.speaker)?;
    let name = plain(passage.name(Some(owner))?);
    let (called, wish) = request.around(&ASKING)?;
    let wish = begins(wish, "please").unwrap_or(wish);
    // Only the name comes before, or the name after a word such as "and".
    let called: Vec<&str> = called.split_whitespace().collect();
    let is_named = called.len() <= 3
        && called.last().is_some_and(|called| {
            called.len() > 1 && name.split_whitespace().any(|part| part == *called)
        });
    let is_wish = PROMISING.iter().any(|verb| begins(wish, verb).is_some())
        || begins(wish, "send").is_some()
        || due(&request.text).is_some();
    let is_promised =
        answer.begins(&CONSENTING) && !has_negation(&answer.plain) && !answer.has(&["but", "if"]);
    (request.is_question()
        && request.words >= MIN_WORDS
        && is_named
        && is_wish
        && is_promised
        && !request.has(&MOMENTARY))
    .then_some(owner)
}

/// Whether the first of `rest` is a question that nobody answers, or calls itself open.
fn is_open(rest: &[Said]) -> bool {
    let Some((said, after)) = rest.split_first() else {
        return false;
    };
    if !said.is_question() {
        return said.states() && said.has(&OPEN) && !said.has(&["was", "if", "no longer"]);
    }
    if !(MIN_WORDS..=MAX_WORDS).contains(&said.words) {
        return false;
    }
    let Some(answer) = after
        .first()
        .filter(|answer| answer.speaker != said.speaker)
    else {
        return false;
    };
    // The whole answer must be about not knowing, not its first words.
    let turn: Vec<&Said> = after
        .iter()
        .take_while(|next| next.turn == answer.turn)
        .collect();
    let words: usize = turn.iter().map(|said| said.words).sum();
    words <= MAX_WORDS
        && turn.iter().any(|said| {
            said.has(&LEAVING_OPEN) && !said.is_question() && !said.has(&["if", "unless"])
        })
}

#[rustfmt::skip]
const DAYS: [&str; 7] = [
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
];

#[rustfmt::skip]
const MONTHS: [&str; 12] = [
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
];

/// The phrase of `text` that says by when, as written: `by Friday`, `before the end of March`, `next week`.
fn due(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let bare = |word: &str| {
        word.trim_matches(|c: char| !c.is_alphanumeric())
            .to_lowercase()
    };
    let said: Vec<String> = words.iter().map(|word| bare(word)).collect();
    (0..said.len()).find_map(|at| {
        let (_, rest) = said.split_at(at);
        let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
        let length = due_words(&rest)?;
        let phrase = words.get(at..at + length)?.join(" ");
        Some(
            phrase
                .trim_matches(|c: char| !c.is_alphanumeric())
                .to_owned(),
        )
    })
}

/// Number of words of the phrase at the start of `said` that says by when.
fn due_words(said: &[&str]) -> Option<usize> {
    match said {
        ["by" | "before", "the", "end", "of", rest @ ..] => day_words(rest).map(|count| 4 + count),
        ["by" | "before" | "on", rest @ ..] => day_words(rest).map(|count| 1 + count),
        ["no", "later", "than", rest @ ..] => day_words(rest).map(|count| 3 + count),
        ["tomorrow" | "tonight", ..] => Some(1),
        ["next", "week" | "month", ..] => Some(2),
        ["this", "week" | "afternoon" | "evening", ..] => Some(2),
        ["next" | "this", day, ..] if DAYS.contains(day) => Some(2),
        _ => None,
    }
}

/// Number of words of the day, month or hour at the start of `said`.
fn day_words(said: &[&str]) -> Option<usize> {
    let is_number = |word: &&&str| word.starts_with(|c: char| c.is_ascii_digit());
    match said {
        ["the", day, ..] if day.starts_with(|c: char| c.is_ascii_digit()) => Some(2),
        [
            "the",
            "week" | "month" | "year" | "day" | "quarter" | "weekend",
            ..,
        ] => Some(2),
        ["the", "end", "of", rest @ ..] => day_words(rest).map(|count| 3 + count),
        ["next" | "this", time, ..]
            if DAYS.contains(time) || matches!(*time, "week" | "month" | "meeting") =>
        {
            Some(2)
        }
        ["tomorrow" | "tonight" | "noon" | "today" | "then", ..] => Some(1),
        [day, ..] if DAYS.contains(day) => Some(1),
        [month, rest @ ..] if MONTHS.contains(month) => {
            Some(1 + usize::from(rest.first().filter(is_number).is_some()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cues of a talk, amid enough English to be recognized as such.
    fn found(talk: &str) -> Vec<Cue> {
        let text = format!(
            "Ann: This is the meeting of the board and we have all of the papers with us in the room that you know.\n{talk}\n\
             Ann: That was all of it and you are free to go to the lunch that we have in the hall with the others.\n"
        );
        cues(&Passage::of_text(text))
    }

    #[test]
    fn a_chair_may_call_the_sentence_beside_a_decision() {
        for (talk, decided) in [
            (
                "Ann: Then we use 2.41 from this moment on. That's a decision, not a discussion. What else?",
                "Then we use 2.41 from this moment on.",
            ),
            (
                "Ann: The restriction stays until the rails are in. That's the decision.",
                "The restriction stays until the rails are in.",
            ),
            (
                "Ann: Then here's the decision. The canopy waits until the fall of next year.",
                "The canopy waits until the fall of next year.",
            ),
            (
                "Ann: The decision is that it runs to May unless the board says otherwise.",
                "The decision is that it runs to May unless the board says otherwise.",
            ),
            (
                "Ann: Approved, then, a lift mechanic on evenings from November.",
                "Approved, then, a lift mechanic on evenings from November.",
            ),
        ] {
            let found = found(talk);
            let found: Vec<_> = found
                .iter()
                .map(|cue| (cue.kind, cue.text.as_str()))
                .collect();
            assert_eq!(found, [(Kind::Decision, decided)]);
        }
        for talk in [
            "Ann: The board has met in the hall. That's a decision we can't make here.",
            "Ann: The board has met in the hall. That's the decision?",
            "Ann: The board has met in the hall.\nLee: That's the decision.",
            "Ann: The decision is to be made by the board.",
            "Ann: The decision is that we might wait for the others.",
        ] {
            assert_eq!(found(talk), [], "{talk}");
        }
    }

    #[test]
    fn certain_words_are_cues() {
        use Kind::{Action, Decision, Open};
        for (talk, kind, owner, due) in [
            (
                "Ann: We have decided to close the depot in March.",
                Decision,
                None,
                None,
            ),
            (
                "Ann: So we've decided not to renew the lease.",
                Decision,
                None,
                None,
            ),
            (
                "Ann: It was agreed that the fares stay as they are.",
                Decision,
                None,
                None,
            ),
            (
                "Ann: The motion is carried by nine votes to two.",
                Decision,
                None,
                None,
            ),
            (
                "Ann: The budget was approved unanimously by the board.",
                Decision,
                None,
                None,
            ),
            (
                "Ann: The decision is to wait for the second report.",
                Decision,
                None,
                None,
            ),
            (
                "Ann: We defer the canopy to the next fiscal year.",
                Decision,
                None,
                None,
            ),
            (
                "Ann: Good, then we're agreed that Lee chairs the panel.",
                Decision,
                None,
                None,
            ),
            (
                "Lee: I will send you the list by Friday.",
                Action,
                Some("Lee"),
                Some("by Friday"),
            ),
            (
                "Lee: I'll get back to the contractor about the rails.",
                Action,
                Some("Lee"),
                None,
            ),
            (
                "Lee: Okay, I'll draft the letter before the end of March.",
                Action,
                Some("Lee"),
                Some("before the end of March"),
            ),
            (
                "Lee: The counter is hooded again. I'll have it off by Friday.",
                Action,
                Some("Lee"),
                Some("by Friday"),
            ),
            (
                "Lee: I'll paint the shed by November 3rd.",
                Action,
                Some("Lee"),
                Some("by November 3rd"),
            ),
            (
                "Lee: Yes, and I'll look into the noise at the yard.",
                Action,
                Some("Lee"),
                None,
            ),
            (
                "Ann: Lee, can you send the plan by Friday?\nLee: Yes, of course.",
                Action,
                Some("Lee"),
                Some("by Friday"),
            ),
            (
                "Ann: Lee, could you please check with the union?\nLee: Will do.",
                Action,
                Some("Lee"),
                None,
            ),
            (
                "Ann: How many doors did they replace?\nLee: I'd have to check.",
                Open,
                None,
                None,
            ),
            (
                "Ann: Who pays for the second crane?\nLee: Let's take that offline.",
                Open,
                None,
                None,
            ),
            (
                "Ann: When does the lease end?\nLee: I'll have to come back to you on that.",
                Open,
                None,
                None,
            ),
            (
                "Ann: Who owns the strip by the water is still an open question.",
                Open,
                None,
                None,
            ),
        ] {
            let cues = found(talk);
            let [cue] = &cues[..] else {
                panic!("{talk}: {cues:?}");
            };
            let name = cue.owner.map(|owner| {
                Passage::of_text(format!("Ann: Hm.\n{talk}"))
                    .name(Some(owner))
                    .unwrap_or_default()
                    .to_owned()
            });
            assert_eq!(
                (cue.kind, name.as_deref(), cue.due.as_deref()),
                (kind, owner, due),
                "{talk}"
            );
        }
    }

    #[test]
    fn words_that_only_look_alike_are_none() {
        for talk in [
            "Ann: Have we decided to close the depot?",
            "Ann: If we have decided to close the depot, say so.",
            "Ann: I don't believe we have decided to close it.",
            "Ann: I think we've agreed to wait for the report.",
            "Ann: Last year it was agreed that fares would rise.",
            "Ann: They said the budget was approved unanimously.",
            "Ann: Once the motion is carried we can order the rails.",
            "Ann: Nobody told me that the decision is to wait.",
            "Ann: The decision is not mine to make here.",
            "Ann: We approve the permits for forty shops a month.",
            "Ann: We should defer the canopy to the next year.",
            "Ann: We had decided to close it in any case.",
            "Ann: We decided on the colour some time back.",
            "Lee: I will not send you the list by Friday.",
            "Lee: If you like, I'll send you the list by Friday.",
            "Lee: What I will send you is only a draft.",
            "Lee: Maybe I'll draft the letter on Friday.",
            "Lee: I'll share my screen with you all now.",
            "Lee: I'll check with you in sixty seconds.",
            "Lee: I'll confirm that they wrote to us.",
            "Ann: It is the lighting that we've decided to put in.",
            "Lee: I'll get back to you on that.",
            "Lee: We like it. I can't.\nLee: I'll have it off by Friday.",
            "Lee: I will say that the depot is late again.",
            "Lee: I'll ask the minister what he did about it.",
            "Lee: He told me, I will send you the list by Friday.",
            "Lee: I'll be in the office by Friday.",
            "Lee: Will I send the list by Friday?",
            "Ann: Lee, can you hear me at the back?\nLee: Yes, I can.",
            "Ann: Lee, can you send the plan by Friday?\nLee: No, I'm away.",
            "Ann: Lee, can you send the plan by Friday?\nLee: Yes, but not the costs.",
            "Ann: Lee, can you send the plan by Friday?\nDana: Yes, of course.",
            "Ann: Can anybody send the plan by Friday?\nLee: Yes, of course.",
            "Ann: How many doors did they replace?\nLee: I don't know, about forty of them.",
            "Ann: How many doors did they replace?\nLee: Forty, in the spring.",
            "Ann: Should we take that offline?\nLee: Let's finish it here.",
            "Ann: I don't know about the noise at the yard.",
            "Ann: It was an open question and is an open question no longer.",
        ] {
            assert_eq!(found(talk), [], "{talk}");
        }
    }

    #[test]
    fn a_cue_points_to_its_sentence_and_there_are_few() {
        let talk: String = (0..30)
            .map(|at| format!("Lee: Um, I'll send the the list{at} to the board.\nDana: Fine.\n"))
            .collect();
        let passage = Passage::of_text(talk);
        let cues = cues(&passage);
        assert!(
            cues.len() > MOST / 2 && cues.len() <= MOST,
            "{}",
            cues.len()
        );
        for cue in cues {
            assert_eq!(clean::clean(cue.span.of(&passage)), cue.text);
            assert_eq!(passage.name(cue.speaker), Some("Lee"));
        }
        let german = "Lee: Ich schicke euch die Liste, die wir für das Amt haben, und I'll send you the list.\n";
        assert_eq!(super::cues(&Passage::of_text(german.repeat(9))), []);
    }
}
