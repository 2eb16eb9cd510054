//! Shows the results of an evaluation to people.

use std::path::Path;

use crate::cli::display::{note, print};
use crate::cli::evaluate::{Configuration, Earlier, Evaluation};
use crate::evaluation::rouge::Rouge;
use crate::evaluation::statistics::Estimate;
use crate::evaluation::{Comparison, Difference, Figures, Speed};
use crate::text::number::{counted, grouped};

pub(super) fn print_all(evaluation: &Evaluation<'_>, earlier: Option<&Earlier>) {
    let (done, failed) = (evaluation.transcripts.len(), evaluation.failed.len());
    let failures = match failed {
        0 => String::new(),
        failed => format!(", {} failed", grouped(failed)),
    };
    print(&format!(
        "{} summarized{failures}: {}",
        counted(done, "transcript"),
        shown(&evaluation.configuration)
    ));
    if let Some(figures) = &evaluation.figures {
        print_figures(figures);
    }
    if let Some(speed) = evaluation.speed {
        let is_recorded = evaluation.transcripts.iter().all(|one| one.is_earlier);
        print_speed(speed, is_recorded);
    }
    let Some(earlier) = earlier else {
        return;
    };
    match &evaluation.against {
        Some(comparison) => print_comparison(comparison, earlier),
        None => note(
            "note: the earlier evaluation has none of these transcripts with the same reference",
        ),
    }
}

pub(super) fn written(path: &Path) -> String {
    format!("  written to {}", path.display())
}

fn shown(of: &Configuration) -> String {
    let model = of
        .model
        .as_ref()
        .map_or_else(String::new, |model| format!(" ({model})"));
    let words = match of.words {
        Some(words) => counted(words, "word"),
        None => "as many words as the reference has".to_owned(),
    };
    let language = of
        .language
        .as_ref()
        .map_or_else(String::new, |language| format!(", in {language}"));
    format!("{}{model}, {words}{language}", of.provider)
}

fn print_figures(figures: &Figures) {
    let Figures {
        rouge,
        rouge_stemmed,
        length,
        coverage,
        unsupported_per_1000_words: unsupported,
        usage,
        seconds,
    } = figures;
    print("                 mean  95 % interval        by stems");
    print_rouge(rouge, rouge_stemmed);
    print(&format!(
        "  length       {:+.1} % off the target, {:.1} % in absolute terms; {:.0} % of the summaries within 5 %",
        100.0 * length.deviation.mean,
        100.0 * length.absolute_deviation.mean,
        100.0 * length.within_5_percent
    ));
    let tenths = coverage.tenths.map(|share| format!("{:.0}", 100.0 * share));
    print(&format!(
        "  coverage     sentences rest on {:.0} % of the transcript, of its tenths on {} %; {:.0} % of the tenths are untouched",
        100.0 * coverage.mean.mean,
        tenths.join(" "),
        100.0 * coverage.untouched
    ));
    let names = unsupported.names.map_or_else(
        || "names cannot be told".to_owned(),
        |names| format!("{names:.1} names"),
    );
    print(&format!(
        "  unsupported  {:.1} numbers and {names} in 1,000 words are not in the transcript",
        unsupported.numbers
    ));
    let cost = usage
        .cost
        .map_or_else(String::new, |cost| format!(", cost {cost:.4}"));
    print(&format!(
        "  usage        {}, {} of prompts and {} of answers{cost}",
        counted(usage.calls, "call"),
        counted(
            usize::try_from(usage.prompt_tokens).unwrap_or(usize::MAX),
            "token"
        ),
        grouped(usize::try_from(usage.completion_tokens).unwrap_or(usize::MAX))
    ));
    print(&format!(
        "  seconds      {:.2} for half of the summaries, {:.2} for 95 %",
        seconds.p50, seconds.p95
    ));
}

fn print_rouge(rouge: &Rouge<Estimate>, stemmed: &Rouge<Estimate>) {
    for (name, score, stemmed) in [
        ("ROUGE-1", rouge.rouge1, stemmed.rouge1),
        ("ROUGE-2", rouge.rouge2, stemmed.rouge2),
        ("ROUGE-L", rouge.rouge_l, stemmed.rouge_l),
    ] {
        let Estimate { mean, low, high } = score.fmeasure;
        let stemmed = stemmed.fmeasure.mean;
        print(&format!(
            "  {name:<13}{mean:.4}  {low:.4} to {high:.4}     {stemmed:.4}"
        ));
    }
}

fn print_speed(speed: Speed, is_recorded: bool) {
    let tokens = speed.tokens_per_second.map_or_else(String::new, |tokens| {
        format!(", {tokens:.1} tokens of answers a second")
    });
    print(&format!(
        "  speed        {:.1} summaries a minute{tokens}{}",
        speed.summaries_per_minute,
        if is_recorded {
            ", when they were made"
        } else {
            ""
        }
    ));
}

fn print_comparison(comparison: &Comparison, earlier: &Earlier) {
    print(&format!(
        "against {}, by {} of both",
        shown(&earlier.configuration),
        counted(comparison.transcripts, "transcript")
    ));
    print(
        "                          this      that  difference  95 % interval        better  equal  worse",
    );
    for row in &comparison.differences {
        let Difference {
            measure,
            this,
            that,
            difference: Estimate { mean, low, high },
            wins,
            ties,
            losses,
        } = row;
        let interval = format!("{low:+.4} to {high:+.4}");
        let measure = measure.replace('_', " ");
        print(&format!(
            "  {measure:<19}{this:>9.4} {that:>9.4} {mean:>+11.4}  {interval:<19} {wins:>7} {ties:>6} {losses:>6}"
        ));
    }
}
