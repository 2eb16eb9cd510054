//! Recognizes sentences that cannot be understood without the one before, such as `They have now negotiated.`, `Yes, in
//! March.` or `I don't think so.`
//!
//! Known are English and the commonest words of German, French and Spanish. A sentence in another language never leans.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::text::sentence::mark;
use crate::text::{terms, words};

/// Number of words at the start of a sentence that are read.
const READ_WORDS: usize = 12;

/// Words that point back if a sentence begins with them: pronouns, yes and no, conjunctions and connecting adverbs.
const POINTING: &str = "he she they him her them his hers their theirs \
    yes yeah yep yup nope nah exactly absolutely agreed likewise ditto same neither \
    but or nor yet because 'cause cause which whereas then otherwise instead therefore thus hence however also besides \
    moreover furthermore nevertheless nonetheless consequently similarly plus rather either too afterwards meanwhile \
    er ihm ihn ihnen dieser diese dieses dies ja nein doch und aber oder denn sondern deshalb daher deswegen trotzdem dann \
    außerdem allerdings jedoch dabei dadurch danach dazu ebenso \
    elle ils elles cela ça oui mais et ou donc alors puis pourtant cependant toutefois celui celle ceux ainsi \
    él ella ellos ellas eso esto sí pero así entonces además porque luego pues tampoco";

/// Words that answer or correct if punctuation follows. Without it they belong to the sentence, as in `No trams run`.
const ANSWERING: &str =
    "no non nein right sure correct true indeed definitely certainly maybe perhaps";

/// Demonstratives. They point back unless they name the present time, as in `this week`.
const DEMONSTRATIVE: &str = "this that that's these those c'est das";

/// Times that a demonstrative names.
const TIMES: &str = "morning afternoon evening night week month quarter year spring summer autumn fall winter time meeting";

/// Words that may follow an `it` that stands for a clause or for the time, as in `it is clear that`.
const BEING: &str = "is was 's has will would may might seems seemed appears looks takes took";

/// Words that a sentence is judged without, because they only open it. Speakers begin every other sentence with `and` or `so`.
const OPENERS: &str = "and so well okay ok now oh ah um uh hm actually basically anyway look listen hopefully obviously nun naja \
    bon bueno";

/// Pairs of words that only open a sentence.
const OPENING_PAIRS: [&str; 8] = [
    "i think",
    "i guess",
    "i mean",
    "i believe",
    "i suppose",
    "you know",
    "you see",
    "i know",
];

/// Verbs that stand for the verb of an earlier sentence if a short sentence ends with them, as in `we did`.
const STANDING_FOR_A_VERB: &str = "do don't did didn't does doesn't is isn't was wasn't are aren't am were have haven't has \
    will won't would wouldn't can can't could couldn't should";

/// Minimum number of words after an opener for a sentence to stand alone.
const MIN_OPENED_WORDS: usize = 4;

/// Longest sentence of which a last word from [`STANDING_FOR_A_VERB`] is taken to stand for another verb, in words.
const SHORT_WORDS: usize = 4;

/// Longest sentence of which a last word such as `this` is taken to stand for what was told before, as in `Canton denied this`.
const SHORT_REPLY_WORDS: usize = 8;

/// Words after `it` among which the clause is looked for that it stands for.
const CLAUSE_REACH: usize = 7;

static WORDS: LazyLock<[HashSet<&'static str>; 7]> = LazyLock::new(|| {
    [
        POINTING,
        ANSWERING,
        DEMONSTRATIVE,
        TIMES,
        BEING,
        OPENERS,
        STANDING_FOR_A_VERB,
    ]
    .map(|words| words.split_whitespace().collect())
});

/// Pronouns for a person named before.
const PERSONAL: [&str; 5] = ["he", "she", "him", "her", "his"];

/// Words that count on what was told before, after an article.
const COUNTING: [&str; 9] = [
    "first", "second", "third", "fourth", "last", "latter", "former", "other", "others",
];

