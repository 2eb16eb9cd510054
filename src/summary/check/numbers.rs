//! The numbers in a text, in digits or in English words.
//!
//! What is said has more than one reading: `two fifty` is 250, or 2 and 50. A source tells them all, and a number of a text that
//! was written from it is known if the source tells one of its readings.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// Smaller numbers are ignored: they are often the model's own counts, such as "two speakers" or "three reasons".
const MIN_NUMBER: f64 = 4.0;

/// Maximum number of words that are read as one run of numbers.
const MAX_PARTS: usize = 32;

const UNITS: &str = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen \
                     seventeen eighteen nineteen";

const TENS: &str = "twenty thirty forty fifty sixty seventy eighty ninety";

/// Bytes of the longest of these words. Whole transcripts are searched for numbers, and most words are longer, or none.
const LONGEST: usize = "seventeen".len();

const HUNDRED: u64 = 100;
const THOUSAND: u64 = 1000;
const MILLION: u64 = 1_000_000;

/// A number in a text: its readings, normalized to digits, the likeliest first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Number(Vec<String>);

impl Number {
    /// Whether one of its readings is among those `known`.
    pub(crate) fn is_among(&self, known: &HashSet<String>) -> bool {
        self.0.iter().any(|reading| known.contains(reading))
    }

    /// Whether it is too large to be the model's own count.
    fn is_large(&self) -> bool {
        self.0.first().is_some_and(|reading| !is_small(reading))
    }
}

/// Whether a number in digits may be the model's own count.
pub(crate) fn is_small(digits: &str) -> bool {
    digits
        .parse::<f64>()
        .is_ok_and(|number| number < MIN_NUMBER)
}

/// All readings of the numbers in a text.
pub(crate) fn readings(text: &str) -> HashSet<String> {
    let mut found = HashSet::new();
    for_each(text, &mut |readings| {
        found.extend(readings.iter().map(f64::to_string));
    });
    found
}

/// The numbers in a text.
pub(crate) fn numbers(text: &str) -> HashSet<Number> {
    let mut found = HashSet::new();
    for_each(text, &mut |readings| {
        found.insert(Number(readings.iter().map(f64::to_string).collect()));
    });
    found
}

/// The numbers in a text that are too large to be the model's own counts.
pub(crate) fn large_numbers(text: &str) -> HashSet<Number> {
    let mut found = numbers(text);
    found.retain(Number::is_large);
    found
}

/// Whether a word in lower case is a number, or a part of one.
pub(crate) fn is_number_word(word: &str) -> bool {
    value(word).is_some()
}

/// A word of a number.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    Digits(f64),
    /// The value of a word such as `twelve`, `sixty` or `thousand`.
    Value(u64),
    Point,
    /// These three are parts only after a number, and one after the other: `and a half`.
    And,
    A,
    Half,
}

impl Part {
    /// What a word is behind `before`, if it is part of a number.
    fn of(word: &str, before: Option<Part>) -> Option<Self> {
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            let digits = word.replace(',', "");
            let digits = digits.trim_end_matches(char::is_alphabetic).parse();
            return digits.ok().map(Self::Digits);
        }
        if word.len() > LONGEST {
            return None;
        }
        let word = word.to_lowercase();
        match (&*word, before) {
            ("and", Some(Self::Digits(_) | Self::Value(_))) => Some(Self::And),
            ("a", Some(Self::And)) => Some(Self::A),
            ("half", Some(Self::A)) => Some(Self::Half),
            ("point", Some(Self::Value(_))) => Some(Self::Point),
            _ => value(&word).map(Self::Value),
        }
    }
}

/// Hands the readings of each number in `text` to `found`.
fn for_each(text: &str, found: &mut dyn FnMut(&[f64])) {
    let text = with_plain_fractions(text);
    let mut run: Vec<Part> = Vec::new();
    let mut read = |run: &mut Vec<Part>| {
        let mut rest = &run[..];
        while !rest.is_empty() {
            let (readings, used) = first(rest);
            found(&readings);
            rest = rest.split_at(used).1;
        }
        run.clear();
    };
    for token in text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | ','))) {
        if token.is_empty() {
            continue;
        }
        let part = Part::of(token.trim_matches(['.', ',']), run.last().copied());
        match part {
            Some(part) => run.push(part),
            None => read(&mut run),
        }
        // Two thousand, five hundred
        let goes_on = matches!(run.last(), Some(Part::Value(THOUSAND | MILLION)));
        if token.ends_with('.') || token.ends_with(',') && !goes_on || run.len() == MAX_PARTS {
            read(&mut run);
        }
    }
    read(&mut run);
}

