use proptest::prelude::*;

use super::*;

const NAMES: [&str; 3] = ["Ada Holt", "Sam Reyes", "Li Sato"];

/// Who says what.
const TURNS: [(usize, &str); 9] = [
    (0, "The depot opens in March, and we need 40 buses by then."),
    (1, "Yeah."),
    (
        2,
        "So the question is: who pays for the chargers? I asked twice.",
    ),
    (0, "At 12:30 we stop for lunch. Note: the caterer is late."),
    (1, "Okay."),
    (2, "Right, and the contractor wants 1,200 dollars more."),
    (0, "See https://example.org for the plan."),
    (2, "I would rather wait."),
    (1, "Fine with me. Let us vote on it."),
];

/// A text with a turn for each of [`TURNS`], written as `shape` says, and the time of each turn in milliseconds.
fn written(shape: &str, names: [&str; 3]) -> (String, Vec<Option<i32>>) {
    let turns = TURNS.iter().enumerate().map(|(index, &(who, text))| {
        let (minute, second) = (index / 4, index % 4 * 15);
        let stamps = [
            (
                "{m:s}",
                format!("{minute}:{second:02}"),
                minute * 60 + second,
            ),
            (
                "{mm:ss}",
                format!("{minute:02}:{second:02}"),
                minute * 60 + second,
            ),
            (
                "{h:m:s}",
                format!("01:{minute:02}:{second:02}"),
                3600 + minute * 60 + second,
            ),
            ("{clock}", format!("9:{index:02}"), 9 * 3600 + index * 60),
            ("{ss}", format!("{index:02}"), index),
            (
                "{mm.ss}",
                format!("{minute:02}.{second:02}"),
                minute * 60 + second,
            ),
            ("{seconds}", format!("{index}.5"), index),
            (
                "{mission}",
                format!("00 01 {minute:02} {second:02}"),
                3600 + minute * 60 + second,
            ),
        ];
        let mut turn = shape.replace("{name}", names[who]).replace("{text}", text);
        let mut millis = None;
        let nick = names[who].to_lowercase().replace(' ', ".");
        turn = turn
            .replace("{nick}", &nick)
            .replace(
                "{initials}",
                &names[who]
                    .split(' ')
                    .map(|word| word.chars().next().unwrap())
                    .collect::<String>(),
            )
            .replace("{count}", &(13 + index * 4).to_string());
        for (place, stamp, seconds) in stamps {
            if turn.contains(place) {
                turn = turn.replace(place, &stamp);
                millis = Some(seconds as i32 * 1000 + if place == "{seconds}" { 500 } else { 0 });
            }
        }
        (turn, millis)
    });
    turns.unzip()
}

/// The text of each head up to the next one, without the parts to leave out.
fn spoken(text: &str, plain: &Plain) -> Vec<String> {
    let ends = plain
        .heads
        .iter()
        .skip(1)
        .map(|head| head.start)
        .chain([offset(text.len())]);
    let said = plain.heads.iter().zip(ends).map(|(head, end)| {
        let (mut said, mut at) = (String::new(), head.body);
        for drop in plain
            .drops
            .iter()
            .filter(|drop| drop.start >= head.body && drop.end <= end)
        {
            said.push_str(&text[at as usize..drop.start as usize]);
            at = drop.end;
        }
        said.push_str(&text[at as usize..end as usize]);
        said.split_whitespace().collect::<Vec<_>>().join(" ")
    });
    said.collect()
}

fn check(shape: &str, names: [&str; 3], expected: [&str; 3]) {
    let (text, times) = written(shape, names);
    let plain = analyze(&text);
    assert_eq!(plain.speakers, expected, "{text}");
    assert_eq!(plain.heads.len(), TURNS.len(), "{text}\n{plain:#?}");
    let said = spoken(&text, &plain);
    for (((head, said), &time), &(who, expected)) in
        plain.heads.iter().zip(&said).zip(&times).zip(&TURNS)
    {
        assert_eq!(head.speaker.unwrap().index(), who, "{text}");
        assert_eq!(said, expected, "{text}");
        assert_eq!(head.time.map(Timestamp::millis), time, "{text}");
    }
}

