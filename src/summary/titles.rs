//! The fixed words of a summary in the languages of transcripts: titles of its lists, headings of its
//! page, and words such as "Part" in "Part 3".

use crate::summary::lists::ListKind;

/// The fixed words of a summary in one language.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Titles {
    pub(crate) overview: &'static str,
    pub(crate) who_is_who: &'static str,
    /// What was decided in this recording.
    pub(crate) decisions: &'static str,
    /// What somebody had settled before, or refuses.
    pub(crate) positions: &'static str,
    pub(crate) actions: &'static str,
    pub(crate) open_questions: &'static str,
    pub(crate) key_figures: &'static str,
    pub(crate) terms: &'static str,
    /// Stands before a number, as in "Part 3".
    pub(crate) part: &'static str,
    /// Stands before a number, as in "Speaker 1".
    pub(crate) speaker: &'static str,
    /// Headings of the page.
    pub(crate) summary: &'static str,
    pub(crate) contents: &'static str,
    pub(crate) transcript: &'static str,
    /// Leads from a section to its part of the transcript.
    pub(crate) in_transcript: &'static str,
    pub(crate) shares: &'static str,
}

impl Titles {
    /// The title of a list.
    pub(crate) fn of_list(&self, kind: ListKind) -> &'static str {
        match kind {
            ListKind::People => self.who_is_who,
            ListKind::Decisions => self.decisions,
            ListKind::Positions => self.positions,
            ListKind::Actions => self.actions,
            ListKind::OpenQuestions => self.open_questions,
            ListKind::Figures => self.key_figures,
            ListKind::Terms => self.terms,
        }
    }

    const fn of(words: [&'static str; 10], of_page: [&'static str; 5]) -> Self {
        let [summary, contents, transcript, in_transcript, shares] = of_page;
        let [
            overview,
            who_is_who,
            decisions,
            positions,
            actions,
            open_questions,
            key_figures,
            terms,
            part,
            speaker,
        ] = words;
        Self {
            overview,
            who_is_who,
            decisions,
            positions,
            actions,
            open_questions,
            key_figures,
            terms,
            part,
            speaker,
            summary,
            contents,
            transcript,
            in_transcript,
            shares,
        }
    }
}

static ENGLISH: Titles = Titles::of(
    [
        "Overview",
        "Who is who",
        "Decisions",
        "Positions",
        "Actions",
        "Open questions",
        "Key figures",
        "Terms",
        "Part",
        "Speaker",
    ],
    [
        "Summary",
        "Contents",
        "Transcript",
        "In the transcript",
        "Who spoke how much",
    ],
);