/// The readings of the first number of a run, the likeliest first, and of how many parts it consists.
fn first(run: &[Part]) -> (Vec<f64>, usize) {
    use Part::{A, And, Digits, Half, Point, Value};
    let number = match run {
        [Digits(number), ..] => Some((*number, 1)),
        _ => cardinal(run).map(|(number, used)| (number as f64, used)),
    };
    // What is left of `and a half` without a number.
    let Some((number, used)) = number else {
        return (Vec::new(), 1);
    };
    let (taken, after) = run.split_at(used);
    match (taken, after) {
        (_, [And, A, Half, ..]) => (vec![number + 0.5, number], used + 3),
        // Its unit is mostly left as it is.
        ([Digits(_)], [Value(scale @ (HUNDRED | THOUSAND | MILLION)), ..]) => {
            (vec![number, number * *scale as f64], used + 1)
        }
        ([Value(_), ..], [Point, decimals @ ..]) => {
            let (written, more) = decimals_of(decimals);
            let point = format!("{number}.{written}").parse();
            (point.into_iter().chain([number]).collect(), used + 1 + more)
        }
        ([Value(_), ..], [Value(_), ..]) if number > 0.0 && number < HUNDRED as f64 => {
            let Some((tens, more)) = tens(after) else {
                return (vec![number], used);
            };
            let (scale, more) = match after.get(more) {
                Some(Value(scale @ (THOUSAND | MILLION))) => (*scale as f64, more + 1),
                _ => (1.0, more),
            };
            let tens = tens as f64;
            let together = (number * HUNDRED as f64 + tens) * scale;
            (vec![together, number, tens * scale], used + more)
        }
        _ => {
            // Five hundred and twelve may be two numbers.
            let and = taken.iter().position(|part| *part == And);
            let apart = and.map(|at| taken.split_at(at));
            let apart = apart.into_iter().flat_map(|(before, from)| {
                [before, from.get(1..).unwrap_or_default()]
                    .into_iter()
                    .filter_map(cardinal)
            });
            let apart = apart.map(|(number, _)| number as f64);
            ([number].into_iter().chain(apart).collect(), used)
        }
    }
}

/// The number in words that `run` begins with, and of how many parts it consists.
fn cardinal(run: &[Part]) -> Option<(u64, usize)> {
    // What stands before thousand or million, and after it.
    let (mut total, mut current, mut used) = (0_u64, 0_u64, 0);
    loop {
        let rest = run.get(used..).unwrap_or_default();
        let is_round = used > 0 && (total > 0 || current > 0) && current.is_multiple_of(HUNDRED);
        let (value, parts) = match rest {
            [Part::Value(value), ..] => (*value, 1),
            // Two hundred and twelve
            [Part::And, Part::Value(value), ..] if is_round && *value < HUNDRED => (*value, 2),
            _ => break,
        };
        match value {
            // A hundred, a million
            HUNDRED if used == 0 => current = value,
            THOUSAND | MILLION if used == 0 => total = value,
            HUNDRED if (1..HUNDRED).contains(&current) => current *= value,
            MILLION if current > 0 && total == 0 => (total, current) = (current * value, 0),
            THOUSAND if current > 0 && total.is_multiple_of(MILLION) => {
                (total, current) = (total + current * value, 0);
            }
            _ if value >= HUNDRED => break,
            _ if used == 0 || is_round || is_ten(current % HUNDRED) && (1..10).contains(&value) => {
                current += value;
            }
            _ => break,
        }
        used += parts;
    }
    (used > 0).then_some((total + current, used))
}

/// The number from 10 to 99 that `run` begins with, and of how many parts it consists.
fn tens(run: &[Part]) -> Option<(u64, usize)> {
    match run {
        [Part::Value(ten), Part::Value(unit), ..] if is_ten(*ten) && (1..10).contains(unit) => {
            Some((ten + unit, 2))
        }
        [Part::Value(value), ..] if (10..HUNDRED).contains(value) => Some((*value, 1)),
        _ => None,
    }
}

/// What is said behind a point, in digits, and of how many parts it consists: `seven five`, `twenty five`.
fn decimals_of(run: &[Part]) -> (String, usize) {
    if let Some((value, used)) = tens(run) {
        return (value.to_string(), used);
    }
    let digits = run.iter().map_while(|part| match part {
        Part::Value(digit @ 0..10) => Some(digit.to_string()),
        _ => None,
    });
    let digits: Vec<String> = digits.collect();
    (digits.concat(), digits.len())
}

fn is_ten(value: u64) -> bool {
    (20..HUNDRED).contains(&value) && value.is_multiple_of(10)
}

