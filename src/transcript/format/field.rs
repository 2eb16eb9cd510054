//! Names and values of the fields that JSON objects and tables give to speech: one dictionary of field names in the
//! languages that exports are written in, and one parser for the many ways to write a time.

use std::borrow::Cow;

/// What a field tells about an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Spoken text of any length.
    Text,
    /// A single word. Only entries that are words have it: `word` and `value` mean too much elsewhere.
    Word,
    /// A list of smaller entries: the words or sentences of this one.
    Parts,
    /// A list of readings, the best first.
    Alternatives,
    Speaker,
    /// A speaker or a start, depending on the value.
    From,
    /// An audio channel, which stands for a speaker if there is more than one.
    Channel,
    Start,
    End,
    Duration,
    /// Both start and end: `[0.0, 2.5]` or `{"from": …, "to": …}`.
    Times,
    Confidence,
    /// The type of an entry, such as `punctuation`.
    Kind,
    /// The entry is preliminary if this is true.
    Partial,
    /// The entry is preliminary if this is false.
    Final,
    Language,
}

/// Field names by role, lower-case and without blanks and punctuation. If an entry has several names of one role, the
/// earliest wins: a name before a number, a written form before a spoken one, speech in the original before a caption.
const NAMES: &[(Role, &[&str])] = &[
    (
        Role::Text,
        &[
            "display",
            "transcript",
            "text",
            "transcription",
            "sentence",
            "utterance",
            "body",
            "content",
            "message",
            "dialogue",
            "dialog",
            "speech",
            "caption",
            "subtitle",
            "spokentext",
            "transcripttext",
            "sentencetext",
            "rawtext",
            "aussage",
            "wortlaut",
            "transkript",
            "transkription",
            "gesprochenes",
            "gesprochenertext",
            "äußerung",
            "inhalt",
            "nachricht",
            "texte",
            "parole",
            "paroles",
            "propos",
            "réplique",
            "énoncé",
            "contenu",
            "texto",
            "transcripción",
            "diálogo",
            "contenido",
            "mensaje",
            "testo",
            "trascrizione",
            "battuta",
            "contenuto",
            "messaggio",
            "transcrição",
            "fala",
            "conteúdo",
            "mensagem",
            "tekst",
            "transcriptie",
            "inhoud",
            "bericht",
            "wypowiedź",
            "transkrypcja",
            "treść",
            "текст",
            "реплика",
            "высказывание",
            "расшифровка",
            "содержание",
            "сообщение",
            "innehåll",
            "indhold",
            "innhold",
            "teksti",
            "obsah",
            "metin",
            "konuşma",
            "本文",
            "発言内容",
            "発言",
            "テキスト",
            "内容",
            "文本",
            "發言內容",
            "发言内容",
            "文字",
            "發言",
            "发言",
            "발언내용",
            "발언",
            "텍스트",
            "내용",
            "النص",
            "पाठ",
        ],
    ),
    (
        Role::Word,
        &["punctuatedword", "word", "value", "utf8", "token"],
    ),
    (
        Role::Parts,
        &[
            "sentences",
            "segments",
            "utterances",
            "words",
            "elements",
            "segs",
            "items",
            "tokens",
            "wordsegments",
            "result",
        ],
    ),
    (Role::Alternatives, &["alternatives", "nbest"]),
    (
        Role::Speaker,
        &[
            "speakername",
            "speakerdisplayname",
            "realname",
            "displayname",
            "nickname",
            "globalname",
            "name",
            "fullname",
            "sendername",
            "authorname",
            "speakerlabel",
            "speakerinfo",
            "speaker",
            "participantname",
            "participantrole",
            "participant",
            "username",
            "userprofile",
            "user",
            "users",
            "author",
            "creator",
            "sender",
            "who",
            "person",
            "talker",
            "actor",
            "character",
            "voice",
            "speakerid",
            "speakertag",
            "participantid",
            "userid",
            "label",
            "role",
            "sprecher",
            "sprecherin",
            "sprechername",
            "teilnehmer",
            "rednerin",
            "redner",
            "locuteur",
            "intervenant",
            "orateur",
            "interlocuteur",
            "nom",
            "hablante",
            "orador",
            "interlocutor",
            "ponente",
            "participante",
            "locutor",
            "nombre",
            "parlante",
            "relatore",
            "oratore",
            "interlocutore",
            "partecipante",
            "nome",
            "falante",
            "spreker",
            "deelnemer",
            "naam",
            "mówca",
            "rozmówca",
            "osoba",
            "спикер",
            "говорящий",
            "участник",
            "имя",
            "мовець",
            "спікер",
            "talare",
            "namn",
            "taler",
            "navn",
            "puhuja",
            "mluvčí",
            "řečník",
            "konuşmacı",
            "話者",
            "発言者",
            "スピーカー",
            "名前",
            "说话人",
            "发言人",
            "讲话人",
            "說話者",
            "說話人",
            "發言人",
            "姓名",
            "화자",
            "발언자",
            "이름",
            "المتحدث",
            "वक्ता",
        ],
    ),
    (Role::From, &["from"]),
    (
        Role::Channel,
        &[
            "channellabel",
            "channelid",
            "channel",
            "channeltag",
            "channelindex",
        ],
    ),
    (
        Role::Start,
        &[
            "relative",
            "start",
            "starttime",
            "starttimestamp",
            "startoffset",
            "begin",
            "begintime",
            "beginoffset",
            "tstart",
            "timestart",
            "offset",
            "offsetin",
            "startts",
            "timestamp",
            "timespan",
            "timecode",
            "time",
            "ts",
            "in",
            "timecodein",
            "starttimecode",
            "tc",
            "date",
            "datetime",
            "createdat",
            "beginn",
            "anfang",
            "startzeit",
            "zeitstempel",
            "zeit",
            "von",
            "début",
            "debut",
            "horodatage",
            "temps",
            "heure",
            "inicio",
            "comienzo",
            "marcadetiempo",
            "tiempo",
            "hora",
            "inizio",
            "tempo",
            "orario",
            "início",
            "tijd",
            "begintijd",
            "starttijd",
            "początek",
            "czas",
            "начало",
            "время",
            "таймкод",
            "starttid",
            "tid",
            "alku",
            "aika",
            "začátek",
            "čas",
            "başlangıç",
            "zaman",
            "開始",
            "開始時間",
            "開始時刻",
            "時間",
            "時刻",
            "开始",
            "开始时间",
            "时间",
            "시작",
            "시작시간",
            "시간",
            "البداية",
            "الوقت",
            "समय",
        ],
    ),
    (
        Role::End,
        &[
            "end",
            "endtime",
            "endtimestamp",
            "endoffset",
            "resultendtime",
            "resultendoffset",
            "timeend",
            "tend",
            "endts",
            "stop",
            "finish",
            "to",
            "out",
            "timecodeout",
            "endtimecode",
            "ende",
            "endzeit",
            "bis",
            "fin",
            "fine",
            "fim",
            "einde",
            "eindtijd",
            "koniec",
            "конец",
            "slut",
            "sluttid",
            "loppu",
            "konec",
            "bitiş",
            "終了",
            "終了時間",
            "終了時刻",
            "结束",
            "结束时间",
            "結束",
            "結束時間",
            "끝",
            "종료",
            "종료시간",
            "النهاية",
        ],
    ),
    (
        Role::Duration,
        &[
            "duration",
            "dduration",
            "dur",
            "durationin",
            "length",
            "dauer",
            "durée",
            "duración",
            "durata",
            "duração",
        ],
    ),
    (Role::Times, &["timestamps", "offsets", "instances"]),
    (
        Role::Confidence,
        &["confidence", "conf", "averageconfidence", "probability"],
    ),
    (Role::Kind, &["type"]),
    (Role::Partial, &["ispartial"]),
    (Role::Final, &["isfinal", "final"]),
    (
        Role::Language,
        &[
            "language",
            "languagecode",
            "detectedlanguage",
            "locale",
            "lang",
        ],
    ),
];

