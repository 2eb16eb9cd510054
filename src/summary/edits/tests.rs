use proptest::prelude::*;

use super::*;

const OVERVIEW: &str = "The committee heard from Michael Hill, the chief executive of the Trust, about the new depot. The depot may cost 4.2 \
                        million pounds, and it will not open before March. Members asked why the council had rejected the first plan. \
                        According to Hill, the delay was caused by the river.";
const FIRST: &str = "Michael Hill, the chief executive of the Trust, said that the depot floods in January. The depot, which stands by the \
                     river, was built by the council. Some residents hoped that it would move. It was noted that the road by the mill \
                     was also closed at that time. Dana Lee called the site “a bathtub with a roof”.\n\nThe members did not ask for a new \
                     survey. The council approved a grant of two hundred pounds for twenty-five families.";
const SECOND: &str = "Hill repeated that the depot floods in January. The council had the same view. The list names those who pay.\n\n- The \
                      council pays the rent.\n- The Trust pays the rest.";
const OTHERS: [&str; 2] = ["No new survey", "Michael Hill: chief executive"];

fn edit(find: &str, replace: &str) -> Edit {
    Edit {
        find: find.into(),
        replace: replace.into(),
    }
}

/// The texts after one edit, if it was applied.
fn edited_texts<const N: usize>(
    texts: [&str; N],
    find: &str,
    replace: &str,
) -> Option<[String; N]> {
    let mut owned = texts.map(str::to_owned);
    let mut parts: Vec<&mut String> = owned.iter_mut().collect();
    let applied = apply(&mut parts, &OTHERS, &[edit(find, replace)]);
    assert_eq!(applied, usize::from(owned != texts), "{find} -> {replace}");
    (applied == 1).then_some(owned)
}

#[test]
fn edits_that_only_mend_the_wording_are_applied() {
    for (find, replace, sentence) in [
        (
            "Michael Hill, the chief executive of the Trust, said",
            "Hill said",
            "Hill said that the depot floods in January.",
        ),
        (
            ", which stands by the river,",
            "",
            "The depot was built by the council.",
        ),
        (
            "was also closed at that time",
            "was also closed then",
            "the road by the mill was also closed then.",
        ),
        ("also", "", "the mill was closed at that time."),
        (
            "Members asked why the council",
            "They asked why the council",
            "They asked why the council had rejected the first plan.",
        ),
        (
            "The members did not ask",
            "They did not ask",
            "\n\nThey did not ask for a new survey.",
        ),
        (
            "The depot may cost",
            "It may cost",
            "It may cost 4.2 million pounds, and it will not",
        ),
        ("the new depot", "the depot", "the Trust, about the depot."),
        (
            "The council approved a grant",
            "It approved a grant",
            "It approved a grant of two hundred pounds",
        ),
        (
            "the delay was caused by the river",
            "the river caused the delay",
            "According to Hill, the river caused the delay.",
        ),
        (
            "Some residents hoped that it would move",
            "Some residents hoped that the depot would move",
            "Some residents hoped that the depot would move.",
        ),
        (
            "The council had the same view.",
            "",
            "floods in January. The list names those who pay.\n\n- The council",
        ),
        (
            "The council had the same view",
            "",
            "floods in January. The list names those who pay.\n\n- The council",
        ),
        (
            "According to Hill, the delay",
            "According to him, the delay",
            "According to him, the delay was caused",
        ),
    ] {
        let texts = edited_texts([OVERVIEW, FIRST, SECOND], find, replace);
        let all = texts
            .unwrap_or_else(|| panic!("{find} -> {replace}"))
            .join("\n\n");
        assert!(all.contains(sentence), "{all}");
        assert!(!all.contains("  ") && !all.contains(" ."), "{all}");
    }
}