fn value(word: &str) -> Option<u64> {
    static VALUES: LazyLock<HashMap<&str, u64>> = LazyLock::new(|| {
        let units = (0..).zip(UNITS.split(' '));
        let tens = (2..).map(|ten| ten * 10).zip(TENS.split(' '));
        let scales = [
            (HUNDRED, "hundred"),
            (THOUSAND, "thousand"),
            (MILLION, "million"),
        ];
        let all = units.chain(tens).chain(scales);
        all.map(|(value, word)| (word, value)).collect()
    });
    let is_short = word.len() <= LONGEST;
    is_short.then(|| VALUES.get(word).copied()).flatten()
}

/// The text with fractions such as `¾` as `3/4`.
fn with_plain_fractions(text: &str) -> Cow<'_, str> {
    if !text.contains(['¼', '½', '¾']) {
        return Cow::Borrowed(text);
    }
    let plain = [('¼', " 1/4"), ('½', " 1/2"), ('¾', " 3/4")];
    let plain = plain
        .into_iter()
        .fold(text.to_owned(), |text, (one, plain)| {
            text.replace(one, plain)
        });
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The readings of each number in a text.
    fn read(text: &str) -> Vec<Vec<f64>> {
        let mut found = Vec::new();
        for_each(text, &mut |readings| found.push(readings.to_vec()));
        found.retain(|readings| !readings.is_empty());
        found
    }

    #[test]
    fn numbers_are_read_in_all_ways() {
        let cases: [(&str, &[&[f64]]); 33] = [
            ("1,250 and 3.5m", &[&[1250.0], &[3.5]]),
            ("$2.41 million", &[&[2.41, 2_410_000.0]]),
            ("12 and a half hours", &[&[12.5, 12.0]]),
            ("about ¾ of a mile", &[&[3.0], &[4.0]]),
            ("twelve", &[&[12.0]]),
            ("twenty five", &[&[25.0]]),
            ("sixty - four", &[&[64.0]]),
            ("two hundred", &[&[200.0]]),
            ("a million", &[&[1_000_000.0]]),
            ("twenty-five hundred", &[&[2500.0]]),
            ("two thousand twenty-six", &[&[2026.0]]),
            ("Two thousand, five hundred.", &[&[2500.0]]),
            (
                "three hundred and five thousand",
                &[&[305_000.0, 300.0, 5000.0]],
            ),
            ("a hundred and thirty - six ms ,", &[&[136.0, 100.0, 36.0]]),
            ("two thousand and five", &[&[2005.0, 2000.0, 5.0]]),
            ("a hundred and so", &[&[100.0]]),
            ("five and six", &[&[5.0], &[6.0]]),
            ("two million five hundred thousand", &[&[2_500_000.0]]),
            ("Two-fifty, say", &[&[250.0, 2.0, 50.0]]),
            ("Two - fifty , unless", &[&[250.0, 2.0, 50.0]]),
            ("two fifty thousand", &[&[250_000.0, 2.0, 50_000.0]]),
            ("three thirty five", &[&[335.0, 3.0, 35.0]]),
            ("nineteen eighty four", &[&[1984.0, 19.0, 84.0]]),
            ("Five, ten, fifteen", &[&[5.0], &[10.0], &[15.0]]),
            ("one two", &[&[1.0], &[2.0]]),
            ("Twelve and a half . Actually", &[&[12.5, 12.0]]),
            ("sixteen point seven five", &[&[16.75, 16.0]]),
            ("two point twenty five", &[&[2.25, 2.0]]),
            ("at this point five people", &[&[5.0]]),
            ("point two, and a half", &[&[2.0]]),
            ("million million", &[&[1_000_000.0], &[1_000_000.0]]),
            ("zero zero seven", &[&[0.0], &[0.0], &[7.0]]),
            ("nobody at all, inf nan e5", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn a_number_is_known_by_one_of_its_readings() {
        for (source, told) in [
            ("We use 2.41 from now on.", "2.41 million"),
            ("We paid 2,410,000.", "2.41 million"),
            ("the two fifty", "250"),
            ("at two, fifty of them", "two fifty"),
            ("212 of them", "two hundred and twelve"),
            ("3,000", "three thousand"),
        ] {
            let known = readings(source);
            let numbers = numbers(told);
            assert!(!numbers.is_empty(), "{told}");
            assert!(
                numbers.iter().all(|number| number.is_among(&known)),
                "{told}"
            );
        }
        let known = readings("two hundred and twelve people, 3,000 euros");
        for told in ["13", "three hundred", "two thousand", "3.5", "212,000"] {
            assert!(
                !numbers(told).iter().all(|number| number.is_among(&known)),
                "{told}"
            );
        }
    }

    #[test]
    fn long_runs_end() {
        let text = "two fifty million ".repeat(100_000);
        assert!(readings(&text).contains("250000000"));
    }
}
