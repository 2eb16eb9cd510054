use super::*;
use crate::document::sources::search::tests::HITS;
use crate::summary::lists::{List, ListKind};
use crate::summary::people::Renaming;
use crate::summary::{Section, Source};
use crate::text::words;
use crate::transcript::Decoder;

const MEETING: &str = "\
Marta Lopez: Good morning, everybody. The depot at Gasworks Lane floods whenever the harbor rises.\n\
Tobias Renwick: Corvane asks for $2,600 a week under clause seventeen. I would rather wait.\n\
Marta Lopez: I disagree. The crane has to be there in March, and the residents have to be asked before.\n\
Dell Kowalczyk: Windshields take nineteen weeks, so the second tranche stays. And the crane is broken.\n\
Tobias Renwick: The canopy is $1.6 million, and it has not been let.\n\
Dell Kowalczyk: Then let us defer the canopy to July of next year. The trams run without it.\n\
Connie Abreu: People at Lantern Hill have strollers, and they have waited for that canopy for years.\n";

fn transcript(text: &str) -> Transcript {
    let mut decoder = Decoder::default();
    decoder.push(text.as_bytes()).unwrap();
    Transcript::new(decoder.finish().unwrap()).unwrap()
}

fn section(text: &str, spans: Vec<Span>) -> Section {
    Section {
        title: "Title".into(),
        times: Vec::new(),
        text: text.into(),
        matters: Vec::new(),
        target_words: 9,
        chunks: vec![0],
        spans,
        source: Source::Model,
        written_by: None,
    }
}

/// The passages of each sentence of an overview.
fn passages(transcript: &Transcript, overview: &str) -> Vec<Vec<String>> {
    let summary = Summary {
        overview: Some(overview.to_owned()),
        ..Summary::default()
    };
    of(transcript, &Sources::of(transcript, &summary).overview)
}

fn of(transcript: &Transcript, cited: &[Cited]) -> Vec<Vec<String>> {
    let text = |span: &Span| span.of(transcript.text()).to_owned();
    let cited = cited.iter();
    cited
        .map(|cited| cited.passages.iter().map(text).collect())
        .collect()
}

#[test]
fn a_sentence_rests_on_what_has_its_words_numbers_and_names() {
    let transcript = transcript(MEETING);
    for (sentence, first) in [
        (
            "The depot was flooded by the harbor.",
            "The depot at Gasworks Lane floods",
        ),
        (
            "Under clause 17 it would cost 2,600 weekly.",
            "Corvane asks",
        ),
        (
            "Windshields had a lead time of 19 weeks.",
            "Windshields take",
        ),
        (
            "Residents in Lantern Hill waited.",
            "People at Lantern Hill",
        ),
        (
            "The canopy would be deferred by a year.",
            "Then let us defer",
        ),
    ] {
        let found = passages(&transcript, sentence);
        assert!(found[0][0].starts_with(first), "{sentence} {found:?}");
    }
}

#[test]
fn numbers_between_characters_without_blanks_tell_lines_apart() {
    let line = |nth: usize| {
        let cost = nth * 7 + 1000;
        format!("第{nth}号合同的费用为{cost}元，港口报告在第{nth}周提交。")
    };
    let text: String = (0..60)
        .map(|nth| format!("王明：{}\n", line(nth)))
        .collect();
    let transcript = transcript(&text);
    for nth in [3, 28, 59] {
        assert_eq!(passages(&transcript, &line(nth))[0][0], line(nth));
    }
}

#[test]
fn what_nobody_said_has_no_source() {
    let transcript = transcript(MEETING);
    let found = passages(
        &transcript,
        "Ridership on weekends grew by 4 percent after the new timetable. The depot floods.",
    );
    assert_eq!(found[0], [""; 0]);
    assert_eq!(found[1].len(), 1);
}

#[test]
fn a_name_of_a_speaker_leads_to_their_turn() {
    let text = "spk_0: The crane is late, I fear.\nspk_1: The crane is late, I hear.\nspk_0: It rained.\nspk_1: It did.\n";
    let transcript = transcript(text);
    let summary = |overview: &str| Summary {
        overview: Some(overview.to_owned()),
        renamings: vec![Renaming {
            label: "spk_1".to_owned(),
            name: "Maria Lopez".to_owned(),
        }],
        ..Summary::default()
    };
    for (overview, first) in [
        (
            "Lopez said that the crane was late.",
            "The crane is late, I hear.",
        ),
        (
            "Maria Lopez: The crane was late.",
            "The crane is late, I hear.",
        ),
        ("The crane was late.", "The crane is late, I fear."),
    ] {
        let sources = Sources::of(&transcript, &summary(overview));
        assert_eq!(
            of(&transcript, &sources.overview)[0][0],
            first,
            "{overview}"
        );
    }
}