#[test]
fn edits_that_change_what_is_said_are_refused() {
    for (find, replace) in [
        // Numbers and dates.
        ("4.2 million pounds", "4.3 million pounds"),
        ("2 million", "3 million"),
        ("cost 4.2 million pounds", "cost pounds"),
        ("two hundred pounds", "three hundred pounds"),
        (
            "two hundred pounds for twenty-five families",
            "twenty-five pounds for two hundred families",
        ),
        ("twenty-five families", "twenty families and five"),
        (
            "two hundred pounds for twenty-five families",
            "two hundred families",
        ),
        ("before March", "before May"),
        ("the first plan", "the plan"),
        ("the new depot", "the 2 new depots"),
        // Names.
        (
            "According to Hill, the delay",
            "According to Lee, the delay",
        ),
        ("Hill repeated that", "Dana repeated that"),
        ("Members asked why", "Will asked why"),
        ("Members asked why", "Trump asked why"),
        ("The council approved", "The Council approved"),
        (
            "Michael Hill, the chief executive of the Trust, said",
            "The Trust said of Michael Hill, the chief executive,",
        ),
        ("Dana Lee called", "They called"),
        // Hedges, negations, conditions, quantities.
        ("The depot may cost", "The depot will cost"),
        ("The depot may cost", "The depot cost"),
        ("did not ask", "did ask"),
        (
            "The members did not ask for a new survey",
            "The members did ask for no new survey",
        ),
        (
            "did not ask for a new survey",
            "did ask for a not new survey",
        ),
        ("it will not open", "it will open"),
        (
            "may cost 4.2 million pounds, and it will not open",
            "will cost 4.2 million pounds, and it may not open",
        ),
        ("Some residents hoped", "All residents hoped"),
        ("Some residents hoped", "The residents hoped"),
        ("and it will not open", "or it will not open"),
        ("the delay was caused", "the delay was perhaps caused"),
        // Whose statement it is.
        (
            "Michael Hill, the chief executive of the Trust, said that the depot floods",
            "The depot floods",
        ),
        ("It was noted that the road", "The road"),
        ("hoped that it would", "knew that it would"),
        ("Hill repeated that", "Hill claimed that"),
        ("According to Hill, the", "The"),
        // Quotations.
        ("a bathtub with a roof", "a roof with a bathtub"),
        ("“a bathtub with a roof”", "a bathtub with a roof"),
        ("by the mill", "by “the mill”"),
        ("by the mill", "by 'the mill'"),
        ("called the site “a", "called “the site a"),
        // Outcomes, causes and facts from elsewhere.
        (
            "The council approved a grant",
            "The council rejected a grant",
        ),
        ("asked why the council", "asked because the council"),
        (
            "The council approved a grant",
            "The members approved a grant",
        ),
        ("was also closed", "was also disclosed"),
        ("the road by the mill", "the casino by the mill"),
        ("by the mill", "by mill.com"),
        (
            "which stands by the river",
            "which the members of the list pay",
        ),
        // More or less than one sentence of one text.
        ("in January. The depot, which", "in January, and it"),
        ("a roof”.\n\nThe members", "a roof”. They"),
        ("closed at that time", "closed. It was"),
        ("The depot", "It"),
        ("The Trust pays the rest", "It pays the rest"),
        ("new survey", "survey"),
        ("the Moon", "it"),
        ("", "It"),
        (" ", ""),
        ("by the mill", "by the mill"),
        ("he depot may", "he may"),
        ("pot may cost", "pots may cost"),
        // Grammar.
        ("had the same view.", "had the same view"),
        ("before March.", "before March?"),
        (
            "The council had the same view",
            "the council had the same view",
        ),
        ("Members asked why", "asked why"),
        ("built by the council", ""),
        (
            "The depot, which stands by the river, was built by the council.",
            "The depot.",
        ),
        ("the new depot", "the  depot"),
        ("the road by the mill", "the road, , by the mill"),
        ("the road by the mill", "the road (by the mill"),
        ("the road by the mill", "the\u{200b} road by the mill"),
        ("the road by the mill", "the road\nby the mill"),
        ("the road by the mill", "the **road** by the mill"),
        (
            "was built by the council",
            "was built by the council and by those members who pay",
        ),
        // Whole sentences.
        ("Hill repeated that the depot floods in January.", ""),
        ("Some residents hoped that it would move.", ""),
        ("Dana Lee called the site “a bathtub with a roof”.", ""),
    ] {
        assert_eq!(
            edited_texts([OVERVIEW, FIRST, SECOND], find, replace),
            None,
            "{find} -> {replace}"
        );
    }
}