/// What somebody does after what another has said.
const REPLYING: [&str; 9] = [
    "answered",
    "conceded",
    "corrected",
    "countered",
    "disagreed",
    "objected",
    "replied",
    "responded",
    "retorted",
];

/// Whether a written sentence counts on what was told before, as in `The second was late`, has a pronoun for a person whom it
/// does not name before, as in `In March, she agreed` and `Ada told him`, or begins with a reply, as in `Ada objected`.
pub(crate) fn refers_back(sentence: &str) -> bool {
    let mut start = words::runs(sentence).map(str::to_lowercase);
    let start = [start.next(), start.next()].map(Option::unwrap_or_default);
    let counts = matches!(start[0].as_str(), "both" | "neither" | "another")
        || start[0] == "the" && COUNTING.contains(&start[1].as_str());
    let last = words::runs(sentence).last().unwrap_or_default();
    let stands_for_all = matches!(last, "this" | "that" | "it" | "so")
        && words::count(sentence) <= SHORT_REPLY_WORDS;
    if counts || stands_for_all {
        return true;
    }
    let (mut names, mut is_first, mut follows_name) = (0, true, false);
    for word in words::runs(sentence) {
        let plain = word.to_lowercase();
        let is_another = names == 0 && PERSONAL.contains(&&*plain) || names == 1 && plain == "him";
        if is_another || names == 1 && follows_name && REPLYING.contains(&&*plain) {
            return true;
        }
        // The first word of a sentence is capitalized whatever it is.
        let is_name = word.starts_with(char::is_uppercase) && !matches!(word, "I" | "I'm" | "I'll");
        let may_be_verb = word.ends_with("ed") || word.ends_with("ing");
        let is_name = is_name && !(is_first && (may_be_verb || terms::is_stopword(&plain)));
        names += usize::from(is_name && !follows_name);
        if names > 1 {
            break;
        }
        (is_first, follows_name) = (false, is_name);
    }
    false
}

/// Whether a sentence leans on the one before: it begins with a pronoun that points back, a yes or no, a conjunction or an
/// ellipsis, or has no verb of its own, as in `we did`.
pub(crate) fn leans(sentence: &str) -> bool {
    let [
        pointing,
        answering,
        demonstrative,
        times,
        being,
        openers,
        standing,
    ] = &*WORDS;
    let is_mark = |c: char| !c.is_alphanumeric();
    let start = sentence.trim_start_matches(|c: char| is_mark(c) && !matches!(c, '.' | '…'));
    if start.starts_with("..") || start.starts_with('…') {
        return true;
    }
    let said: Vec<Word> = start
        .split_whitespace()
        .filter_map(Word::of)
        .take(READ_WORDS)
        .collect();
    let mut rest = &said[..];
    loop {
        match rest {
            [first, after @ ..] if openers.contains(&*first.plain) => {
                if after.len() < MIN_OPENED_WORDS && matches!(&*first.plain, "and" | "so") {
                    return true;
                }
                rest = after;
            }
            [first, second, after @ ..]
                if after.len() > 1
                    && OPENING_PAIRS.contains(&&*format!("{} {}", first.plain, second.plain)) =>
            {
                rest = after;
            }
            _ => break,
        }
    }
    let Some((
        Word {
            plain: first,
            is_ended,
            ..
        },
        after,
    )) = rest.split_first()
    else {
        return false;
    };
    let first = first.as_str();
    let next = after.first().map_or("", |word| &word.plain);
    let last = said.last().map_or("", |word| &word.plain);
    let is_question = start.trim_end().ends_with('?');
    let is_introduction =
        first == "this" && next == "is" && after.get(1).is_some_and(|word| word.is_capitalized);
    let stands_for_clause = || {
        let is_clause = |word: &Word| {
            matches!(&*word.plain, "that" | "to" | "if" | "whether" | "like")
                || word.plain.ends_with("day")
                || word.plain.starts_with(|c: char| c.is_ascii_digit())
        };
        (first.contains('\'') || being.contains(next))
            && after.iter().take(CLAUSE_REACH).any(is_clause)
    };
    let stem = first.split('\'').next().unwrap_or(first);
    pointing.contains(first)
        || matches!(stem, "he" | "she" | "they" | "its")
        || (stem == "it" && !stands_for_clause())
        || (answering.contains(first) && (*is_ended || after.is_empty()))
        || (demonstrative.contains(first) && !times.contains(next) && !is_introduction)
        || (last == "so" && said.len() <= 6)
        || (said.len() <= SHORT_WORDS && !is_question && standing.contains(last))
}