#[test]
fn heads_of_all_shapes_are_read() {
    for shape in [
        "{name}: {text}\n",
        "{name}:  {text}\n\n",
        "{name}:\n{text}\n\n",
        "{name}:\t{text}\n",
        "{name}:\u{a0}{text}\n",
        "{name} : {text}\n",
        "{name}\u{a0}: {text}\n",
        "{name}\u{202f}: {text}\n",
        "{name}:{text}\n",
        "{name}：{text}\n",
        "{name} – {text}\n",
        "{name} — {text}\n",
        "{name}> {text}\n",
        "<{name}> {text}\n",
        "<v {name}>{text}\n",
        "<v.loud {name}>{text}\n",
        ">> {name}: {text}\n",
        "- {name}: {text}\n",
        "• {name}: {text}\n",
        "> {name}: {text}\n\n",
        "#1 {name}: {text}\n",
        "12. {name}: {text}\n",
        "[{name}]: {text}\n",
        "[{name}] {text}\n",
        "\"{name}\": {text}\n",
        "**{name}:** {text}\n\n",
        "**{name}**: {text}\n\n",
        "__{name}:__ {text}\n\n",
        "*{name}:* {text}\n\n",
        "**{name}**\n{text}\n\n",
        "### {name}\n\n{text}\n\n",
        "{name}\n{text}\n",
        "{name}\n{text}\n\n",
        "[{name}]\n{text}\n\n",
        "{name} | {text}\n",
        "{name}\t{text}\n",
        "{name}     {text}\n",
        "0{count} {name}: {text}\n",
        "{name} <{nick}@example.com>: {text}\n",
        "{name}.- {text}\n",
        "== {name} ==\n{text}\n",
        "'''{name}''': {text}\n",
        "'''{name}:''' {text}\n",
        "**{name}**:\\\n{text}\n\n",
        ">\n**{name}**: {text}\n",
        "{name}: – {text}\n",
        "From: {name} <{nick}@example.com>\nDate: Mon, 3 Mar 2025 09:00:00 +0000\nSubject: Re: Depot\n\n{text}\n\n",
        "From: {name}\nSent: Monday, March 3, 2025 9:00 AM\nTo: Li Sato\nSubject: Depot\n\n{text}\n\n",
        // Times before the name.
        "[{m:s}] {name}: {text}\n",
        "[{h:m:s}] {name}: {text}\n",
        "[{h:m:s}.000] {name}: {text}\n",
        "({mm:ss}) {name}: {text}\n",
        "{m:s} {name}: {text}\n",
        "{mm:ss} {name}: {text}\n",
        "{mm:ss} - {name}: {text}\n",
        "{mm:ss}: {name}: {text}\n",
        "{h:m:s};12 {name}: {text}\n",
        "{mm:ss}s {name}: {text}\n",
        "[{seconds}s] {name}: {text}\n",
        "{h:m:s} --> 02:00:00 {name}: {text}\n",
        "{h:m:s} - 02:00:00 {name}: {text}\n",
        "[{h:m:s} - 02:00:00] {name}: {text}\n",
        "[{h:m:s}][{name}]: {text}\n",
        "[{h:m:s}] [{name}] {text}\n",
        "[{h:m:s}] {name}\n{text}\n\n",
        "[{h:m:s}.000] - {name}\n{text}\n\n",
        "{h:m:s} --> 2:0:7.120\n{name}\n{text}\n\n",
        "[6/15/2026 {clock}:00 AM] {name}: {text}\n",
        "**[{mm:ss}] {name}:** {text}\n\n",
        "[{mm:ss}] **{name}**: {text}\n\n",
        "{m:s}  {name}\n{text}\n\n",
        "{mm:ss} {name}\n{text}\n",
        "{m:s} | {name}\n{text}\n\n",
        "{m:s} - {name}\n{text}\n\n",
        "{mm:ss}\n{name}\n{text}\n\n",
        "{mm:ss} | {name} | {text}\n",
        "{mm:ss}\t{name}\t{text}\n",
        "{name}\t{mm:ss}\t{text}\n",
        "{mission} {name}     {text}\n",
        "{clock} AM {name}: {text}\n",
        "{clock}:00 AM {name}: {text}\n",
        "{clock}\u{202f}am {name}: {text}\n",
        "2026-06-15 {h:m:s} {name}: {text}\n",
        "2026-06-15T{h:m:s}Z {name}: {text}\n",
        "[2026-06-15 {h:m:s}.000] {name}: {text}\n",
        "15.06.2026 {h:m:s} {name}: {text}\n",
        "[12/03/24, {h:m:s}] {name}: {text}\n",
        "\u{200e}[12/03/24, {clock}:00\u{202f}AM] {name}: {text}\n",
        "12/03/24, {clock} - {name}: {text}\n",
        "12/03/24, {clock}\u{202f}AM - {name}: {text}\n",
        "{h:m:s}\t From  {name} : {text}\n",
        "{h:m:s} From {name} to Everyone: {text}\n",
        "{h:m:s}\tFrom {name} to Everyone:\n\t{text}\n",
        "{h:m:s}-02:00:00 {name}: {text}\n",
        "{mm:ss}\n{name}: {text}\n",
        "{h:m:s}\n{name}: {text}\n\n",
        "[{m:s}](https://example.org/v?t=1) **{name}**: {text}\n",
        "**[{m:s}](https://example.org/v?t=1) - {name}**\n{text}\n\n",
        "12/3/25, {clock} a. m. - {name}: {text}\n",
        "\u{200f}12/3/2025، {clock} ص - {name}: {text}\n",
        "[12-Mar-25 0{clock} AM] {name}\n{text}\n",
        "#{h:m:s}-3# {name}: {text}\n",
        // Times after the name.
        "{name} ({mm:ss}): {text}\n",
        "{name} [{mm:ss}]: {text}\n",
        "{name} {mm:ss}: {text}\n",
        "{name} ({mm:ss}):\n{text}\n\n",
        "{name}  {m:s}\n{text}\n\n",
        "{name} {m:s}\n{text}\n",
        "{name} - {mm:ss}\n{text}\n\n",
        "{name} | {mm:ss}\n{text}\n\n",
        "{name}, {mm:ss}\n{text}\n\n",
        "{name} · {mm:ss}\n{text}\n\n",
        "{name} ({h:m:s})\n{text}\n\n",
        "{name} [{h:m:s}]\n{text}\n\n",
        "{name} {h:m:s} - 02:00:00\n{text}\n\n",
        "{name}\n{mm:ss}\n{text}\n\n",
        "[{name}] {h:m:s}\n{text}\n\n",
        "**{name}** {mm:ss}\n{text}\n\n",
        "**{name}** [{mm:ss}]: {text}\n\n",
        "{name}  {clock} AM\n{text}\n\n",
        "{name} — 12/03/2024 {clock} AM\n{text}\n\n",
        "{name} — Today at {clock} AM\n{text}\n\n",
        "{name}, [03.12.24 {clock}]\n{text}\n\n",
        "{name}, [03.12.24 {clock}]: {text}\n",
        "{name} (2024-03-12 {clock}): {text}\n",
        "{name} [{mm:ss}] {text}\n",
        "{name} ({mm:ss}) {text}\n",
        "{name}: [{mm:ss}] {text}\n",
        "{name}: {mm:ss}\n{text}\n\n",
        "{name} [{h:m:s} - 02:00:00]\n{text}\n\n",
        "{name} ({h:m:s} - 02:00:00)\n{text}\n\n",
        "{name}:\t\t{mm:ss}\t\t{text}\n",
        "{name}: {mm:ss} {text}\n",
        "{name}:\n[{h:m:s}] {text}\n\n",
        "{name}\n\n{h:m:s}\n\n{text}\n\n",
        "**{name}** {text}\n\n",
        "({name}) {text}\n",
        "{name}({h:m:s}):\n{text}\n",
        "{name}（{h:m:s}）：\n{text}\n\n",
        "**{name}** `{m:s}`\n\n{text}\n\n",
        "[{name}] [오전 {clock}] {text}\n",
        "{name} sent the following message at {clock} AM\n{text}\n",
        "{initials}\n{name}\n{mm:ss}\n{text}\n",
        "{initials}\n{name}\n{mm:ss}\n{text}\n\n",
        // Roles and companies.
        "{name} - Chief Financial Officer\n{text}\n",
        "{name} -- Analyst, North & Co.\n{text}\n\n",
        "{name} — Vice President of Sales\n{text}\n\n",
        "{name} - CFO: {text}\n",
        "{m:s} - {name} (North Depot)\n{text}\n\n",
        "{name}. – {text}\n\n",
        "{name}. — {text}\n",
    ] {
        check(shape, NAMES, NAMES);
        check(&shape.replace('\n', "\r\n"), NAMES, NAMES);
    }
    let roles = NAMES.map(|name| format!("{name} (North Depot)"));
    check(
        "{name} (North Depot): {text}\n",
        NAMES,
        [&roles[0], &roles[1], &roles[2]],
    );
}

