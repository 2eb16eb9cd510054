//! Requests the outline, and divides the transcript by its topics.

use crate::aside::aside;
use crate::extract::{self, Kind};
use crate::model::{Answer, ErrorKind};
use crate::prompt::Task;
use crate::run::Phase;
use crate::summary::call_plan::{OUTLINE_WORDS, SECTION_MAX_WORDS, SECTION_MIN_WORDS};
use crate::summary::lists::{self, List};
use crate::summary::outline::{Numbered, Outline, Point, PointKind};
use crate::summary::plan::{ONE_ROUND, Plan};
use crate::summary::topics::{self, Bounds};
use crate::summary::write::draft::Material;
use crate::summary::write::{WriteError, Writer};
use crate::transcript::Passage;

impl Writer<'_> {
    /// Makes the outline of the transcript, and lets its topics be the parts.
    pub(crate) async fn outline_of_turns(&mut self, plan: &mut Plan) -> Result<(), WriteError> {
        let Some(most) = plan.outline_tokens else {
            return Ok(());
        };
        let transcript = self.transcript.clone();
        let bytes = transcript.text().len();
        let numbered = aside(bytes, move || Numbered::turns(&transcript, most)).await;
        self.outline(plan, &numbered).await?;
        // If only a share of each part is shown, the parts are the smallest that there can be calls for.
        let Outline { topics, points, .. } = &self.briefing.outline;
        if topics.is_empty() || plan.shown_tokens.is_some() {
            return Ok(());
        }
        let words = plan.section_words().0;
        let fewest = words.div_ceil(SECTION_MAX_WORDS.0 * 6 / 5);
        // Of a long transcript, topics that are too large for one request are several parts.
        let round = ONE_ROUND.max(plan.sections + topics.len() / 2);
        let most = (words / SECTION_MIN_WORDS.0).min(round);
        let bounds = Bounds {
            words,
            budget: plan.chunk_tokens,
            count: fewest..=most.max(plan.sections),
        };
        if let Some(parts) = topics::divide(self.transcript, topics, points, &bounds) {
            let calls = plan.calls() + self.extra_calls;
            plan.follow(&parts);
            self.extra_calls = calls.saturating_sub(plan.calls());
            self.briefing.headlines = parts.into_iter().map(|part| part.headline).collect();
        }
        Ok(())
    }

    /// Makes the outline of the notes on a transcript.
    pub(crate) async fn outline_of_notes(
        &mut self,
        plan: &Plan,
        notes: &[Material],
    ) -> Result<(), WriteError> {
        let Some(most) = plan.outline_tokens else {
            return Ok(());
        };
        let lines = notes.iter().map(|note| (&note.passage, &note.block));
        let numbered = Numbered::notes(self.transcript, lines, most);
        self.outline(plan, &numbered).await
    }

    /// Requests the outline. If it is unusable, the summary does without.
    async fn outline(&mut self, plan: &Plan, numbered: &Numbered) -> Result<(), WriteError> {
        let shown = Material {
            block: Passage::of_text(numbered.text()),
            has_times: numbered.has_times(),
            ..Material::of_text(self.transcript.whole())
        };
        self.run.enter(Phase::Outline);
        // The number of topics stands in the place of the number of parts.
        let place = (0, plan.sections);
        let (drafter, words) = (self.drafter, OUTLINE_WORDS);
        let prompt = drafter.prompt(Task::Outline, &shown, place, None, words, 0);
        if !drafter.fits(&prompt) {
            self.warnings.push(NO_OUTLINE.to_owned());
            return Ok(());
        }
        let answer = match drafter.call(&prompt).await {
            Err(error) if error.kind.concerns_one_call() => {
                // The cause may be something that is sent with every request: the next one is made alone.
                self.is_first_refused = error.kind == ErrorKind::BadInput;
                Answer::default()
            }
            answer => answer.map_err(WriteError::of("the outline".to_owned()))?,
        };
        let counted = answer.usage.map(|usage| usage.prompt_tokens);
        self.drafter.learn_ratio(&prompt, counted);
        let (text, numbered, by) = (answer.text.clone(), numbered.clone(), self.comparable);
        let bytes = self.transcript.text().len();
        let read = aside(bytes, move || Outline::read(&text, &numbered, by));
        self.briefing.outline = read.await;
        if self.briefing.outline.is_empty() {
            self.drafter.thinks &= !answer.is_reasoning;
            drafter.caller.mark_unusable(&prompt);
            self.warnings.push(NO_OUTLINE.to_owned());
        }
        Ok(())
    }

    /// Takes what the speakers say for certain in the place of an outline, for a model that writes none.
    pub(crate) async fn take_cues(&mut self) {
        let bytes = self.transcript.text().len();
        if bytes > MOST_CUED {
            return;
        }
        let whole = self.transcript.whole();
        let searched = whole.clone();
        let cues = aside(bytes, move || extract::cues(&searched)).await;
        let cues = cues.into_iter();
        let name = |speaker| whole.name(speaker).unwrap_or_default();
        let points = cues.map(|cue| {
            let (speaker, owner) = (name(cue.speaker), name(cue.owner));
            let (kind, said) = match cue.kind {
                Kind::Decision => (PointKind::Decision, format!("{speaker}: {}", cue.text)),
                Kind::Open => (PointKind::Open, format!("{speaker}: {}", cue.text)),
                Kind::Action => (PointKind::Action, cue.text),
            };
            Point {
                kind,
                text: said.trim_start_matches(": ").to_owned(),
                subject: owner.to_owned(),
                due: cue.due.unwrap_or_default(),
                status: String::new(),
                spans: vec![cue.span],
            }
        });
        let points =
            points.filter(|point| point.kind != PointKind::Action || !point.subject.is_empty());
        self.briefing.outline.points = points.collect();
    }

    /// The lists at a glance.
    pub(crate) fn lists(&self, plan: &Plan) -> Vec<List> {
        let labels = &self.transcript.segments.speakers;
        let mut lists = lists::of(
            &self.briefing.outline,
            labels,
            plan.target_words.0,
            |kind| self.titles.of_list(kind),
        );
        if self.transcript.whole().is_log() {
            let segments = &self.transcript.segments;
            let second = |at| usize::try_from(segments.at(at)?.from()?.millis() / 1000).ok();
            lists::put_in_order_of_time(&mut lists, second);
        }
        lists
    }
}

/// Longer transcripts, in bytes, are not searched for what the speakers say for certain.
const MOST_CUED: usize = 4 << 20;

const NO_OUTLINE: &str = "the model gave no usable outline: the parts follow the length of the transcript, and there are no lists";