/// Endings of field names that tell the unit of a time: `startMs`, `offsetInTicks`, `Start (s)`.
const UNITS: [(&str, Unit); 12] = [
    ("milliseconds", Unit::Millis),
    ("millis", Unit::Millis),
    ("msecs", Unit::Millis),
    ("msec", Unit::Millis),
    ("ms", Unit::Millis),
    ("ticks", Unit::Ticks),
    ("micros", Unit::Micros),
    ("nanos", Unit::Nanos),
    ("seconds", Unit::Seconds),
    ("secs", Unit::Seconds),
    ("sec", Unit::Seconds),
    ("s", Unit::Seconds),
];

/// What a field name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) role: Role,
    /// Place among the names of the role; the lowest wins.
    pub(crate) rank: u8,
    /// The unit of its numbers, if the name tells.
    pub(crate) unit: Option<Unit>,
}

impl Field {
    /// Looks up a field name in any spelling: `start_time`, `startTime` and `Start Time` are one.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let name = plain(name);
        let (field, unit) = match known(&name) {
            Some(field) => (field, None),
            None => UNITS.iter().find_map(|&(ending, unit)| {
                let stem = name.strip_suffix(ending)?;
                Some((known(stem)?, Some(unit)))
            })?,
        };
        let is_time = matches!(
            field.0,
            Role::Start | Role::End | Role::Duration | Role::Times
        );
        let unit = match name.as_str() {
            // whisper.cpp has milliseconds here.
            "offsets" => Some(Unit::Millis),
            _ => unit,
        };
        (unit.is_none() || is_time).then_some(Self {
            role: field.0,
            rank: field.1,
            unit,
        })
    }
}