#[test]
fn a_sentence_is_cut_only_where_two_remain() {
    let cut =
        |text: &str| edited_texts([OVERVIEW, text], "The river is wide.", "").map(|[_, text]| text);
    assert_eq!(cut("The river is wide. The council met."), None);
    assert_eq!(
        cut("The river is wide. The council met. The Trust paid.").unwrap(),
        "The council met. The Trust paid."
    );
    assert_eq!(
        cut("The council met.\n\nThe river is wide.\n\nThe Trust paid.").unwrap(),
        "The council met.\n\nThe Trust paid."
    );
    assert_eq!(
        cut("The council met. The Trust paid. The river is wide.").unwrap(),
        "The council met. The Trust paid."
    );
    assert_eq!(
        cut("The council met. The river is wide. It flooded the depot."),
        None
    );
}

#[test]
fn each_language_has_its_own_words() {
    let german = "Der Rat hat beschlossen, dass das Depot nicht vor März öffnet. Die Kosten liegen bei etwa zweihundert Euro, sagte Hill. \
                  Der Rat, der im Rathaus tagt, hat die Pläne auch geprüft. Die Mitglieder sind sich darüber einig.";
    for (find, replace, is_applied) in [
        (", der im Rathaus tagt,", "", false),
        ("Der Rat, der im", "Er, der im", true),
        ("das Depot nicht vor", "das Depot vor", false),
        ("bei etwa zweihundert", "bei zweihundert", false),
        ("etwa zweihundert Euro", "etwa dreihundert Euro", false),
        (", sagte Hill", "", false),
        ("auch geprüft", "geprüft", true),
    ] {
        assert_eq!(
            edited_texts([german], find, replace).is_some(),
            is_applied,
            "{find} -> {replace}"
        );
    }
    let french = "Le conseil n'a pas accepté le projet. Les élus ont dit que le dépôt est aussi une charge pour la ville. Selon Hill, les \
                  coûts sont d'environ deux cents euros, mais il y en a d'autres.";
    for (find, replace, is_applied) in [
        ("n'a pas accepté", "a accepté", false),
        ("d'environ deux cents", "de deux cents", false),
        ("Selon Hill, les", "Les", false),
        ("est aussi une charge", "est une charge", true),
    ] {
        assert_eq!(
            edited_texts([french], find, replace).is_some(),
            is_applied,
            "{find} -> {replace}"
        );
    }
    let spanish = "El consejo no aprobó el proyecto. Los vecinos esperan que la cochera también se abra pronto, pero el alcalde no lo dijo. \
                   Los gastos son de unos doscientos euros, según Hill.";
    for (find, replace, is_applied) in [
        ("consejo no aprobó", "consejo aprobó", false),
        ("de unos doscientos", "de doscientos", false),
        ("vecinos esperan que", "vecinos saben que", false),
        ("también se abra", "se abra", true),
    ] {
        assert_eq!(
            edited_texts([spanish], find, replace).is_some(),
            is_applied,
            "{find} -> {replace}"
        );
    }
    // Nobody knows what a negation is here.
    let polish = "Rada nie zgadza się na to, że zajezdnia jest gotowa. Koszty są pokryte z rezerwy, ale to już nie jest problem.";
    assert_eq!(
        edited_texts([polish], "Rada nie zgadza", "Rada zgadza"),
        None
    );
    assert!(covers("en") && covers("de-CH") && !covers("pl"));
}