#[test]
fn a_section_rests_on_its_own_part() {
    let transcript = transcript(MEETING);
    let text = transcript.text();
    let second = text.find("Dell Kowalczyk: Windshields").unwrap();
    let parts = [Span::from(0..second), Span::from(second..text.len())];
    let summary = Summary {
        sections: parts
            .map(|part| section("The crane was discussed.", vec![part]))
            .to_vec(),
        ..Summary::default()
    };
    let found = Sources::of(&transcript, &summary).sections;
    assert!(of(&transcript, &found[0])[0][0].starts_with("The crane has to be there"));
    assert_eq!(of(&transcript, &found[1])[0], ["And the crane is broken."]);
}

#[test]
fn a_second_passage_has_the_numbers_and_names_that_the_first_one_lacks() {
    let transcript = transcript(MEETING);
    let found = passages(
        &transcript,
        "The canopy of 1.6 million at Lantern Hill has to wait until July.",
    );
    let both = found[0].join(" ");
    assert_eq!(found[0].len(), 2);
    assert!(
        both.contains("1.6 million") && both.contains("Lantern"),
        "{both}"
    );
}

#[test]
fn an_entry_rests_on_the_turns_of_the_outline() {
    let transcript = transcript(MEETING);
    let at = |words: &str| {
        let start = transcript.text().find(words).unwrap();
        Span::from(start..start + words.len())
    };
    let crane = at(
        "Dell Kowalczyk: Windshields take nineteen weeks, so the second tranche stays. And the crane is broken.",
    );
    let entry = |text: &str, spans: Vec<Span>| Entry {
        text: text.to_owned(),
        spans,
        ..Entry::default()
    };
    let summary = Summary {
        lists: vec![List {
            kind: ListKind::Decisions,
            title: "Decisions",
            entries: vec![
                entry("The crane is mended.", vec![crane]),
                entry("Der Kran wird repariert.", vec![crane]),
                entry("The canopy is deferred to July.", Vec::new()),
                entry("Ticket prices rise.", Vec::new()),
            ],
        }],
        ..Summary::default()
    };
    let found = of(&transcript, &Sources::of(&transcript, &summary).lists[0]);
    assert_eq!(found[0], ["And the crane is broken."]);
    // Nothing is equal, but the outline read it there.
    assert_eq!(
        found[1],
        ["Windshields take nineteen weeks, so the second tranche stays. And the crane is broken."]
    );
    assert!(found[2][0].starts_with("Then let us defer the canopy"));
    assert_eq!(found[3], [""; 0]);
}

#[test]
fn what_introduces_a_list_rests_on_its_first_item() {
    let transcript = transcript(MEETING);
    let text = "This was disputed at length:\n- The canopy costs 1.6 million.\n- The depot floods.";
    let spans = vec![Span::from(0..transcript.text().len())];
    let summary = Summary {
        sections: vec![section(text, spans)],
        ..Summary::default()
    };
    let found = &Sources::of(&transcript, &summary).sections[0];
    assert_eq!(found.len(), 3);
    assert_eq!(found[0].passages, found[1].passages);
    assert!(!found[2].passages.is_empty());
    let texts: Vec<&str> = found.iter().map(|cited| &text[cited.at.clone()]).collect();
    assert_eq!(
        texts,
        [
            "This was disputed at length:",
            "The canopy costs 1.6 million.",
            "The depot floods."
        ]
    );
}