/// A word of a sentence.
struct Word {
    /// In lower case, without the marks around it.
    plain: String,
    is_capitalized: bool,
    /// Whether a mark follows it.
    is_ended: bool,
}

impl Word {
    fn of(written: &str) -> Option<Self> {
        let bare = written.trim_matches(|c: char| !c.is_alphanumeric());
        (!bare.is_empty()).then(|| Self {
            plain: bare.to_lowercase().replace('’', "'"),
            is_capitalized: bare.starts_with(char::is_uppercase),
            is_ended: written.ends_with(|c: char| mark(c).is_some()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{leans, refers_back};

    #[test]
    fn a_sentence_that_points_back_leans() {
        for sentence in [
            "They have now negotiated.",
            "I don't think so.",
            "But that is another matter.",
            "Yes, in March.",
            "No, we paid it in June.",
            "No.",
            "… and the rest came later.",
            "... in the spring, mostly.",
            "Well, that's what the council wants.",
            "I think they will object.",
            "He'll bring the drawings.",
            "“She agreed,” he said.",
            "It was approved in the spring.",
            "Its roof leaks.",
            "Which is why we stopped.",
            "And the depot.",
            "So they left.",
            "Those are the old ones.",
            "We didn't.",
            "Then we use the lower figure.",
            "However, the price rose.",
            "Er hat das abgelehnt.",
            "Ja, im März.",
            "Mais ils sont partis.",
            "Pero no llegó.",
        ] {
            assert!(leans(sentence), "{sentence}");
        }
    }

    #[test]
    fn pronouns_refer_to_people_named_before() {
        for (sentence, refers) in [
            ("Asked whether it was late, she said that it was.", true),
            ("In the end he agreed with Lee.", true),
            ("A return was not imminent, she said.", true),
            ("Lee said that he would go.", false),
            ("When Lee asked, she agreed.", false),
            ("The depot was closed.", false),
            ("The second principle was clear.", true),
            ("Both agreed.", true),
            ("Canton denied this.", true),
            ("Lee corrected him: a change order took $360,000.", true),
            ("The panel and Dana Lee objected.", true),
            ("Lee asked Dana to send him the list.", false),
            ("Lee agreed to answer by May.", false),
            (
                "Lee said that the depot was late and that Dana had known of it.",
                false,
            ),
        ] {
            assert_eq!(refers_back(sentence), refers, "{sentence}");
        }
    }

    #[test]
    fn a_sentence_that_stands_alone_does_not() {
        for sentence in [
            "We will close the depot in March.",
            "I don't think the depot floods.",
            "No trams run on Sundays.",
            "It is clear that the depot floods.",
            "It's Tuesday, October 14th.",
            "This week the depot was closed.",
            "This is Priya from the depot.",
            "Okay, let's begin with the minutes.",
            "The board said so in the letter it sent us.",
            "There are two proposals.",
            "So the board closed the depot.",
            "Andrea sent the letter.",
            "Will you come, or can't you?",
            "Wir treffen uns am Montag.",
            "",
        ] {
            assert!(!leans(sentence), "{sentence}");
        }
    }
}