#[test]
fn edits_are_applied_one_after_the_other() {
    let mut texts = [OVERVIEW, FIRST, SECOND].map(str::to_owned);
    let [overview, first, second] = &mut texts;
    let edits = [
        edit("the new depot", "the depot"),
        edit("the new depot", "the depot"),
        edit("the road by the mill", "the casino by the mill"),
        edit("The council had the same view.", ""),
    ];
    assert_eq!(apply(&mut [overview, first, second], &OTHERS, &edits), 2);
    assert_eq!(texts[1], FIRST);
    assert_eq!(apply(&mut [], &[], &edits), 0);
}

#[test]
fn answers_are_read_tolerantly() {
    for (answer, expected) in [
        ("FIND: a b\nREPLACE: c", &[("a b", "c")][..]),
        ("find: a b\nReplace:\n", &[("a b", "")]),
        ("FIND 1:\na b\nReplace with:\nc\n", &[("a b", "c")]),
        (
            "1. **FIND:** \"a b\"\n   **REPLACE:** \"c\"\n\n2. **Find**: “d”\n   - Replace: `e`",
            &[("a b", "c"), ("d", "e")],
        ),
        ("```\nFIND: a\nREPLACE: b\n```\n", &[("a", "b")]),
        (
            "- FIND: a\n- REPLACE: (empty)\n---\n## Edit 2\nFIND: c\nREPLACE: \"\"",
            &[("a", ""), ("c", "")],
        ),
        ("FIND: a b → REPLACE: c", &[("a b", "c")]),
        ("FIND: a\nFIND: b\nREPLACE: c", &[("b", "c")]),
        ("REPLACE: c\nFIND: a", &[]),
        (
            "FIND: a\nREPLACE: b\nReason: told twice\n\nFIND: c\nREPLACE: d",
            &[("a", "b"), ("c", "d")],
        ),
        // Where the value ends is not known.
        (
            "FIND: a\nREPLACE: b\nand more of b\nFIND: c\nREPLACE: d",
            &[("c", "d")],
        ),
        ("FIND: a\nand more of a\nREPLACE: b", &[]),
        (
            "Here are my edits:\n\nFIND: Hill said “yes” to it\nREPLACE: Hill said “yes”",
            &[("Hill said “yes” to it", "Hill said “yes”")],
        ),
        (
            "REPLACE:\n\nEdit 2:\nFIND: a\nREPLACE:\n\nThat is all.",
            &[("a", "")],
        ),
        ("The text is fine.", &[]),
        ("", &[]),
    ] {
        let expected: Vec<Edit> = expected
            .iter()
            .map(|(find, replace)| edit(find, replace))
            .collect();
        assert_eq!(read(answer).edits, expected, "{answer}");
    }
    assert_eq!(
        read(&"FIND: a\nREPLACE: b\n".repeat(50)).edits.len(),
        MAX_EDITS
    );
}

#[test]
fn flags_are_short_and_plain() {
    let Answer { edits, flags, .. } = read(
        "FLAG: the\u{7} sum\u{202e} is wrong\nFIND: a\nREPLACE: b\n* **Flag:** Lee or Li?\nFLAG:\n\nFLAG:\non its own line\n",
    );
    assert_eq!(edits, [edit("a", "b")]);
    assert_eq!(flags, ["the sum is wrong", "Lee or Li?", "on its own line"]);
    let Answer { flags, .. } = read(&format!("FLAG: {}\n", "é".repeat(1_000)).repeat(20));
    assert_eq!(flags.len(), MAX_FLAGS);
    assert!(
        flags
            .iter()
            .all(|flag| flag.chars().count() == MAX_FLAG_CHARS)
    );
}