fn known(name: &str) -> Option<(Role, u8)> {
    NAMES.iter().find_map(|&(role, names)| {
        let rank = names.iter().position(|&known| known == name)?;
        Some((role, u8::try_from(rank).unwrap_or(u8::MAX)))
    })
}

/// A name in lower case, without blanks and punctuation.
pub(crate) fn plain(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric() || is_mark(*c));
    letters.flat_map(char::to_lowercase).collect()
}

/// Whether this is a vowel sign or another mark of a Devanagari word, which is not alphanumeric.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{900}'..='\u{97f}')
}

/// The unit of a time that is written as a bare number.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    #[default]
    Seconds,
    Millis,
    Micros,
    /// 100 nanoseconds.
    Ticks,
    Nanos,
}

impl Unit {
    fn millis(self, number: f64) -> i64 {
        let millis = match self {
            Self::Seconds => number * 1e3,
            Self::Millis => number,
            Self::Micros => number / 1e3,
            Self::Ticks => number / 1e4,
            Self::Nanos => number / 1e6,
        };
        // Saturates, and turns what is no number into 0.
        millis.round() as i64
    }
}

/// A time as it is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Time {
    Millis(i64),
    /// A number in a unit that depends on the file.
    Bare(f64),
}

impl Time {
    /// Parses a number or the text of a time: `12.5`, `1.200s`, `00:01:02,500`, `10:15:03 AM`, `PT1M2.5S`, or a date and time.
    pub(crate) fn parse(text: &str, unit: Option<Unit>) -> Option<Self> {
        let text = text.trim().trim_matches(['[', ']', '(', ')', '"']);
        if !text.starts_with(|c: char| c.is_ascii_digit() || "-.P".contains(c)) || text.len() > 40 {
            return None;
        }
        // A comma is a decimal point in most languages.
        if let Ok(number) = text.replacen(',', ".", 1).parse::<f64>() {
            return Some(unit.map_or(Self::Bare(number), |unit| Self::Millis(unit.millis(number))));
        }
        let millis = if let Some(spelled) = text.strip_prefix("PT") {
            duration(spelled)?
        } else if let Some((date, clock)) = text.split_once(['T', ' '])
            && let Some(day) = day(date)
        {
            let clock = clock.split(['Z', '+']).next()?;
            let is_short = clock.matches(':').count() == 1;
            day * 86_400_000 + wall_clock(clock)? * if is_short { 60 } else { 1 }
        } else if let Some(seconds) = text.strip_suffix('s') {
            Unit::Seconds.millis(seconds.trim().parse().ok()?)
        } else {
            wall_clock(text)?
        };
        Some(Self::Millis(millis))
    }

    /// The time in milliseconds. `unit` is that of the file.
    pub(crate) fn millis(self, unit: Unit) -> i64 {
        match self {
            Self::Millis(millis) => millis,
            Self::Bare(number) => unit.millis(number),
        }
    }
}