/// The titles in the other languages, by BCP 47 primary language. `zh-Hant` is Chinese in traditional characters.
#[rustfmt::skip]
static TITLES: [(&str, Titles); 31] = [
    ("de", Titles::of(["Überblick", "Wer ist wer", "Beschlüsse", "Positionen", "Aufgaben", "Offene Fragen", "Wichtige Zahlen", "Begriffe", "Teil", "Sprecher"], ["Zusammenfassung", "Inhalt", "Transkript", "Im Transkript", "Redeanteile"])),
    ("fr", Titles::of(["Aperçu", "Qui est qui", "Décisions", "Positions", "Actions à mener", "Questions en suspens", "Chiffres clés", "Glossaire", "Partie", "Intervenant"], ["Résumé", "Sommaire", "Transcription", "Dans la transcription", "Temps de parole"])),
    ("es", Titles::of(["Resumen general", "Quién es quién", "Acuerdos adoptados", "Posturas", "Tareas pendientes", "Cuestiones abiertas", "Cifras clave", "Términos", "Parte", "Orador"], ["Resumen", "Contenido", "Transcripción", "En la transcripción", "Intervenciones"])),
    ("it", Titles::of(["Panoramica", "Chi è chi", "Decisioni", "Posizioni", "Azioni da intraprendere", "Questioni aperte", "Cifre chiave", "Termini", "Parte", "Relatore"], ["Riassunto", "Indice", "Trascrizione", "Nella trascrizione", "Interventi"])),
    ("pt", Titles::of(["Visão geral", "Quem é quem", "Decisões", "Posições", "Ações a realizar", "Questões em aberto", "Números-chave", "Termos", "Parte", "Orador"], ["Resumo", "Conteúdo", "Transcrição", "Na transcrição", "Intervenções"])),
    ("nl", Titles::of(["Overzicht", "Wie is wie", "Besluiten", "Standpunten", "Actiepunten", "Open vragen", "Kerncijfers", "Begrippen", "Deel", "Spreker"], ["Samenvatting", "Inhoud", "Transcript", "In het transcript", "Spreektijd"])),
    ("sv", Titles::of(["Översikt", "Vem är vem", "Beslut", "Ståndpunkter", "Åtgärder", "Öppna frågor", "Nyckeltal", "Begrepp", "Del", "Talare"], ["Sammanfattning", "Innehåll", "Transkription", "I transkriptionen", "Taltid"])),
    ("da", Titles::of(["Overblik", "Hvem er hvem", "Beslutninger", "Holdninger", "Opgaver", "Åbne spørgsmål", "Nøgletal", "Begreber", "Del", "Taler"], ["Resumé", "Indhold", "Transskription", "I transskriptionen", "Taletid"])),
    ("nb", Titles::of(["Oversikt", "Hvem er hvem", "Vedtak", "Standpunkter", "Oppgaver", "Åpne spørsmål", "Nøkkeltall", "Begreper", "Del", "Taler"], ["Sammendrag", "Innhold", "Transkripsjon", "I transkripsjonen", "Taletid"])),
    ("fi", Titles::of(["Yleiskatsaus", "Kuka kukin on", "Päätökset", "Kannat", "Toimenpiteet", "Avoimet kysymykset", "Avainluvut", "Käsitteet", "Osa", "Puhuja"], ["Tiivistelmä", "Sisältö", "Litterointi", "Litteroinnissa", "Puheosuudet"])),
    ("pl", Titles::of(["Omówienie", "Kto jest kim", "Decyzje", "Stanowiska", "Zadania", "Kwestie otwarte", "Kluczowe liczby", "Pojęcia", "Część", "Mówca"], ["Streszczenie", "Spis treści", "Transkrypcja", "W transkrypcji", "Kto ile mówił"])),
    ("cs", Titles::of(["Přehled", "Kdo je kdo", "Rozhodnutí", "Stanoviska", "Úkoly", "Otevřené otázky", "Klíčové údaje", "Pojmy", "Část", "Mluvčí"], ["Shrnutí", "Obsah", "Přepis", "V přepisu", "Kdo kolik mluvil"])),
    ("sk", Titles::of(["Prehľad", "Kto je kto", "Rozhodnutia", "Stanoviská", "Úlohy", "Otvorené otázky", "Kľúčové údaje", "Pojmy", "Časť", "Rečník"], ["Zhrnutie", "Obsah", "Prepis", "V prepise", "Kto koľko hovoril"])),
    ("hu", Titles::of(["Áttekintés", "Ki kicsoda", "Döntések", "Álláspontok", "Teendők", "Nyitott kérdések", "Legfontosabb számok", "Fogalmak", "Rész", "Felszólaló"], ["Összefoglaló", "Tartalom", "Átirat", "Az átiratban", "Ki mennyit beszélt"])),
    ("ro", Titles::of(["Prezentare generală", "Cine este cine", "Decizii", "Poziții", "Acțiuni", "Chestiuni deschise", "Cifre cheie", "Termeni", "Partea", "Vorbitor"], ["Rezumat", "Cuprins", "Transcriere", "În transcriere", "Cât a vorbit fiecare"])),
    ("bg", Titles::of(["Общ преглед", "Кой кой е", "Решения", "Позиции", "Задачи", "Отворени въпроси", "Ключови цифри", "Термини", "Част", "Говорител"], ["Резюме", "Съдържание", "Стенограма", "В стенограмата", "Кой колко е говорил"])),
    ("el", Titles::of(["Επισκόπηση", "Ποιος είναι ποιος", "Αποφάσεις", "Θέσεις", "Ενέργειες", "Ανοιχτά ζητήματα", "Βασικά μεγέθη", "Όροι", "Μέρος", "Ομιλητής"], ["Περίληψη", "Περιεχόμενα", "Απομαγνητοφώνηση", "Στην απομαγνητοφώνηση", "Ποιος μίλησε πόσο"])),
    ("ru", Titles::of(["Обзор", "Кто есть кто", "Решения", "Позиции", "Поручения", "Открытые вопросы", "Ключевые цифры", "Термины", "Часть", "Спикер"], ["Краткое изложение", "Содержание", "Расшифровка", "В расшифровке", "Кто сколько говорил"])),
    ("uk", Titles::of(["Огляд", "Хто є хто", "Рішення", "Позиції", "Доручення", "Відкриті питання", "Ключові цифри", "Терміни", "Частина", "Спікер"], ["Стислий виклад", "Зміст", "Розшифровка", "У розшифровці", "Хто скільки говорив"])),
    ("tr", Titles::of(["Genel bakış", "Kim kimdir", "Kararlar", "Görüşler", "Yapılacaklar", "Açık sorular", "Önemli rakamlar", "Terimler", "Bölüm", "Konuşmacı"], ["Özet", "İçindekiler", "Döküm", "Dökümde", "Kim ne kadar konuştu"])),
    ("ar", Titles::of(["نظرة عامة", "من هم المشاركون", "القرارات", "المواقف", "الإجراءات المطلوبة", "المسائل المفتوحة", "الأرقام الرئيسية", "المصطلحات", "الجزء", "المتحدث"], ["الملخص", "المحتويات", "النص المفرّغ", "في النص المفرّغ", "مدة حديث كل متحدث"])),
    ("he", Titles::of(["סקירה כללית", "מי ומי", "החלטות", "עמדות", "משימות", "שאלות פתוחות", "נתונים עיקריים", "מונחים", "חלק", "דובר"], ["סיכום", "תוכן העניינים", "תמליל", "בתמליל", "מי דיבר כמה"])),
    ("fa", Titles::of(["نمای کلی", "افراد حاضر", "تصمیم‌ها", "مواضع", "اقدامات", "پرسش‌های باز", "ارقام کلیدی", "اصطلاحات", "بخش", "گوینده"], ["خلاصه", "فهرست مطالب", "متن پیاده‌شده", "در متن پیاده‌شده", "سهم گویندگان"])),
    ("hi", Titles::of(["अवलोकन", "कौन क्या है", "निर्णय", "पक्ष", "कार्य बिंदु", "खुले प्रश्न", "मुख्य आँकड़े", "शब्दावली", "भाग", "वक्ता"], ["सारांश", "विषय-सूची", "प्रतिलेख", "प्रतिलेख में", "किसने कितना बोला"])),
    ("th", Titles::of(["ภาพรวม", "ใครเป็นใคร", "มติ", "จุดยืน", "สิ่งที่ต้องดำเนินการ", "คำถามที่ยังไม่มีข้อสรุป", "ตัวเลขสำคัญ", "คำศัพท์", "ส่วนที่", "ผู้พูด"], ["สรุป", "สารบัญ", "บทถอดเสียง", "ในบทถอดเสียง", "ใครพูดมากน้อยเพียงใด"])),
    ("vi", Titles::of(["Tổng quan", "Ai là ai", "Các quyết định", "Quan điểm", "Việc cần làm", "Vấn đề còn bỏ ngỏ", "Số liệu chính", "Thuật ngữ", "Phần", "Người nói"], ["Tóm tắt", "Mục lục", "Bản ghi lời", "Trong bản ghi lời", "Thời lượng phát biểu"])),
    ("id", Titles::of(["Ikhtisar", "Siapa saja", "Keputusan", "Sikap", "Tindak lanjut", "Pertanyaan terbuka", "Angka penting", "Istilah", "Bagian", "Pembicara"], ["Ringkasan", "Daftar isi", "Transkrip", "Dalam transkrip", "Porsi bicara"])),
    ("zh", Titles::of(["概述", "人物介绍", "决定事项", "各方立场", "待办事项", "未决问题", "关键数据", "术语", "部分", "发言人"], ["摘要", "目录", "文字记录", "见文字记录", "发言比例"])),
    ("zh-Hant", Titles::of(["概述", "人物介紹", "決定事項", "各方立場", "待辦事項", "未決問題", "關鍵數據", "術語", "部分", "發言人"], ["摘要", "目錄", "逐字稿", "見逐字稿", "發言比例"])),
    ("ja", Titles::of(["概要", "登場人物", "決定事項", "各者の立場", "対応事項", "未解決の課題", "主な数値", "用語", "パート", "話者"], ["要約", "目次", "文字起こし", "文字起こしへ", "発言の割合"])),
    ("ko", Titles::of(["개요", "참석자", "결정 사항", "입장", "조치 사항", "미해결 과제", "주요 수치", "용어", "파트", "화자"], ["요약", "목차", "녹취록", "녹취록에서", "발언 비중"])),
];

