//! Detects languages by their scripts and function words.
//!
//! Answers three questions: which language a text is in, whether it is English, which decides its token cost because every
//! vocabulary knows English words, and whether an answer is in a different language from its transcript.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use crate::text::Span;
use crate::text::script::Script;
use crate::text::tokens;

/// Function words of languages in Latin script. English comes first. Close relatives share many of these words, so each list has
/// some that its relatives spell differently.
static FUNCTION_WORDS: LazyLock<Vec<(&str, Vec<&str>)>> = LazyLock::new(|| {
    [
        (
            "en",
            "the and of that with you we it this they have what for are not but be just to know would there from if about \
             can our your on at is think like will do all right okay roger which",
        ),
        ("de", "der die und das nicht ist den mit ein auf sich wir zu von dass für wird auch es ich eine dem hat aber noch"),
        ("fr", "les des est que une dans pour pas qui nous sur avec le la et il ce vous je du au mais été cette sont ont"),
        ("es", "los las que una por con para del como pero más el la de en y se no lo es un este fue al su muy hay también ha"),
        ("it", "che di il per non una con sono della gli anche più la è si del ma ha nel questo dei alla ci un le abbiamo"),
        ("pt", "que não uma para com os dos mais como foi ao isso o a de em do da e um no na as se por são também mas é você já"),
        ("nl", "het een van niet dat zijn met voor ook maar wij naar de en is op te we er aan ik hebben wordt deze heeft bij"),
        ("ca", "que els les amb per una és no més la el de i en un del va ha aquest aquesta hem com però també són ho als"),
        ("ro", "că și nu este pentru din cu care sunt mai pe de la o în au fost dar ce acest să ne am cum va lui despre"),
        ("sv", "och att det inte är som för på med av den vi har till jag ett om kan från men också vad var ska så"),
        ("da", "og at det ikke er som for på med af den vi har til jeg et om kan fra men også hvad var skal så blev mig noget nogle efter"),
        ("nb", "og at det ikke er som for på med av den vi har til jeg et om kan fra men også hva var skal så ble meg noe noen etter"),
        ("fi", "ja on ei että se oli ovat mutta myös kun niin tämä me ole sen joka hän he olemme kuin vielä ollut ne voi sitä"),
        ("pl", "nie się że na jest do i w z to co jak ale tak są był będzie przez przy oraz jeszcze już dla mamy tego został"),
        ("cs", "že se na je to a v s do jsem jsme ale jak není byl bude který pro tak také už ještě při není by co o podle být"),
        ("sk", "že sa na je to a v s do som sme ale ako nie bol bude ktorý pre tak tiež už ešte pri by čo o podľa byť aj"),
        ("hu", "hogy a az nem és is egy van ez de volt meg már csak lesz mint ha még azt vagy kell ezt mi volna"),
        ("tr", "ve bir bu da de için ile çok ne var ama değil olarak daha gibi biz olan sonra kadar en ki mi olduğunu şu"),
        ("vi", "là và của không có được cho các những này một trong với đã tôi chúng người để sẽ cũng khi thì về đến từ phải"),
        ("id", "yang dan di ini itu dengan untuk tidak dari akan pada kita ada kami juga saya bisa sudah atau oleh karena dalam telah harus"),
    ]
    .map(|(language, words)| (language, words.split_whitespace().collect()))
    .into()
});

/// Frequent words of Hindi, which shares its script with Marathi and Nepali.
const HINDI_WORDS: [&str; 12] = [
    "है",
    "हैं",
    "में",
    "के",
    "और",
    "का",
    "की",
    "को",
    "से",
    "ने",
    "नहीं",
    "था",
];

/// Minimum share of English function words in an English text, in percent.
const ENGLISH_PERCENT: usize = 15;

/// Minimum number of words needed to recognize English.
const MIN_ENGLISH_WORDS: usize = 20;

/// A long text is judged by at most this number of samples of [`SAMPLE_BYTES`] bytes each.
const SAMPLES: usize = 16;
const SAMPLE_BYTES: usize = 2048;

/// Minimum share of function words for a language to be recognized, in percent.
const MIN_PERCENT: usize = 12;

/// Minimum number of words that a language has to itself, and how many times more frequent they must be than those that another
/// has to itself.
const MIN_OWN_WORDS: usize = 2;
const OWN_WORDS_RATIO: usize = 2;