#[test]
fn names_of_all_kinds_are_read() {
    for names in [
        ["SPEAKER_00", "SPEAKER_01", "SPEAKER_02"],
        ["spk_0", "spk_1", "spk_2"],
        ["Speaker 1", "Speaker 2", "Speaker 3"],
        ["speaker 1", "speaker 2", "speaker 3"],
        ["SPEAKER 1", "SPEAKER 2", "SPEAKER 3"],
        ["S1", "S2", "S3"],
        ["interviewer", "ada", "guest speaker"],
        ["Committee member", "Project manager", "Chair"],
        ["MS. HOLT", "MR. REYES", "THE COURT"],
        ["Dr. Holt", "Sam Reyes Jr.", "J. R. Sato"],
        ["ada.holt@example.com", "sam@example.com", "li@example.com"],
        ["+44 7700 900123", "+44 7700 900456", "+44 7700 900789"],
        ["Ada 🎤", "Sam 🚀", "👩‍🚀 Li"],
        ["José Núñez", "Zoë Lang", "Åse Dahl"],
        ["محمد علي", "سارة", "يوسف"],
        ["דנה כהן", "יוסי", "רות"],
        ["विक्रम सिंह", "प्रिया", "अर्जुन"],
        ["สมชาย", "สมหญิง", "มานี"],
        ["王芳", "李娜", "主席"],
        ["김민준", "이서연", "박지훈"],
        ["Анна Берг", "Олег", "Ирина"],
        ["Marie-Claude d'Arc", "Ludwig van der Holt", "O'Neill, Lee"],
        ["ada holt", "sam reyes", "li sato"],
        ["van der Holt, Ada", "Reyes, Sam", "de la Sota, Li"],
        ["15550123456", "Ada's iPhone", "iPad von Li"],
        ["Ada | Depot", "Sam Reyes (he/him) | Moss Corp.", "Li Sato"],
        [
            "Prof. Dr. Ada Holt-Roe, University of Porto",
            "Sam Reyes",
            "Li Sato",
        ],
        ["You", "Ada Holt", "Sam Reyes"],
        ["Q1", "A1", "A2"],
        [
            "El señor PRESIDENTE",
            "La señora NÚÑEZ PEÑA",
            "El señor SOTO",
        ],
        [
            "The Chair (Hon. A. Rota (North Bay, Lib.))",
            "Mr. B. Epp (South—West, CPC)",
            "Ms. C. Shin",
        ],
    ] {
        check("{name}: {text}\n", names, names);
        check("[{h:m:s}] {name}: {text}\n", names, names);
        check("{name}  {m:s}\n{text}\n\n", names, names);
    }
    let decomposed = [
        "Jose\u{301} Nu\u{303}nez",
        "Zoe\u{308} Lang",
        "A\u{30a}se Dahl",
    ];
    check(
        "{name}: {text}\n",
        decomposed,
        ["José Nũnez", "Zoë Lang", "Åse Dahl"],
    );
}

#[test]
fn full_stops_of_titles_and_suffixes_belong_to_names_before_a_dash() {
    for names in [
        ["Mr. J. Holt", "Dr. Reyes", "Mr. J. P. Sato III"],
        ["Ada Holt", "Dr. J. Núñez, M.D.", "JOSÉ SATO, PH.D."],
        ["SEN. HOLT", "PROF. REYES (Chair)", "ST. JOHN"],
    ] {
        for dash in ["-", "–", "—"] {
            check(&format!("{{name}} {dash} {{text}}\n"), names, names);
            check(&format!("{{name}} {dash} {{text}}\n\n"), names, names);
        }
    }
    check(
        "{name}. – {text}\n",
        ["Ada Holt", "B.", "Mr. J. Sato"],
        ["Ada Holt", "B.", "Mr. J. Sato"],
    );
}

#[test]
fn turns_on_one_line_are_split() {
    let (text, _) = written("{name}: {text} ", NAMES);
    let text = text.repeat(5);
    let plain = analyze(&text);
    assert_eq!(plain.speakers, NAMES);
    assert_eq!(plain.heads.len(), 5 * TURNS.len());
    assert!(
        spoken(&text, &plain)
            .iter()
            .zip(TURNS.iter().cycle())
            .all(|(said, (_, text))| said == text)
    );
    let titled = ["Mr. Ed Fast", "Hon. Li Ng", "Dr. A. Roe"];
    assert_eq!(
        analyze(&written("{name}: {text} ", titled).0.repeat(5)).speakers,
        titled
    );
    let (text, times) = written("[{h:m:s}] {name}: {text} ", NAMES);
    let plain = analyze(&text.repeat(5));
    assert_eq!(plain.speakers, NAMES);
    assert!(
        plain
            .heads
            .iter()
            .zip(times.iter().cycle())
            .all(|(head, &time)| head.time.map(Timestamp::millis) == time)
    );
    let (text, _) = written("[{h:m:s}] {text} ", NAMES);
    assert_eq!(analyze(&text.repeat(5)).heads.len(), 5 * TURNS.len());
}

#[test]
fn questions_and_answers_of_a_court_are_turns() {
    for shape in ["{}.  ", "     {}.   ", "{}. ", "{}   ", "{}\t", "{}: "] {
        let q = shape.replace("{}", "Q");
        let a = shape.replace("{}", "A");
        let text = format!(
            "BY MR. REYES:\n{q}Were you there?\n{a}A lot of people were.\n{q}At noon?\n{a}Yes, sir.\n{q}And then?\n{a}I left.\n"
        );
        let plain = analyze(&text);
        assert_eq!(plain.speakers, ["Q", "A"], "{text}");
        assert_eq!(plain.heads.len(), 6, "{text}");
    }
}

#[test]
fn reporters_without_a_name_are_speakers_beside_whom_they_ask() {
    let text = "Q    Who pays for it?\n\nMS. HOLT:  The city does.\n\nMS. HOLT:  As it always did.\n\nQ    And when?\n\nMS. HOLT:  In March.\n\n";
    let plain = analyze(text);
    assert_eq!(plain.speakers, ["Q", "MS. HOLT"]);
    assert_eq!(plain.heads.len(), 5);
}