/// Parses what follows `PT` in an ISO 8601 duration: `1H2M3.5S`.
fn duration(text: &str) -> Option<i64> {
    let mut seconds = 0.0;
    for part in text.split_inclusive(|c: char| c.is_ascii_alphabetic()) {
        let (number, factor) = match part.split_at_checked(part.len().checked_sub(1)?)? {
            (number, "H") => (number, 3600.0),
            (number, "M") => (number, 60.0),
            (number, "S") => (number, 1.0),
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * factor;
    }
    Some(Unit::Seconds.millis(seconds))
}

/// Parses `1:02:03.5`, `02:03,5` or `10:15:03 PM`. Four groups end in frames, which are dropped.
fn wall_clock(text: &str) -> Option<i64> {
    let half = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || ". ".contains(c));
    let is_afternoon = match text.split_at(half.len()).1.trim() {
        "" => None,
        "AM" | "am" | "a.m." => Some(false),
        "PM" | "pm" | "p.m." => Some(true),
        _ => return None,
    };
    let (clock, is_negative) = match half.strip_prefix('-') {
        Some(clock) => (clock, true),
        None => (half, false),
    };
    let mut seconds = 0.0;
    let mut groups = 0;
    for group in clock.split([':', ';']).take(3) {
        if !group.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        seconds = seconds * 60.0 + group.replace(',', ".").parse::<f64>().ok()?;
        groups += 1;
    }
    if groups < 2 {
        return None;
    }
    seconds += match is_afternoon {
        Some(true) if seconds < 12.0 * 3600.0 => 12.0 * 3600.0,
        Some(false) if seconds >= 12.0 * 3600.0 => -12.0 * 3600.0,
        _ => 0.0,
    };
    Some(Unit::Seconds.millis(if is_negative { -seconds } else { seconds }))
}

/// Days from 1970-01-01 to a date like `2026-03-14`.
fn day(text: &str) -> Option<i64> {
    let mut parts = text
        .splitn(3, ['-', '/'])
        .map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if !(1000..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // The year starts in March, so that a leap day is its last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    Some(year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 719_469)
}

/// Finds the unit of bare numbers by the rate of speech, which differs little between people: 10 to 20 bytes a second, so that
/// one byte takes 0.07 units if these are seconds and 70 if they are milliseconds. Pauses are allowed for.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    first: Option<f64>,
    last: f64,
    bytes: usize,
    has_fractions: bool,
}

impl Rate {
    /// Takes the start of the next entry and the length of its text.
    pub(crate) fn add(&mut self, start: Option<Time>, bytes: usize) {
        let Some(Time::Bare(start)) = start else {
            return;
        };
        self.has_fractions |= start.fract() != 0.0;
        let first = *self.first.get_or_insert(start);
        self.last = self.last.max((start - first).abs());
        self.bytes += bytes;
    }

    pub(crate) fn unit(&self) -> Unit {
        match self.last / self.bytes.max(1) as f64 {
            _ if self.has_fractions => Unit::Seconds,
            ..3.0 => Unit::Seconds,
            ..3e3 => Unit::Millis,
            ..2e5 => Unit::Micros,
            ..2e7 => Unit::Ticks,
            _ => Unit::Nanos,
        }
    }
}

/// Turns times of the calendar into times of the recording, which starts with the first entry.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Zero(Option<i64>);

impl Zero {
    /// The recording starts at `first`, if that is a time of the calendar.
    pub(crate) fn at(first: Option<i64>) -> Self {
        Self(first.filter(|&first| first >= Self::EARLIEST))
    }

    /// The earliest time that is taken for a date: no recording lasts ten years.
    const EARLIEST: i64 = 10 * 365 * 86_400_000;

    pub(crate) fn relative(&mut self, millis: i64) -> i64 {
        if millis < Self::EARLIEST {
            return millis;
        }
        millis - *self.0.get_or_insert(millis)
    }
}