/// Minimum number of words needed to tell whether an answer is in a different language.
const MIN_WORDS: usize = 30;

/// A text lacks function words if it has less than one where another has this many.
const LACKING_SHARE: usize = 5;

/// Detection: minimum number of letters.
const MIN_LETTERS: usize = 20;

/// Detection: minimum share of the prevailing script, in percent.
const MIN_SCRIPT_PERCENT: usize = 70;

/// An ideograph counts as this many letters of an alphabet.
const IDEOGRAPH_LETTERS: usize = 3;

/// One letter in this many that Persian and Arabic do not have makes a text Urdu.
const URDU_LETTERS: usize = 20;

/// One kana in this many characters makes a text Japanese, of which they are half. A Chinese text has them in foreign names only.
const KANA_SHARE: usize = 8;

/// The samples by which a long text is judged: all of a short one, evenly spread over a long one.
pub(crate) fn samples(text: &str) -> impl Iterator<Item = &str> {
    let step = (text.len() / SAMPLES).max(SAMPLE_BYTES);
    let starts = (0..text.len()).step_by(step);
    starts.map(move |start| {
        let end = (start + SAMPLE_BYTES).min(text.len());
        Span { start, end }.whole_characters(text).of(text)
    })
}

/// The BCP 47 code of the language of `text`, judged by samples. `None` if it is not clear, or not known here.
#[must_use]
pub(crate) fn detect(text: &str) -> Option<&'static str> {
    let mut letters: HashMap<char, usize> = HashMap::new();
    let chars = samples(text).flat_map(str::chars);
    for c in chars.flat_map(char::to_lowercase) {
        *letters.entry(c).or_default() += 1;
    }
    // Han stands for kana too.
    let mut scripts: BTreeMap<Script, usize> = BTreeMap::new();
    for (&c, &count) in &letters {
        match Script::of(c) {
            Some(script) if script.is_ideographic() => {
                *scripts.entry(Script::Han).or_default() += count * IDEOGRAPH_LETTERS;
            }
            Some(script) => *scripts.entry(script).or_default() += count,
            None => {}
        }
    }
    let all: usize = scripts.values().sum();
    let (&script, &most) = scripts.iter().max_by_key(|&(_, count)| count)?;
    if all < MIN_LETTERS || most * 100 < all * MIN_SCRIPT_PERCENT {
        return None;
    }
    let count = |of: &str| of.chars().filter_map(|c| letters.get(&c)).sum::<usize>();
    match script {
        Script::Latin => {
            let words = samples(text).flat_map(|text| text.split(|c: char| !c.is_alphabetic()));
            let words = words.filter(|word| !word.is_empty());
            latin(&words.map(str::to_lowercase).collect::<Vec<_>>())
        }
        Script::Cyrillic => {
            let others = count("јљњћђџѓќѕўәғқңөұүһ");
            let own = [("ru", "ыэё"), ("uk", "іїєґ"), ("bg", "ъ")];
            prevailing(&own.map(|(language, own)| (language, count(own))), others)
        }
        Script::Arabic => {
            let others = count("ټډړږښېۍێۆەڕڵ");
            let (urdu, arabic) = (count("ٹڈڑںےہھ"), count("ةىيكأإ"));
            // Urdu has the letters of Persian too.
            let is_urdu = urdu * URDU_LETTERS > most;
            let persian = if is_urdu { 0 } else { count("پچژگکی") };
            prevailing(&[("ur", urdu), ("fa", persian), ("ar", arabic)], others)
        }
        Script::Devanagari => {
            let words = samples(text).flat_map(str::split_whitespace);
            let words = words.map(|word| word.trim_matches(['।', ',', '.', '?']));
            let is_known: Vec<bool> = words.map(|word| HINDI_WORDS.contains(&word)).collect();
            let known = is_known.iter().filter(|&&is_known| is_known).count();
            (known * 100 >= is_known.len() * MIN_PERCENT).then_some("hi")
        }
        Script::Han | Script::Kana => {
            let kana: usize = letters
                .iter()
                .filter(|(c, _)| Script::of(**c) == Some(Script::Kana))
                .map(|(_, count)| count)
                .sum();
            Some(if kana * KANA_SHARE * IDEOGRAPH_LETTERS >= most {
                "ja"
            } else {
                "zh"
            })
        }
        Script::Greek => Some("el"),
        Script::Hebrew => Some("he"),
        Script::Thai => Some("th"),
        Script::Lao => Some("lo"),
        Script::Burmese => Some("my"),
        Script::Khmer => Some("km"),
        Script::Hangul => Some("ko"),
    }
}