#[test]
fn turns_with_names_and_times_on_one_line_are_split() {
    let text = written("{name} {m:s} {text} ", NAMES).0.repeat(5);
    let plain = analyze(&text);
    assert_eq!(plain.speakers, NAMES);
    assert_eq!(plain.heads.len(), 5 * TURNS.len());
}

#[test]
fn variants_of_a_name_are_one_speaker() {
    let text = "Dana Whitfield: One.\nLee Ng: Two.\nDANA WHITFIELD: Three.\nDana\u{a0}Whitfield: Four.\nLee Ng (CFO): Five.\n\
                \u{202a}Dana Whitfield\u{202c}: Six.\nDana  Whitfield: Seven.\nLEE NG: Eight.\n";
    let plain = analyze(text);
    assert_eq!(plain.speakers, ["Dana Whitfield", "Lee Ng"]);
    assert_eq!(plain.heads.len(), 8);
    let written: Vec<bool> = plain.heads.iter().map(|head| head.as_written).collect();
    assert_eq!(
        written,
        [true, true, false, false, true, false, false, false]
    );
    let text = "Ms. Holt (Norway): One.\nMr. Sato (Japan) (spoke in French): Two.\nMs. Holt (Norway) (spoke in Spanish): Three.\nMr. Sato (Japan): Four.\n";
    assert_eq!(
        analyze(text).speakers,
        ["Ms. Holt (Norway)", "Mr. Sato (Japan)"]
    );
}

#[test]
fn names_with_different_roles_are_different_speakers() {
    let text = "The Chair (Ms. Roe): One.\nThe Chair (Mr. Poe): Two.\n".repeat(3);
    assert_eq!(analyze(&text).speakers.len(), 2);
}

#[test]
fn heads_that_can_be_kept_say_so() {
    for (shape, expected) in [
        ("{name}: {text}\n", true),
        ("[{h:m:s}] {name}: {text}\n", true),
        ("{mm:ss} {name}: {text}\n", true),
        ("{name} ({mm:ss}): {text}\n", true),
        ("**{name}:** {text}\n", false),
        ("> {name}: {text}\n", false),
        ("{name} : {text}\n", false),
        ("{name}:{text}\n", false),
        ("{name}\n{text}\n", false),
        ("{name} {mm:ss}\n{text}\n", false),
        ("[12/03/24, {h:m:s}] {name}: {text}\n", false),
        ("{clock} AM {name}: {text}\n", false),
    ] {
        let plain = analyze(&written(shape, NAMES).0);
        assert!(
            plain.heads.iter().all(|head| head.as_written == expected),
            "{shape}"
        );
    }
}

#[test]
fn what_recurs_in_speech_is_no_speaker() {
    let sentence = "The contractor moved the spare parts over to the depot in one weekend.\n";
    for line in [
        "Okay.",
        "Yeah.",
        "Right",
        "Mm-hmm",
        "Thank you.",
        "Thank You",
        "So the answer is: yes",
        "The plan is this: we wait.",
        "Note: the caterer is late.",
        "Note: this recurs.",
        "Agenda:",
        "Action items:",
        "Q3 results:",
        "Jun 15, 2026:",
        "[Music]",
        "[Music]:",
        "(applause)",
        "see https://example.org",
        "At 12:30 we stop for lunch and then go on",
        "He said it. Then: nothing.",
        "I mean, really: no.",
        "the end",
        "02:34 --> that is when it broke",
        "A lot of people said so.",
        "Chapter 2",
        "NOTE Confidence: 0.8",
        "Moss Lane – a street in the north.",
        "Mr. Reyes. He was there.",
        "The city council. – And the rest?",
        "**Budget** is the next point.",
        "(Moss Lane) is in the north.",
        "○ the first point",
        "03.04.25 was the day",
        "—",
        "***",
        "10:15",
    ] {
        let text = format!("{sentence}{line}\n{sentence}{sentence}").repeat(6);
        let plain = analyze(&text);
        assert!(plain.speakers.is_empty(), "{line}: {:?}", plain.speakers);
        let speech =
            format!("Ada Holt: {sentence}Sam Reyes: {sentence}{line}\n{sentence}").repeat(6);
        assert_eq!(
            analyze(&speech).speakers,
            ["Ada Holt", "Sam Reyes"],
            "{line}"
        );
    }
}

#[test]
fn times_that_are_said_stay() {
    let text = "Ada Holt: The tape says\n02:34 --> that is when it broke\nSam Reyes: We meet at\n12:30 in the hall.\nAda Holt: Yes.\nSam Reyes: No.\n";
    let plain = analyze(text);
    assert_eq!(plain.heads.len(), 4);
    assert!(plain.is_wrapped || plain.heads.iter().all(|head| head.speaker.is_some()));
}

#[test]
fn what_tools_write_is_left_out() {
    let (turns, _) = written("{name}: {text}\n\n", NAMES);
    for frame in [
        "This editable transcript was computer generated and might contain errors. People can also change the text.",
        "12/03/24, 09:00 - Messages and calls are end-to-end encrypted. No one outside of this chat can read them.",
        "Kim Roe started transcription",
        "Transcription ended after 00:45:12",
        "Transcribed by https://otter.ai",
        "[Recording begins]",
        "[End of transcript]",
        "Kind: captions",
        "WEBVTT",
        "Meeting ID: 123 456 789",
        "Kim Roe joined the meeting",
        "12/03/24, 09:00 - Kim created group \"Depot\"",
        "<Media omitted>",
        "This message was deleted",
        "12.03.24, 09:00 - Nachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt. Niemand außerhalb dieses Chats kann sie lesen.",
        "<Medien ausgeschlossen>",
        "<Médias omis>",
        "<Multimedia omitido>",
        "Page 3 of 27",
    ] {
        for text in [
            format!("{frame}\n\n{turns}"),
            format!("{turns}{frame}\n"),
            turns.replacen("\n\n", &format!("\n\n{frame}\n\n"), 3),
        ] {
            let plain = analyze(&text);
            assert_eq!(plain.speakers, NAMES, "{text}");
            let said = spoken(&text, &plain);
            assert!(
                said.iter()
                    .zip(&TURNS)
                    .all(|(said, (_, text))| said == text),
                "{frame}: {said:#?}"
            );
            assert!(!plain.drops.is_empty());
        }
    }
    for header in [
        "Jun 15, 2026",
        "45m 12s",
        "Monday, 15 June 2026",
        "Duration: 45 minutes",
        "Jun 15, 2026, 10:00 AM",
    ] {
        let text = format!("Depot Meeting\n{header}\n\n{turns}");
        let plain = analyze(&text);
        assert_eq!(plain.speakers, NAMES, "{text}");
        let left_out = |span: (u32, u32)| text[span.0 as usize..span.1 as usize].contains(header);
        let drops = plain.drops.iter().map(|drop| (drop.start, drop.end));
        assert!(
            drops
                .chain(plain.heads.iter().map(|head| (head.start, head.body)))
                .any(left_out),
            "{text}"
        );
    }
}