/// Whether a script or region has Chinese written in traditional characters, if the subtag says so.
fn is_traditional(subtag: &str) -> Option<bool> {
    match subtag {
        "hant" | "tw" | "hk" | "mo" => Some(true),
        "hans" | "cn" | "sg" => Some(false),
        _ => None,
    }
}

/// The titles in the language with this BCP 47 code, such as `de-CH`. English if it is not known.
pub(crate) fn titles(language: Option<&str>) -> &'static Titles {
    let code = language.unwrap_or_default().trim().to_ascii_lowercase();
    let mut subtags = code.split(['-', '_']);
    let primary = match subtags.next().unwrap_or_default() {
        "zh" | "cmn" if subtags.find_map(is_traditional) == Some(true) => "zh-Hant",
        "cmn" => "zh",
        // Norwegian in general, and Nynorsk.
        "no" | "nn" => "nb",
        // Codes that are no longer in use.
        "iw" => "he",
        "in" => "id",
        primary => primary,
    };
    let found = TITLES.iter().find(|(known, _)| *known == primary);
    found.map_or(&ENGLISH, |(_, titles)| titles)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn titles_are_in_the_language_of_the_code() {
        for (language, overview) in [
            (None, "Overview"),
            (Some("en-GB"), "Overview"),
            (Some("xx"), "Overview"),
            (Some(""), "Overview"),
            (Some("z"), "Overview"),
            (Some("de"), "Überblick"),
            (Some("de-CH"), "Überblick"),
            (Some("DE_at"), "Überblick"),
            (Some("no"), "Oversikt"),
            (Some("zh"), "概述"),
        ] {
            assert_eq!(titles(language).overview, overview, "{language:?}");
        }
        assert_eq!(titles(Some("zh-CN")).terms, "术语");
        assert_eq!(titles(Some("zh-Hans-CN")).terms, "术语");
        assert_eq!(titles(Some("zh-Hans-HK")).terms, "术语");
        assert_eq!(titles(Some("zh-TW")).terms, "術語");
        assert_eq!(titles(Some("zh-Hant")).terms, "術語");
    }

    #[test]
    fn the_titles_of_a_language_are_distinct_and_readable() {
        let languages = TITLES.iter().map(|(language, titles)| (*language, titles));
        for (language, titles) in languages.chain([("en", &ENGLISH)]) {
            let Titles {
                overview,
                who_is_who,
                decisions,
                positions,
                actions,
                open_questions,
                key_figures,
                terms,
                part,
                speaker,
                summary,
                contents,
                transcript,
                in_transcript,
                shares,
            } = titles;
            let all = [
                overview,
                who_is_who,
                decisions,
                positions,
                actions,
                open_questions,
                key_figures,
                terms,
                part,
                speaker,
                summary,
                contents,
                transcript,
                in_transcript,
                shares,
            ];
            assert!(
                all.iter()
                    .all(|title| !title.is_empty() && title.trim() == **title),
                "{language}"
            );
            assert_eq!(
                all.iter().collect::<HashSet<_>>().len(),
                all.len(),
                "{language}"
            );
        }
        let codes: HashSet<_> = TITLES.iter().map(|(language, _)| language).collect();
        assert_eq!(codes.len(), TITLES.len());
    }
}
