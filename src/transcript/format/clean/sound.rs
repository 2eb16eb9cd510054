//! Recognizes sound tags: what a captioner writes about noises and unclear speech, such as `[Music]` or `(laughter)`.

use std::collections::HashSet;
use std::sync::LazyLock;

/// A tag has at most this number of words.
const MAX_WORDS: usize = 6;

/// Words that make a bracket a sound tag, in lower case.
static SOUNDS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "music musical instrumental applause applauding clapping claps laughter laughs laughing laugh chuckles chuckling chuckle \
     giggles giggling crosstalk overtalk overtalking inaudible unintelligible indiscernible indistinct unclear noise noises \
     silence silent pause pauses blank_audio audio cough coughs coughing sneeze sneezes sneezing sigh sighs sighing gasp gasps \
     gasping groans groaning cheering cheers crying cries sobbing sobs screaming screams shouting whispering whispers whistling \
     whistles humming sniffs sniffles sniffling beep beeps beeping bleep buzzing ringing rings knocking knocks typing static \
     chatter murmuring murmurs mumbles mumbling exhales inhales breathing breathes yawns snorts singing sings clears throat \
     foreign \
     musik applaus beifall gelächter lachen lacht lachend unverständlich stille husten hustet seufzt räuspert räuspern geräusch \
     geräusche rauschen klatschen \
     musique applaudissements rires rire incompréhensible toux tousse soupir soupire bruit bruits \
     música musica aplausos aplauso risas risa ríe ininteligible ininteligível silencio silêncio ruido ruído tos suspira \
     pausa risos palmas \
     applausi risate inudibile incomprensibile silenzio rumore rumori tosse \
     muziek applaus gelach lacht onverstaanbaar stilte \
     музыка аплодисменты смех смеется смеётся неразборчиво тишина шум кашель вздыхает вздох пауза \
     музика оплески сміх нерозбірливо \
     muzyka brawa oklaski śmiech śmieje niezrozumiałe cisza kaszel \
     müzik alkış alkışlar gülüşme gülüşmeler gülme anlaşılmıyor sessizlik \
     skratt applåder ohörbart musikk klapp utydelig hudba potlesk smích nesrozumitelné musiikkia taputusta naurua \
     音楽 音乐 音樂 拍手 笑 笑い 笑い声 笑声 掌声 掌聲 鼓掌 大笑 聞き取れず 聞取不能 聞き取り不能 听不清 聽不清 沈默 沉默 \
     音楽再生中 歓声 無音 静音 背景音乐 \
     음악 박수 웃음 웃음소리 침묵 박수소리 \
     موسيقى تصفيق ضحك موسیقی خنده صمت ضحكات מוזיקה צחוק תשואות מחיאות \
     संगीत तालियां तालियाँ हंसी हँसी tertawa musik tepuk vỗ nhạc cười เพลง ดนตรี เสียงหัวเราะ เสียงปรบมือ เสียงดนตรี"
        .split_whitespace()
        .collect()
});

/// Words that may stand beside them, in lower case.
static BESIDE: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "a and the of in on at no with from by to off not very background blank upbeat soft gentle dramatic tense ominous suspenseful \
     light loud quiet intro outro theme playing plays play continues continuing starts stops ends fades fading end begins resumes \
     audience crowd group all both speaker speakers man woman men women people child children language speech speaking speaks \
     voice voices word words name phonetic spanish french german door phone telephone bell alarm keyboard dog barking wind \
     low long short brief heavy deep drops cuts out interference distortion sound sounds side her his their clearing jazz \
     piano guitar electronic rock classical \
     im und hintergrund leise laut spielt de fond la le en et do da di fundo fondo del y e ambiente suave tangan tay"
        .split_whitespace()
        .collect()
});

/// How tags of parliaments start that tell who applauds, in lower case.
const APPLAUSE: [&str; 6] = [
    "applause",
    "applaudissements",
    "aplausos",
    "applausi",
    "beifall",
    "heiterkeit",
];

/// What follows in them.
#[rustfmt::skip]
const FROM: [&str; 17] = [
    "from", "in", "on", "by", "bei", "im", "der", "des", "und", "sur", "dans", "et", "en", "de", "nos", "do", "da",
];

/// Whether the text between brackets tells who applauds: `Beifall bei der SPD`.
pub(super) fn is_applause(inside: &str) -> bool {
    let mut words = inside.split(char::is_whitespace).map(str::to_lowercase);
    let mut is_next = |known: &[&str]| {
        words
            .next()
            .is_some_and(|word| known.contains(&word.as_str()))
    };
    is_next(&APPLAUSE) && is_next(&FROM)
}

/// Whether the text between brackets or asterisks is a sound tag. Numbers and times beside its words count for nothing.
pub(super) fn is_sound(inside: &str) -> bool {
    let inside = inside.to_lowercase();
    let words = inside
        .split(|c: char| {
            c.is_whitespace() || matches!(c, '_' | '-' | '/' | ',' | '.' | '…' | '!' | '?' | '♪')
        })
        .filter(|word| word.contains(char::is_alphabetic));
    let (mut count, mut sounds) = (0, 0);
    for word in words {
        let is_sound = SOUNDS.contains(word);
        count += 1;
        sounds += usize::from(is_sound);
        if count > MAX_WORDS || !(is_sound || BESIDE.contains(word)) {
            return false;
        }
    }
    sounds > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sounds_are_told_from_what_is_said_in_brackets() {
        for inside in [
            "Music",
            "MUSIC PLAYING",
            "upbeat music",
            "crosstalk",
            "BLANK_AUDIO",
            "inaudible 00:12:03",
            "inaudible, 5 words",
            "laughter",
            "Laughs.",
            "audience laughing",
            "cheering and applause",
            "Speaking foreign language",
            "no audio",
            "Musik",
            "Applaus",
            "leise Musik",
            "unverständlich",
            "Música",
            "risas",
            "Rires",
            "音楽",
            "掌声",
            "笑",
            "박수",
            "смех",
            "Музыка",
            "clears throat",
            "phone rings",
            "unintelligible - 01:02",
            "♪ music ♪",
        ] {
            assert!(is_sound(inside), "{inside}");
        }
        for inside in [
            "2026",
            "sic",
            "Ontario",
            "see page 3",
            "",
            "the",
            "the music was far too loud",
            "Anna Berg",
            "SPEAKER_00",
            "FDA",
            "00:12:03",
            "the applause of the whole nation",
            "1",
            "北京",
        ] {
            assert!(!is_sound(inside), "{inside}");
        }
    }
}