#[test]
fn what_is_said_may_begin_with_a_time() {
    let said = [
        "We start with the depot and the budget for it.",
        "The ground was wet, so we are late by four weeks.",
        "When do we meet next to decide on it?",
        "10:15 is fine for me.",
        "Then we meet on Monday and close this.",
        "Good, I will bring the plan and the figures.",
    ];
    for form in [
        "{name}:\n{text}\n\n",
        "{name} [00:00:0{at}] {text}\n\n",
        "{name}: [00:00:0{at}] {text}\n",
        "0:0{at}\t{name}\t{text}\n",
        "{name}\t0:0{at}\t{text}\n",
        "{name}\t{text}\n",
        "{name}  0:0{at}\n{text}\n\n",
    ] {
        let turn = |(at, text): (usize, &&str)| {
            let form = form.replace("{name}", ["Ann Lee", "Bob Ray"][at % 2]);
            form.replace("{at}", &at.to_string())
                .replace("{text}", text)
        };
        let text: String = said.iter().enumerate().map(turn).collect();
        let plain = analyze(&text);
        assert_eq!(plain.speakers, ["Ann Lee", "Bob Ray"], "{text}");
        assert_eq!(spoken(&text, &plain), said, "{text}");
    }
}

#[test]
fn a_message_without_text_is_left_out() {
    let turns = "[12/03/24, 09:00:03] Ada: Hello.\n[12/03/24, 09:00:04] Sam: <Media omitted>\n";
    let text = turns.repeat(3);
    let plain = analyze(&text);
    assert_eq!(plain.speakers, ["Ada", "Sam"]);
    assert_eq!(plain.drops.len(), 3);
}

/// Lines of at most `width` bytes.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        if lines.last().unwrap().len() + word.len() > width {
            lines.push(String::new());
        }
        let line = lines.last_mut().unwrap();
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines
}

#[test]
fn a_page_of_a_court_reporter_is_speech_only() {
    let texts = TURNS.map(|(_, text)| {
        format!(
            "{text} {text} {}",
            "and so it went on for a while ".repeat(3).trim()
        )
    });
    let names = ["MS. HOLT", "MR. REYES", "THE COURT"];
    let turns: Vec<_> = TURNS.iter().zip(&texts).cycle().take(60).collect();
    let lines = turns
        .iter()
        .flat_map(|((who, _), text)| wrap(&format!("          {}:  {text}", names[*who]), 60));
    let mut text = String::new();
    for (index, line) in lines.enumerate() {
        if index % 25 == 0 {
            let page = index / 25 + 1;
            text += &format!(
                "\n\n                                            {page}\n\n  DEPOT v. CITY, MARCH 3\n\n"
            );
        }
        text += &format!("{:2}   {line}\n", index % 25 + 1);
    }
    let plain = analyze(&text);
    assert_eq!(plain.speakers, names);
    assert!(plain.is_wrapped);
    for (said, (_, text)) in spoken(&text, &plain).iter().zip(&turns) {
        assert_eq!(said, *text);
    }
}

#[test]
fn wrapped_lines_are_told_from_lines_of_their_own() {
    let long = "we counted the spare parts that were moved to the depot last week, and nobody could say where they are. ".repeat(8);
    let wrapped = wrap(&long, 60).join("\n");
    assert!(analyze(&wrapped).is_wrapped);
    assert!(analyze(&format!("Ada: {wrapped}\nSam: {wrapped}\nAda: {wrapped}\n")).is_wrapped);
    assert!(!analyze(&"One sentence is here.\nAnother one is there.\n".repeat(9)).is_wrapped);
    let unmarked = "no marks at all\nin these few\nlines of a recognizer that writes a line each time somebody stops to breathe\n";
    assert!(!analyze(&unmarked.repeat(9)).is_wrapped);
}

#[test]
fn captions_have_times_and_sentences_across_lines() {
    let captions = "[00:01] we counted the spare\n[00:04] parts that were moved\n[00:07] last week. Nobody\n[00:10] could say where.\n";
    assert!(analyze(captions).are_captions);
    let below = captions.replace("] ", "]\n");
    assert!(analyze(&below).are_captions);
    let minutes = "[00:00] One sentence is here.\n[01:00] Another one is there.\n".repeat(4);
    assert!(!analyze(&minutes).are_captions);
    assert!(!analyze(&"[0:01] Ada: we\n[0:02] Sam: are\n".repeat(4)).are_captions);
}

#[test]
fn short_lines_that_recur_are_no_speakers() {
    let words = [
        "Okay",
        "we moved on",
        "Moss Lane",
        "so the depot is late",
        "Sounds Good",
        "then we went home",
        "Absolutely",
    ];
    let text: String = (0..200)
        .map(|line| format!("{}\n", words[line * line % 11 % 7]))
        .collect();
    assert!(analyze(&text).heads.is_empty());
    let mixed: String = (0..60)
        .map(|line| {
            format!(
                "[00:{line:02}] {}we waited for the bus.\n",
                if line % 9 == 0 { "Budget: " } else { "" }
            )
        })
        .collect();
    assert!(analyze(&mixed).speakers.is_empty());
}

#[test]
fn long_turns_keep_their_names() {
    let turn = wrap(
        &"We counted the parts at the depot, and nobody could say where they are. ".repeat(30),
        60,
    )
    .join("\n");
    for shape in [
        "{}: {turn}\n",
        "{}\n{turn}\n",
        "{}\n{turn}\n\n",
        "{}: {turn}\n\n",
    ] {
        let text: String = (0..8)
            .map(|index| {
                shape
                    .replace("{}", NAMES[index % 3])
                    .replace("{turn}", &turn)
            })
            .collect();
        let plain = analyze(&text);
        assert_eq!(plain.speakers, NAMES, "{shape}");
        assert_eq!(
            (plain.is_wrapped, plain.heads.len(), plain.drops.len()),
            (true, 8, 0),
            "{text}"
        );
    }
}