/// The language whose own letters prevail over those of the others and of languages that are not known.
fn prevailing(own: &[(&'static str, usize)], others: usize) -> Option<&'static str> {
    let &(language, most) = own.iter().max_by_key(|&&(_, count)| count)?;
    let rest = own.iter().map(|&(_, count)| count).sum::<usize>() - most + others;
    (most > 0 && most >= rest * OWN_WORDS_RATIO).then_some(language)
}

/// Whether `text` is English, judged by samples.
pub(crate) fn is_english(text: &str) -> bool {
    let english = FUNCTION_WORDS.first().map_or(&[][..], |(_, words)| words);
    let (mut words, mut known) = (0, 0);
    for sample in samples(text) {
        let sampled = sample.as_bytes().split(|&byte| !tokens::is_letter(byte));
        for word in sampled.filter(|word| !word.is_empty()) {
            words += 1;
            let is_known = |english: &&str| english.as_bytes().eq_ignore_ascii_case(word);
            known += usize::from(english.iter().any(is_known));
        }
    }
    words >= MIN_ENGLISH_WORDS && known * 100 >= words * ENGLISH_PERCENT
}

/// Whether `answer` has far fewer of the function words of its source's language than the source, as words at random have. Both
/// are lists of lower-case words.
pub(crate) fn lacks_function_words(answer: &[String], source: &[String]) -> bool {
    if script(answer) != Some(Script::Latin) || latin(answer).is_some() {
        return false;
    }
    let Some(language) = latin(source) else {
        return false;
    };
    let mut known = FUNCTION_WORDS.iter().filter(|(name, _)| *name == language);
    let known = known.next().map_or(&[][..], |(_, words)| words);
    let count = |words: &[String]| {
        let found = words.iter().filter(|word| known.contains(&word.as_str()));
        found.count()
    };
    count(answer) * source.len() * LACKING_SHARE < count(source) * answer.len()
}

/// Whether `answer` is clearly in a different language from `source`. Both are lists of lower-case words.
pub(crate) fn differs(answer: &[String], source: &[String]) -> bool {
    let (Some(a), Some(b)) = (script(answer), script(source)) else {
        return false;
    };
    // Japanese mixes Han and kana, and a short passage may have only one of them.
    if a != b && !(a.is_ideographic() && b.is_ideographic()) {
        return true;
    }
    a == Script::Latin && matches!((latin(answer), latin(source)), (Some(a), Some(b)) if a != b)
}

/// The most frequent script, or `None` if there are too few words.
fn script(words: &[String]) -> Option<Script> {
    if words.len() < MIN_WORDS {
        return None;
    }
    let mut counts: Vec<(Script, usize)> = Vec::new();
    let script_of = |word: &String| word.chars().find_map(Script::of);
    for script in words.iter().filter_map(script_of) {
        match counts.iter_mut().find(|(known, _)| *known == script) {
            Some((_, count)) => *count += 1,
            None => counts.push((script, 1)),
        }
    }
    let most = counts.into_iter().max_by_key(|&(_, count)| count);
    most.map(|(script, _)| script)
}

/// The language of lower-case words in Latin script: the one with the most function words, if those that it has to itself prevail
/// over those that any other language has to itself.
fn latin(words: &[String]) -> Option<&'static str> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    let count = |word: &&str| counts.get(word).copied().unwrap_or_default();
    let total = |known: &[&str]| known.iter().map(count).sum::<usize>();
    let own = |known: &[&str], other: &[&str]| {
        let own = known.iter().filter(|word| !other.contains(word));
        own.map(count).sum::<usize>()
    };
    let (language, best) = FUNCTION_WORDS
        .iter()
        .max_by_key(|(_, known)| total(known))?;
    let prevails = FUNCTION_WORDS.iter().all(|(other, known)| {
        let found = own(best, known);
        other == language || (found >= MIN_OWN_WORDS && found >= own(known, best) * OWN_WORDS_RATIO)
    });
    (prevails && total(best) * 100 >= words.len() * MIN_PERCENT).then_some(language)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::ngrams::words;

    const ENGLISH: &str = "They agreed that the depot was late and that the contractor would have to pay for it from the \
                           reserve, which was not what the city had been told in March of this year.";
    const GERMAN: &str = "Sie waren sich einig, dass das Depot zu spät fertig wird und der Unternehmer die Kosten tragen muss, \
                          und das ist nicht, was man der Stadt im März gesagt hat, mit der wir das auf den Weg gebracht haben.";

    #[test]
    fn texts_in_different_languages_differ() {
        let russian = "они договорились что депо будет готово к марту и подрядчик заплатит за это из резерва ".repeat(3);
        let chinese =
            "他们同意车库将在三月完工承包商必须从储备金中支付费用这不是市政府在三月被告知的内容"
                .repeat(2);
        let texts = [ENGLISH.to_owned(), GERMAN.to_owned(), russian, chinese];
        for (i, a) in texts.iter().enumerate() {
            for (j, b) in texts.iter().enumerate() {
                assert_eq!(differs(&words(a), &words(b)), i != j, "{i} {j}");
            }
        }
    }

    #[test]
    fn texts_that_prove_no_language_do_not_differ() {
        assert!(!differs(&words("Das Depot ist spät."), &words(ENGLISH)));
        let numbers = "fuel 103 101 oxygen 78 100 amps 25 cabin 5 8 ".repeat(10);
        assert!(!differs(&words(ENGLISH), &words(&numbers)));
    }

    #[test]
    fn recognizes_english() {
        assert!(is_english(&ENGLISH.repeat(300)));
        assert!(!is_english(&GERMAN.repeat(300)));
        assert!(!is_english("the"));
    }

    #[test]
    fn detects_languages_by_function_words_and_letters() {
        for (language, text) in [
            (
                "en",
                "The council agreed that the depot is late. They will pay for it from the reserve, and that is all.",
            ),
            (
                "de",
                "Der Rat ist sich einig, dass das Depot zu spät kommt. Die Kosten zahlt die Stadt nicht aus der Reserve.",
            ),
            (
                "fr",
                "Le conseil est d'accord : le dépôt sera en retard. Nous avons payé les frais avec la réserve, mais pas tout.",
            ),
            (
                "es",
                "El consejo está de acuerdo en que la cochera no llega a tiempo. Los gastos se pagan con la reserva, pero hay más.",
            ),
            (
                "it",
                "Il consiglio è d'accordo che il deposito non sarà pronto. Le spese sono pagate con la riserva della città.",
            ),
            (
                "pt",
                "O conselho concorda que a garagem não está pronta. As despesas são pagas com a reserva, mas isso não é tudo.",
            ),
            (
                "nl",
                "De raad is het erover eens dat het depot niet op tijd klaar is. De kosten zijn voor de stad en ook voor ons.",
            ),
            (
                "ca",
                "El consell està d'acord que la cotxera no és a punt. Les despeses es paguen amb la reserva, però hem de veure més coses.",
            ),
            (
                "ro",
                "Consiliul este de acord că depoul nu este gata. Cheltuielile sunt plătite din rezervă și nu avem mai mult pentru acest an.",
            ),
            (
                "sv",
                "Rådet är överens om att depån inte blir klar i tid. Vi betalar av reserven, och det är allt som vi har.",
            ),
            (
                "da",
                "Rådet er enigt om, at depotet ikke bliver klar. Vi betaler af reserven, og hvad der blev tilbage efter det, går til mig.",
            ),
            (
                "nb",
                "Rådet er enig om at depotet ikke blir klart. Vi betaler av reserven, og hva som ble igjen etter det, går til meg.",
            ),
            (
                "fi",
                "Neuvosto on sitä mieltä, että varikko ei ole valmis ajoissa. Me maksamme sen, mutta se oli myös kallis.",
            ),
            (
                "pl",
                "Rada zgadza się, że zajezdnia nie jest gotowa. Koszty są pokryte z rezerwy, ale to już nie jest dla nas problem.",
            ),
            (
                "cs",
                "Rada se shodla, že vozovna není hotová. Náklady jsou hrazeny z rezervy, ale to je už také problém, který jsme měli.",
            ),
            (
                "sk",
                "Rada sa zhodla, že vozovňa nie je hotová. Náklady sú hradené z rezervy, ale to je už tiež problém, ktorý sme mali.",
            ),
            (
                "hu",
                "A tanács egyetért abban, hogy a kocsiszín nem lesz kész. Ez már volt, de az is kell, hogy a város fizessen.",
            ),
            (
                "tr",
                "Konsey bu konuda anlaştı ve depo için çok geç kaldık. Bir sorun daha var ama bu yıl değil, daha sonra.",
            ),
            (
                "vi",
                "Hội đồng đã đồng ý rằng kho không được hoàn thành. Các chi phí này là của thành phố và sẽ có trong năm tới.",
            ),
            (
                "id",
                "Dewan setuju bahwa depo itu tidak akan siap. Biaya ini dibayar dari cadangan yang ada dan kami sudah tahu.",
            ),
            (
                "ru",
                "Совет согласился, что депо не будет готово к марту. Расходы оплатит город, и это ещё не всё, что мы знали.",
            ),
            (
                "uk",
                "Рада погодилася, що депо не буде готове до березня. Витрати сплатить місто, і це ще не все, що ми знаємо.",
            ),
            (
                "bg",
                "Съветът се съгласи, че депото няма да бъде готово до март. Разходите ще плати градът, но това не е всичко.",
            ),
            (
                "el",
                "Το συμβούλιο συμφώνησε ότι το αμαξοστάσιο δεν θα είναι έτοιμο τον Μάρτιο.",
            ),
            (
                "ar",
                "وافق المجلس على أن المستودع لن يكون جاهزاً في شهر مارس، وستدفع المدينة التكاليف إلى المقاول.",
            ),
            (
                "fa",
                "شورا موافقت کرد که انبار تا ماه مارس آماده نمی‌شود و شهر هزینه‌های پیمانکار را می‌پردازد.",
            ),
            (
                "ur",
                "کونسل نے اتفاق کیا کہ ڈپو مارچ تک تیار نہیں ہو گا اور شہر ٹھیکیدار کے اخراجات ادا کرے گا۔",
            ),
            (
                "he",
                "המועצה הסכימה שהמחסן לא יהיה מוכן במרץ ושהעיר תשלם את ההוצאות.",
            ),
            (
                "hi",
                "परिषद ने माना कि मार्च में डिपो तैयार नहीं होगा और शहर को ठेकेदार का खर्च देना है।",
            ),
            ("th", "ที่ประชุมเห็นชอบว่าโรงเก็บรถจะไม่เสร็จภายในเดือนมีนาคม"),
            (
                "ko",
                "위원회는 차고가 삼월까지 준비되지 않을 것이라는 데 동의했습니다.",
            ),
            (
                "ja",
                "車庫は三月までに完成しないことで委員会の意見が一致しました。",
            ),
            (
                "zh",
                "他们同意车库将在三月完工，承包商必须从储备金中支付费用。",
            ),
        ] {
            assert_eq!(detect(text), Some(language), "{text}");
            assert_eq!(
                detect(&format!("{text}\n").repeat(2_000)),
                Some(language),
                "{text}"
            );
        }
        assert_eq!(detect(ENGLISH), Some("en"));
        assert_eq!(detect(GERMAN), Some("de"));
    }

    #[test]
    fn a_text_of_two_languages_or_of_none_has_no_language() {
        for text in [
            "",
            "Yes.",
            "1 2 3 4 5 6 7 8 9 10 : 11 12 13 14 15 16 17 18 19 20",
            "fuel oxygen amps cabin pressure volts valve panel switch heater pump",
            "Нёмнэ дээр байна, тэгээд үүнийг өөрчилнө гэж бодож байна.",
            "Он је рекао да ће депо бити готов до марта и да ће град платити.",
        ] {
            assert_eq!(detect(text), None, "{text}");
        }
        assert_eq!(detect(&[ENGLISH, GERMAN].concat()), None);
        let scripts = format!(
            "{ENGLISH} {}",
            "Совет согласился, что депо не будет готово к марту. ".repeat(3)
        );
        assert_eq!(detect(&scripts), None);
        // A few foreign sentences do not change the language.
        assert_eq!(
            detect(&format!("{} {GERMAN}", ENGLISH.repeat(10))),
            Some("en")
        );
    }
}