/// Numbers among the words of a text, and its words with a capital letter that do not begin a sentence, or all of them.
fn facts(text: &str, all_capitals: bool) -> HashSet<String> {
    const NUMBERS: &str = "two twenty five hundred first March January";
    let mut begins = true;
    let mut found = HashSet::new();
    for word in text.split_whitespace() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let is_number = bare.contains(|c: char| c.is_numeric())
            || NUMBERS.split(' ').any(|number| number == bare);
        let is_name = bare.starts_with(char::is_uppercase) && (all_capitals || !begins);
        found.extend((is_number || is_name).then(|| bare.to_owned()));
        begins = word.ends_with(['.', '?', '!']);
    }
    found
}

/// How often each word that must stay occurs in a text.
fn hedges(text: &str) -> Vec<usize> {
    let count = |hedge| all_words(text).filter(|word| *word == hedge).count();
    ["not", "may", "said", "about", "never"].map(count).to_vec()
}

fn sentence() -> impl Strategy<Value = String> {
    let words = "the council and it they was of a by depot Hill Lee not may said about 5 4.2 two twenty five hundred March The It They never \
                 closed road members also then , “depot” (road)";
    let word = prop::sample::select(words.split_whitespace().collect::<Vec<_>>());
    let words = prop::collection::vec(word, 3..12);
    (words, prop::sample::select(vec![".", "?", "", ".\n\n"]))
        .prop_map(|(words, end)| format!("The {}{end}", words.join(" ")))
}

proptest! {
    #[test]
    fn no_edit_adds_a_number_or_name_or_touches_another_text(
        sentences in prop::collection::vec(prop::collection::vec(sentence(), 1..5), 1..4),
        picks in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1..6_usize, sentence(), 0..5_usize, any::<bool>()), 1..12),
    ) {
        let mut texts = vec![OVERVIEW.to_owned()];
        texts.extend(sentences.iter().map(|sentences| sentences.join(" ")));
        for (text, word, length, replace, words, keep) in picks {
            let of: Vec<&str> = text.get(&texts).split(' ').collect();
            let start = word.index(of.len());
            let found = &of[start..(start + length).min(of.len())];
            // Some of the words that it replaces, and some others.
            let kept = found.iter().copied().skip(usize::from(keep));
            let replace: Vec<&str> = replace.split(' ').skip(1).take(words / 2).chain(kept).collect();
            let edit = edit(&found.join(" "), &replace.join(" "));
            let mut after = texts.clone();
            let mut parts: Vec<&mut String> = after.iter_mut().collect();
            let applied = apply(&mut parts, &[], std::slice::from_ref(&edit));
            let changed: Vec<(&String, &String)> = texts.iter().zip(&after).filter(|(a, b)| a != b).collect();
            prop_assert_eq!(changed.len(), applied);
            for (before, after) in changed {
                prop_assert_eq!(before.matches(&edit.find).count(), 1);
                prop_assert!(facts(after, false).is_subset(&facts(before, true)), "{} => {}", before, after);
                prop_assert!(!after.contains("  ") || before.contains("  "));
                if !edit.replace.is_empty() {
                    prop_assert_eq!(hedges(before), hedges(after));
                }
            }
            texts = after;
        }
    }

    #[test]
    fn arbitrary_answers_and_texts_do_no_harm(answer in "(FIND|REPLACE|FLAG|[*\"“ a.é中:\n]){0,40}", text in "[A-Za-z .,\n“”'\"()é中0-9-]{0,80}", replace in "[A-Za-z .,“”'\"()é中0-9-]{0,20}", at in 0..80_usize, length in 1..20_usize) {
        let _ = read(&answer);
        let start = text.floor_char_boundary(at.min(text.len()));
        let end = text.floor_char_boundary((at + length).min(text.len()));
        let find = &text[start..end.max(start)];
        let mut texts = [OVERVIEW.to_owned(), text.clone()];
        let [overview, other] = &mut texts;
        apply(&mut [overview, other], &[], &[edit(find, &replace)]);
        let digits = |text: &str| text.chars().filter(|c| c.is_numeric()).collect::<String>();
        prop_assert_eq!(digits(&texts.concat()), digits(&[OVERVIEW, &text].concat()));
    }
}