#[test]
fn labels_that_alternate_are_speakers_however_long_the_turns_are() {
    let line = "so the ferry went across to the island with no lights and nobody on the pier\n";
    for lines in [40, 400] {
        let turn = |name: &str| format!("{name}: well {}", line.repeat(lines));
        let text = [turn("Ana Ruiz"), turn("Ben")].concat().repeat(5);
        let plain = analyze(&text);
        assert_eq!(plain.speakers, ["Ana Ruiz", "Ben"], "{lines}");
        assert_eq!(plain.heads.len(), 10);
    }
    // Words that recur, but do not take turns.
    let text = format!("Note: well {}", line.repeat(40)).repeat(9)
        + &format!("Plan: well {}", line.repeat(40)).repeat(2);
    assert!(analyze(&text).speakers.is_empty());
}

#[test]
fn a_change_of_speaker_without_a_name_is_a_head() {
    let plain = analyze(">> Good morning.\n>> Good morning to you.\n>>> And now the news.\n");
    assert_eq!(plain.heads.len(), 3);
    assert!(
        plain
            .heads
            .iter()
            .all(|head| head.speaker.is_none() && head.time.is_none())
    );
}

#[test]
fn names_on_lines_of_their_own() {
    let text = "Dana Whitfield\nWe begin now.\n\nLee Ng\nFine with me.\n\nDana Whitfield\nGood then.\n\nLee Ng\nYes please.\n";
    let plain = analyze(text);
    assert_eq!(plain.speakers, ["Dana Whitfield", "Lee Ng"]);
    assert_eq!(spoken(text, &plain)[1], "Fine with me.");
}

#[test]
fn a_label_that_occurs_once_counts_where_most_lines_have_one() {
    let plain = analyze("Dana: Hi.\nLee: Two\nlines.\nGuest: Once only.\n");
    assert_eq!(plain.speakers, ["Dana", "Lee", "Guest"]);
    let prose = "It was said: nothing works.\nNote: this occurs once.\nAnd then there was a long line of text.\nAnd more.\n";
    assert!(analyze(prose).heads.is_empty());
}

#[test]
fn subtitles_have_times_and_no_speakers() {
    let text = "1\n00:00:01,000 --> 00:00:04,000\nHello there.\n\n2\n00:00:05,000 --> 00:00:09,000\nAnd more.\n";
    let segments = read(text);
    assert!(segments.speakers.is_empty());
    let times: Vec<String> = segments
        .starting_in(0..text.len())
        .iter()
        .map(|segment| segment.from().unwrap().to_string())
        .collect();
    assert_eq!(times, ["0:00:01", "0:00:05"]);
}

#[test]
fn a_million_heads_take_24_mb() {
    assert!(size_of::<Head>() <= 24 && size_of::<Candidate>() <= 24);
}

#[test]
fn hostile_texts_are_read_in_linear_time() {
    // A quadratic step would take minutes here.
    for text in [
        "x".repeat(1 << 20),
        "\n".repeat(1 << 20),
        "[".repeat(1 << 20),
        "[0:01]".repeat(1 << 17),
        "(0:01 ".repeat(1 << 17),
        "a: ".repeat(1 << 18),
        "A. ".repeat(1 << 18),
        "<v ".repeat(1 << 18),
        "Page 3\n\n\n".repeat(1 << 16),
        "0:01\n".repeat(1 << 17),
        "Ada Holt\n".repeat(1 << 16),
        (0..60_000)
            .map(|speaker| format!("Speaker {speaker}: hi.\n"))
            .collect(),
    ] {
        let plain = analyze(&text);
        assert!(plain.heads.len() <= text.len() / 4);
    }
}

/// Pieces of heads and of speech, of which a text is put together.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("Ada Holt".to_owned()),
        Just("SPEAKER_01".to_owned()),
        Just("[00:01:02] ".to_owned()),
        Just("0:12".to_owned()),
        Just("12/03/24, 9:00 AM".to_owned()),
        Just(": ".to_owned()),
        Just("：".to_owned()),
        Just(" - ".to_owned()),
        Just("\n".to_owned()),
        Just("\r\n\n".to_owned()),
        Just("<v Li>".to_owned()),
        Just(" 1   ".to_owned()),
        Just("Page 3 of 4".to_owned()),
        Just("<Media omitted>".to_owned()),
        Just("So we waited. ".to_owned()),
        Just("\u{202a}".to_owned()),
        Just("é\u{301}".to_owned()),
        "\\PC{0,4}",
    ]
}

proptest! {
    #[test]
    fn spans_are_in_order_and_apart(pieces in prop::collection::vec(piece(), 0..60), times in 1_usize..4) {
        let text = pieces.concat().repeat(times);
        let plain = analyze(&text);
        let heads = plain.heads.iter().map(|head| (head.start, head.body));
        let mut spans: Vec<(u32, u32)> = heads.chain(plain.drops.iter().map(|drop| (drop.start, drop.end))).collect();
        prop_assert!(plain.heads.is_sorted_by_key(|head| head.start));
        prop_assert!(plain.drops.is_sorted_by_key(|drop| drop.start));
        spans.sort_unstable();
        let mut end = 0;
        for (start, next) in spans {
            prop_assert!(end <= start && start <= next, "{start} {next} after {end}: {text:?}");
            prop_assert!(text.is_char_boundary(start as usize) && text.is_char_boundary(next as usize));
            end = next;
        }
        prop_assert!(plain.heads.iter().all(|head| head.speaker.is_none_or(|speaker| speaker.index() < plain.speakers.len())));
        prop_assert_eq!(read(&text).speakers, plain.speakers);
    }
}

#[test]
fn a_page_that_begins_with_a_wide_blank_is_read() {
    let plain = analyze("\u{2000}\nPage 3 of 4");
    assert!(
        plain.drops.iter().all(|drop| drop.start >= 3),
        "{:?}",
        plain.drops
    );
}