#[test]
fn every_script_is_searched() {
    for (text, sentence, first) in [
        (
            "王: 我们今天讨论预算。桥梁工程推迟到三月。\n李: 居民要求更多的公交车。\n王: 好的。\n",
            "居民希望有更多公交车。",
            "居民要求更多的公交车。",
        ),
        (
            "สมชาย: วันนี้เราจะพูดเรื่องงบประมาณ\nมาลี: สะพานใหม่จะสร้างเสร็จในเดือนมีนาคม\nสมชาย: ดีครับ\n",
            "การสร้างสะพานใหม่เสร็จเดือนมีนาคม",
            "สะพานใหม่จะสร้างเสร็จในเดือนมีนาคม",
        ),
        (
            "Иванов: Мы обсуждаем бюджет совещания.\nПетрова: Строительство моста отложили до марта.\nИванов: Хорошо.\n",
            "Со строительством моста ждут до марта.",
            "Строительство моста отложили до марта.",
        ),
        (
            "김: 오늘 예산을 논의합니다.\n박: 다리 공사가 삼월로 미뤄졌습니다.\n김: 네.\n",
            "다리의 공사는 삼월까지 연기되었다.",
            "다리 공사가 삼월로 미뤄졌습니다.",
        ),
        (
            "علي: نناقش الميزانية اليوم.\nسارة: تأجل بناء الجسر إلى مارس.\nعلي: حسنا.\n",
            "بناء الجسر مؤجل حتى مارس.",
            "تأجل بناء الجسر إلى مارس.",
        ),
    ] {
        let transcript = transcript(text);
        assert_eq!(passages(&transcript, sentence)[0], [first]);
    }
}

#[test]
fn a_translation_is_found_by_names_and_numbers() {
    let transcript = transcript(MEETING);
    let summary = |overview: &str| Summary {
        overview: Some(overview.to_owned()),
        is_translated: true,
        ..Summary::default()
    };
    for (overview, first) in [
        (
            "Corvane verlangt 2.600 Dollar pro Woche. Was danach kommt, ist offen.",
            "Corvane asks for $2,600 a week",
        ),
        (
            "拉姆说，Lantern Hill的居民在等。那很重要。",
            "People at Lantern Hill",
        ),
    ] {
        let found = of(
            &transcript,
            &Sources::of(&transcript, &summary(overview)).overview,
        );
        assert!(found[0][0].starts_with(first), "{found:?}");
        assert_eq!(found[1], [""; 0]);
    }
}

#[test]
fn a_passage_is_at_most_sixty_words_of_one_turn() {
    let long = "and the crane is there and the depot is here ".repeat(40);
    let lines = "The crane is in the depot. The depot has a crane.\n";
    let repeated = format!("Lee: {lines}Kim: {lines}").repeat(9);
    for text in [long, lines.repeat(9), repeated] {
        let transcript = transcript(&text);
        let turns: Vec<Span> = transcript
            .whole()
            .utterance_spans()
            .map(|(_, span)| span)
            .collect();
        for found in passages(
            &transcript,
            "The crane is in the depot, and the depot is there.",
        ) {
            assert!(!found.is_empty());
            for passage in found {
                assert!(words::count(&passage) <= 60, "{passage}");
                let is_in = |turn: &Span| turn.of(transcript.text()).contains(&passage);
                assert!(turns.iter().any(is_in), "{passage}");
            }
        }
    }
}

#[test]
fn a_long_transcript_is_searched_to_its_end() {
    let line = |nth: usize| {
        format!(
            "Speaker{}: The crane of depot {nth} is late, and nobody knows when it is there.\n",
            nth % 3
        )
    };
    let text: String = (0..40_000).map(line).collect();
    assert!(text.len() > 2_500_000);
    let transcript = transcript(&text);
    let depots = [5, 17_000, 39_999];
    let overview = depots.map(|depot| format!("Depot {depot} has no crane yet."));
    for (found, depot) in passages(&transcript, &overview.join(" "))
        .iter()
        .zip(depots)
    {
        assert!(found[0].contains(&format!("depot {depot} ")), "{found:?}");
    }
}

/// Occurrences of terms that are looked at for a summary of a text of so many turns.
fn hits(turns: usize, turn: impl Fn(usize) -> String) -> usize {
    let transcript = transcript(&(0..turns).map(turn).collect::<String>());
    HITS.with(|hits| hits.set(0));
    passages(
        &transcript,
        &"The crane at the depot cost 17 million in March. ".repeat(20),
    );
    HITS.with(std::cell::Cell::get)
}

#[test]
fn the_work_is_linear_in_the_length_of_the_transcript() {
    let turns: [fn(usize) -> String; 2] = [
        |nth| {
            format!(
                "Speaker{}: The crane number {nth} is at depot {}, since March.\n",
                nth % 5,
                nth % 40
            )
        },
        |_| "the crane at the depot cost seventeen million in march and ".to_owned(),
    ];
    for turn in turns {
        let (once, ten_times) = (hits(2000, turn), hits(20_000, turn));
        assert!(once > 100, "{once}");
        assert!(ten_times <= once * 21 / 2, "{once} {ten_times}");
    }
}
