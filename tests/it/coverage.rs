//! Coverage: every part of the transcript is represented in the summary, in its bytes, its chunks and its facts.

use std::sync::Arc;

use crate::support::summaries::{limits, sample, samples, summarize, transcript, transcripts};
use crate::support::writer::facts::{codes, plant};
use crate::support::writer::{Habit, PROFILES, SimulatedWriter};
use transcript_summarizer::summary::Source;
use transcript_summarizer::text::words;

const TARGET: usize = 4000;

/// One fact for each tenth of a transcript.
const FACTS: usize = 10;

/// Checks that all planted facts are in the summary when the model repeats every fact it is shown.
fn assert_facts_survive(name: &str, text: &str, context: usize) {
    let (text, facts) = plant(text, FACTS);
    let transcript = transcript(&text);
    let model = Arc::new(
        SimulatedWriter::new(Habit::Measured(PROFILES[0]))
            .window(Some(context))
            .keeping_facts(),
    );
    let run = summarize(&transcript, TARGET, limits(context), &model);
    let kept = codes(&run.text);
    let lost: Vec<_> = facts.iter().filter(|fact| !kept.contains(fact)).collect();
    println!(
        "{name} at {context}: {} of {FACTS} facts in {} sections, {} levels of notes",
        FACTS - lost.len(),
        run.plan.sections,
        run.plan.levels.len()
    );
    run.assert_covers(&transcript);
    assert!(lost.is_empty(), "{name} at {context}: {lost:?} are lost");
}

#[test]
fn a_fact_of_each_tenth_survives_every_window() {
    for context in [2048, 8192, 131_072] {
        assert_facts_survive("sample", &sample(), context);
    }
}

#[test]
fn a_fact_of_each_tenth_survives_notes() {
    assert_facts_survive("two samples", &samples(2), 2048);
}

#[test]
#[ignore = "long: run by the gate"]
fn a_fact_of_each_tenth_survives_notes_on_longer_transcripts() {
    assert_facts_survive("three samples", &samples(3), 2048);
    // Long enough to require notes in a small window, short enough for a test.
    for (name, text) in transcripts(18_000) {
        if words::count(&text) < 30_000 {
            assert_facts_survive(&name, &text, 2048);
        }
    }
}

#[test]
fn nothing_is_padded() {
    let sample = sample();
    let text = words::prefix(&sample, 600);
    let transcript = transcript(text);
    for profile in PROFILES {
        let model = Arc::new(SimulatedWriter::new(Habit::Measured(profile)).window(Some(32_768)));
        let run = summarize(&transcript, TARGET, limits(32_768), &model);
        assert!(run.plan.target_reduced);
        assert!(
            run.words() <= 360,
            "{}: {} words",
            profile.name,
            run.words()
        );
        assert!(
            run.deviation() >= -0.05,
            "{}: {} words",
            profile.name,
            run.words()
        );
        run.assert_covers(&transcript);
    }
}

#[test]
fn eighty_thousand_characters_of_chinese_are_a_transcript_like_any_other() {
    let text = chinese(80_000);
    let transcript = transcript(&text);
    assert!(
        (65_000..=80_000).contains(&transcript.spoken.words),
        "{} words",
        transcript.spoken.words
    );
    for profile in [PROFILES[0], PROFILES[3]] {
        let model = Arc::new(SimulatedWriter::new(Habit::Measured(profile)).window(Some(32_768)));
        let run = summarize(&transcript, TARGET, limits(32_768), &model);
        println!(
            "{}: {} chunks, {} sections, {} characters and words",
            profile.name,
            run.plan.chunks.len(),
            run.plan.sections,
            run.words()
        );
        assert_eq!(run.plan.target_words.0, TARGET);
        assert!(
            run.plan.chunks.len() >= 8,
            "{} chunks",
            run.plan.chunks.len()
        );
        let sizes = || run.plan.chunks.iter().map(|chunk| chunk.tokens.0);
        assert!(
            sizes().max().unwrap() * 2 <= sizes().min().unwrap() * 3,
            "unbalanced"
        );
        run.assert_covers(&transcript);
        assert!(run.deviation().abs() <= 0.05, "{} words", run.words());
        assert_eq!(model.refused().len(), 0);
        let by_model = run
            .summary
            .sections
            .iter()
            .filter(|section| section.source == Source::Model);
        assert_eq!(
            by_model.count(),
            run.summary.sections.len(),
            "its answers were not accepted"
        );
        let han = run
            .text
            .chars()
            .filter(|c| ('\u{4e00}'..='\u{9fff}').contains(c))
            .count();
        assert!(
            han * 10 >= run.words() * 9,
            "{han} ideographs in {} words",
            run.words()
        );
    }
}

/// Repetitive Chinese text of `characters` characters, in the form of a transcript.
fn chinese(characters: usize) -> String {
    let names = ["王主任", "李工程师", "赵会计", "陈经理"];
    let words: Vec<&str> = "\
        车库 列车 预算 工程 合同 信号 车站 票价 冬季 土壤 报告 政府 计划 材料 会议 乘客 线路 设备 安全 检查 时间 费用 质量 \
        人员 培训 招标 供应 维修 电力 轨道 道路 居民 噪音 环境 审批 资金 风险 责任 数据 系统 需要 建议 认为 同意 反对 推迟 \
        增加 减少 完成 讨论 决定 准备 联系 负责 解释 提出 批准 希望 担心 比较 今年 明年 下周 上月 目前 以后 必须 可以 应该 已经"
        .split_whitespace()
        .collect();
    let mut text = String::new();
    let mut length = 0;
    // A linear congruential generator with Knuth's constants.
    let mut state = 7_u64;
    let mut next = |most: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % most
    };
    while length < characters {
        let mut turn = format!("{}：", names[next(names.len())]);
        for _ in 0..1 + next(4) {
            for clause in 0..1 + next(3) {
                if clause > 0 {
                    turn.push('，');
                }
                (0..4 + next(5)).for_each(|_| turn.push_str(words[next(words.len())]));
            }
            turn.push('。');
        }
        length += turn.chars().count() + 1;
        text.push_str(&turn);
        text.push('\n');
    }
    text
}