#[test]
fn heads_that_only_some_names_have() {
    check(
        "{name} - {text}\n",
        ["सीता वर्मा", "राम", "प्रिया शर्मा"],
        ["सीता वर्मा", "राम", "प्रिया शर्मा"],
    );
    for (shape, names) in [
        ("{name}. {text}\n", ["HOLT", "REYES", "SATO"]),
        ("{name}: {text}\n", ["1", "2", "3"]),
        ("SPEAKER: {name}\n{text}\n", ["S1", "S2", "S3"]),
        ("[{h:m:s}] {name} {text}\n\n", ["AK", "SR", "LS"]),
        (
            "{name}  {m:s}\n{text}\n\n",
            ["Ada - Depot", "Sam Reyes", "Li Sato"],
        ),
        ("{name} (0'{ss}\"): {text}\n", NAMES),
        ("{name} ({clock} Uhr): {text}\n", NAMES),
        ("00.{mm.ss} {name}: {text}\n", NAMES),
        (
            "○{name}　{text}\n",
            ["佐藤太郎君", "議長(鈴木一郎君)", "佐藤君"],
        ),
        (
            "  {name}. {text}\n",
            ["Ms. HOLT", "Mr. REYES of Ohio", "The SPEAKER pro tempore"],
        ),
        (
            "{name}. {text}\n",
            ["M. le président", "Mme Zoé Holt", "M. Jean Sato"],
        ),
        (
            "{name}. – {text}\n",
            ["M. le président", "Mme Zoé Holt", "M. Jean Sato"],
        ),
        ("{name}({h:m:s}):\n{text}\n", ["王小明", "李娜", "主席"]),
    ] {
        check(shape, names, names);
    }
    for (shape, expected) in [
        ("<@{nick}>: {text}\n", ["ada.holt", "sam.reyes", "li.sato"]),
        ("@{nick}: {text}\n", ["ada.holt", "sam.reyes", "li.sato"]),
    ] {
        check(shape, NAMES, expected);
    }
    let offices = NAMES.map(|name| format!("The Minister for Transport ({name})"));
    check(
        "The Minister for Transport ({name}):\n{text}\n",
        NAMES,
        [&offices[0], &offices[1], &offices[2]],
    );
    assert_eq!(
        analyze(&"田中太郎「行きます。」\n李娜「はい、そうです。」\n".repeat(4)).speakers,
        ["田中太郎", "李娜"]
    );
}

const QUESTION: &str = "The depot opens in March, and we need forty buses by then.";
const ANSWER: &str = "Right, the contractor wants more money for it.";

/// A text of eight turns. Its speakers and what they say are those of [`dialogue`].
fn check_dialogue(text: &str, names: [&str; 2]) {
    let plain = analyze(text);
    assert_eq!(plain.speakers, names, "{text}");
    let said = spoken(text, &plain);
    assert!(
        said.iter()
            .zip([QUESTION, ANSWER].iter().cycle())
            .all(|(said, expected)| said == expected),
        "{text}\n{said:#?}"
    );
    assert_eq!(said.len(), 8, "{text}");
}

/// Eight turns, each after one of two heads.
fn dialogue(heads: [&str; 2]) -> String {
    format!("{}{QUESTION}\n{}{ANSWER}\n", heads[0], heads[1]).repeat(4)
}

#[test]
fn time_stamps_inside_of_a_turn_are_not_spoken() {
    for stamp in ["(00:00:10)", "#00:00:10-3#", "[00:00:10]", "{00:00:10}"] {
        check_dialogue(
            &dialogue(["Ada: ", "Sam: "]).replace(".\n", &format!(". {stamp}\n")),
            ["Ada", "Sam"],
        );
    }
    check_dialogue(
        &dialogue(["Ada: ", "Sam: "]).replace(", ", ", [00:01:02] "),
        ["Ada", "Sam"],
    );
}

#[test]
fn a_title_page_is_not_spoken() {
    let turns = dialogue(["HOLT: ", "REYES: "]);
    for title in [
        "Interviewee: Sam Reyes\nInterviewer: Ada Holt\n\n",
        "Participants\nAda Holt, Engineer\nSam Reyes, Director\n\n",
        "Executives - Depot\n\nAda Holt - Chief Financial Officer\nSam Reyes - Analyst\n\n",
        "Participants: Ada Holt, Sam Reyes\nVIEW RECORDING - 20 mins: https://example.org\n\n",
        "# Episode 12: The tram\n\n",
        "--- Log opened Wed Mar 12 09:00:00 2025\n",
        "whisper_init_from_file: loading model\nDetected language 'en' with probability 0.98\n",
    ] {
        check_dialogue(&format!("{title}{turns}"), ["HOLT", "REYES"]);
    }
    let (named, timed) = (
        dialogue(["\nAda Holt\n", "\nSam Reyes\n"]),
        dialogue(["Ada Holt  0:12\n", "Sam Reyes  0:14\n"]),
    );
    for (title, turns) in [
        (
            "Company Participants\n\nAda Holt - Chief Financial Officer\nSam Reyes - Analyst\n\nConference Call Participants\n\nIda Moss - Moss Bank\n",
            &named,
        ),
        (
            "Dyke review\nThu, Mar 13, 2025 2:02PM • 16:48\n\nSUMMARY KEYWORDS\nvalves, pump house, dyke\n\nSPEAKERS\nAda Holt, Sam Reyes\n\n",
            &timed,
        ),
        (
            "Participants\nDepot\nAda Holt, Engineer\nSam Reyes, VP Buses\n\nTranscript\n\n",
            &timed,
        ),
        (
            "Audio File: depot_3.mp3\nTranscriptionist: Moss\n\n",
            &timed,
        ),
        (
            "THE LEAD\n\nAired March 3, 2025 - 20:00 ET\n\nTHIS IS A RUSH TRANSCRIPT. IT MAY BE UPDATED.\n\n",
            &timed,
        ),
    ] {
        let text = format!("{title}{turns}");
        check_dialogue(&text, ["Ada Holt", "Sam Reyes"]);
        let plain = analyze(&text);
        let first = plain.heads[0].start;
        let dropped: u32 = plain
            .drops
            .iter()
            .filter(|drop| drop.end <= first)
            .map(|drop| drop.end - drop.start)
            .sum();
        assert!(dropped + 4 > first, "{text}");
    }
    let group = "[12/03/24, 09:00:00] Depot Team: \u{200e}Messages and calls are end-to-end encrypted. Nobody can read them.\n\
                 [12/03/24, 09:00:00] Depot Team: \u{200e}Ada created this group\n";
    let turns = dialogue(["[12/03/24, 09:00:03] Ada: ", "[12/03/24, 09:01:03] Sam: "]);
    check_dialogue(&format!("{group}{turns}"), ["Ada", "Sam"]);
}