/// The label of a speaker. Formats that number or letter their speakers get `Speaker 0` or `Speaker A`, with the number or
/// letter of the file; every other name stays as it is (`spk_0`, `SPEAKER_00`, `AGENT`). `None` if there is no name.
pub(crate) fn speaker_label(name: Cow<'_, str>) -> Option<Cow<'_, str>> {
    numbered("Speaker", name)
}

/// The label of an audio channel: `Channel 0`, or its name.
pub(crate) fn channel_label(name: Cow<'_, str>) -> Option<Cow<'_, str>> {
    numbered("Channel", name)
}

fn numbered<'t>(kind: &str, name: Cow<'t, str>) -> Option<Cow<'t, str>> {
    let short = name.trim().trim_end_matches(':');
    let is_number = short.len() <= 4 && short.bytes().all(|byte| byte.is_ascii_digit());
    let is_letter = short.len() == 1 && short.bytes().all(|byte| byte.is_ascii_uppercase());
    match short {
        "" | "null" | "None" => None,
        _ if is_number || is_letter => Some(format!("{kind} {short}").into()),
        _ => Some(name),
    }
}

/// A confidence in percent. Formats give it from 0 to 1, a few in percent.
pub(crate) fn percent(confidence: f64) -> u8 {
    let percent = if confidence <= 1.0 {
        confidence * 100.0
    } else {
        confidence
    };
    // Clamped, and 0 for what is no number.
    percent.clamp(0.0, 100.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_names_are_known_in_any_spelling() {
        for (name, role, unit) in [
            ("start_time", Role::Start, None),
            ("startTime", Role::Start, None),
            ("Start Time", Role::Start, None),
            ("BeginOffsetMillis", Role::Start, Some(Unit::Millis)),
            ("tStartMs", Role::Start, Some(Unit::Millis)),
            ("offsetInTicks", Role::Start, Some(Unit::Ticks)),
            ("Start (s)", Role::Start, Some(Unit::Seconds)),
            ("end_ms", Role::End, Some(Unit::Millis)),
            ("Speaker Name", Role::Speaker, None),
            ("Sprecher:in", Role::Speaker, None),
            ("वक्ता", Role::Speaker, None),
            ("发言人", Role::Speaker, None),
            ("ÉNONCÉ", Role::Text, None),
        ] {
            let field = Field::named(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!((field.role, field.unit), (role, unit), "{name}");
        }
        for name in ["id", "", "sentiment", "tokens_used", "texts", "names"] {
            assert_eq!(Field::named(name).map(|field| field.role), None, "{name}");
        }
    }

    #[test]
    fn times_are_read_as_they_are_written() {
        for (text, expected) in [
            ("1.200s", Time::Millis(1200)),
            ("2.5", Time::Bare(2.5)),
            ("2,5", Time::Bare(2.5)),
            ("1700000000", Time::Bare(1.7e9)),
            ("02:03", Time::Millis(123_000)),
            ("[1:02:03,500]", Time::Millis(3_723_500)),
            ("00:00:05.5000000", Time::Millis(5500)),
            ("01:00:00:12", Time::Millis(3_600_000)),
            ("-00:03", Time::Millis(-3000)),
            ("1:15:03 PM", Time::Millis(47_703_000)),
            ("12:00:05 a.m.", Time::Millis(5000)),
            ("PT1M2.5S", Time::Millis(62_500)),
            ("1970-01-02T00:00:01Z", Time::Millis(86_401_000)),
            ("2024-02-29 12:00:00.5", Time::Millis(1_709_208_000_500)),
            ("2026/01/05 10:00+02:00", Time::Millis(1_767_607_200_000)),
        ] {
            assert_eq!(Time::parse(text, None), Some(expected), "{text}");
        }
        for text in [
            "",
            "noon",
            "1:2x",
            "NaN",
            "P1D",
            "-",
            "12 apples",
            "May 5",
            "é:12",
        ] {
            assert_eq!(Time::parse(text, None), None, "{text}");
        }
    }

    #[test]
    fn the_unit_of_numbers_follows_from_the_rate_of_speech() {
        for (factor, unit) in [
            (1.0, Unit::Seconds),
            (1e3, Unit::Millis),
            (1e6, Unit::Micros),
            (1e7, Unit::Ticks),
            (1e9, Unit::Nanos),
        ] {
            let mut rate = Rate::default();
            for start in 0..100 {
                rate.add(Some(Time::Bare(f64::from(start) * 4.0 * factor)), 60);
            }
            assert_eq!(rate.unit(), unit);
        }
    }
}