#[test]
fn heads_of_several_lines() {
    let names = ["Ada Holt", "Sam Reyes"];
    let teams = names
        .map(|name| format!("{name}\n0 minutes 1 seconds\n0:01\n{name} 0 minutes 1 seconds\n"));
    check_dialogue(&dialogue([&teams[0], &teams[1]]), names);
    let stamped = dialogue(["00:00:03 Ada Holt\n", "00:00:09 Sam Reyes\n"]);
    check_dialogue(&format!("Transcript\n{stamped}"), names);
    let factset = [
        "\nAda Holt\nChief Executive Officer, Depot Corp.\nA\n",
        "\nSam Reyes\nAnalyst, Moss Bank\nQ\n",
    ];
    check_dialogue(&dialogue(factset), names);
}

#[test]
fn the_ways_in_which_typists_write_labels() {
    check_dialogue(
        &dialogue(["Ada Holt:", "Sam Reyes: "]),
        ["Ada Holt", "Sam Reyes"],
    );
    check_dialogue(
        &dialogue(["Ada Holt: ", "Sam Reyes: "]).replace('\n', " "),
        ["Ada Holt", "Sam Reyes"],
    );
    let text = format!(
        "ADA HOLT, CNN ANCHOR: {QUESTION}\nSAM REYES, MAYOR: {ANSWER}\n{}",
        dialogue(["HOLT: ", "REYES: "])
    );
    assert_eq!(analyze(&text).speakers, ["ADA HOLT", "SAM REYES"]);
    let text = "Ada Holt: It was March 3. Sam Reyes: We had 40. ".repeat(40);
    assert_eq!(analyze(&text).heads.len(), 80);
}

#[test]
fn pages_end_inside_of_sentences() {
    let said = [
        "We counted the spare parts that were moved to the depot last week.",
        "There is none.",
    ];
    for footer in [
        "- {} -",
        "Confidential   Depot Review   12 March 2025",
        "Moss Legal  www.example.org  {}",
        "Depot Review\nPage {} of 9",
    ] {
        let text: String = (1..9)
            .map(|page| {
                let footer = footer.replace("{}", &page.to_string());
                format!("Ada Holt: We counted the spare parts that were\n\n{footer}\n\nmoved to the depot last week.\n\nSam Reyes: There is none.\n\n")
            })
            .collect();
        let plain = analyze(&text);
        assert!(
            spoken(&text, &plain)
                .iter()
                .zip(said.iter().cycle())
                .all(|(left, right)| left == right),
            "{text}"
        );
    }
    // Wrapped lines that are alike but for their numbers.
    for gap in ["\n", "\n\n\n"] {
        let wrapped: String = (1..60)
            .map(|week| match week % 20 {
                3 => format!(
                    "Friday, which would save roughly {} hours. Since\n",
                    week * 37
                ),
                9 => format!(
                    "we went there and{gap}How many of the {} requests about the{gap}",
                    week * 41
                ),
                _ => format!("{}we went there and asked them by\n", "so ".repeat(week)),
            })
            .collect();
        let plain = analyze(&wrapped);
        let is_gap = |drop: &Unspoken| {
            wrapped[drop.start as usize..drop.end as usize]
                .trim()
                .is_empty()
        };
        assert!(plain.drops.iter().all(is_gap), "{gap:?} {:?}", plain.drops);
    }
    let double = "Ada Holt: We counted the spare parts that\n\nwere moved to the depot\n\nlast week.\n\nSam Reyes: There is none.\n\n".repeat(4);
    let plain = analyze(&double);
    assert!(plain.is_wrapped && plain.drops.len() > 8);
}

#[test]
fn captions_in_capitals_have_no_names_but_those_with_a_colon() {
    let text =
        ">> WE COUNTED THE SPARE PARTS\nTHAT WERE MOVED\nLAST WEEK.\n>> THE CITY HAS\nNONE LEFT.\n"
            .repeat(8);
    let plain = analyze(&text);
    assert!(plain.speakers.is_empty());
    assert_eq!((plain.heads.len(), plain.drops.len()), (16, 0));
}

#[test]
fn lists_of_fields_have_no_speakers() {
    for text in [
        "Weather: It rained.\n\nEquipment: A map.\n\nWeather: It was dry again.\n\nEquipment: A stick.\n\nFood: Bread.\n",
        "Serves: 8\nPrep time: 20 min\nFlour: 250 g\nRye: 100 g\n\nMix it all. Bake it for an hour.\n",
        "LISBON, Portugal — The council voted on Monday.\n\nNobody spoke. The mayor left.\n",
        "# Changelog\n\n### Added\n\n- A reader for maps.\n\n### Fixed\n\n- A crash.\n\n### Added\n\n- A writer.\n\n### Fixed\n\n- A typo.\n",
        "name: depot\nversion: 1.2\njobs:\n  build:\n    steps:\n      - name: Check\n        run: make\n      - name: Test\n        run: make test\n",
        "BEGIN:VCARD\nVERSION:3.0\nFN:Ada Holt\nORG:Depot\nEND:VCARD\nBEGIN:VCARD\nVERSION:3.0\nFN:Sam Reyes\nORG:Depot\nEND:VCARD\n",
        "HTTP/1.1 200 OK\nContent-Type: text/html\nContent-Length: 12\nServer: nginx\n\nHello there.\n",
        "2025-03-12 09:00:00,123 INFO com.depot.Service: Started the thing\n2025-03-12 09:00:01,123 WARN com.depot.Other: Slow query\n2025-03-12 09:00:02,123 INFO com.depot.Service: Started the thing\n",
    ] {
        let plain = analyze(text);
        assert!(plain.speakers.is_empty(), "{text}\n{:?}", plain.speakers);
    }
}

proptest! {
    #[test]
    fn prose_has_no_head(line in "[A-Za-zé]{1,9}([ .,:>\\-]{1,2}[A-Za-zéQ1]{1,9}){0,9}[.?!,]?") {
        prop_assert!(!head::is_prose(&line) || head::read(&line).is_none(), "{line}");
    }
}

#[test]
fn most_lines_of_speech_are_prose() {
    for line in [
        "and then we counted the spare parts there",
        "The city has none of them left.",
        "Is it so? Who says it?",
    ] {
        assert!(head::is_prose(line), "{line}");
    }
}

#[test]
fn a_sentence_ends_inside_of_a_line_wherever_its_stop_stands() {
    for (line, is_inside) in [
        (
            "We left. Then it rained on the mill for the whole day",
            true,
        ),
        ("We left the mill, and it rained. Then", true),
        ("Why? ", true),
        ("We left at 3.45 and took the bus", false),
        ("It rained.", false),
    ] {
        assert_eq!(has_stop(line), is_inside, "{line}");
    }
}
