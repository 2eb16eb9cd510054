//! Takes notes, level by level, until they are short enough to write the sections from.

use crate::extract;
use crate::prompt::Task;
use crate::run::Phase;
use crate::summary::assemble::Source;
use crate::summary::call_plan::{Level, notes_output};
use crate::summary::plan::{Plan, weights};
use crate::summary::write::draft::Material;
use crate::summary::write::piece::Job;
use crate::summary::write::{MAX_SPLITS, WriteError, Writer, allowance};
use crate::text::{Tokens, Words, tokens};
use crate::transcript::Passage;

/// Estimated tokens per word of notes. They are full of names and numbers, which take more tokens.
const TOKENS_PER_WORD: f64 = 1.7;

/// Notes are cut if they are longer than requested by more than this factor.
const SLACK: f64 = 1.25;

impl Writer<'_> {
    /// Takes all levels of notes.
    pub(crate) async fn notes(
        &mut self,
        plan: &Plan,
        parts: Vec<Material>,
    ) -> Result<Vec<Material>, WriteError> {
        self.run.enter(Phase::Notes);
        let mut items = parts;
        for (depth, level) in plan.levels.iter().enumerate() {
            let groups = if depth == 0 {
                items
            } else {
                grouped(&items, level.calls, level.input_tokens)
            };
            items = self.level(level, groups).await?;
        }
        Ok(items)
    }

    /// The source of each section, joined from notes, and its weight.
    pub(crate) fn grouped_notes(
        &self,
        plan: &Plan,
        notes: &[Material],
    ) -> (Vec<Material>, Vec<f64>) {
        let words = plan.section_words().0.div_ceil(plan.sections.max(1));
        let block = self.limits(plan).block_beside(Words(words));
        let materials = grouped(notes, plan.sections, block.unwrap_or(Tokens(usize::MAX)));
        let blocks = || materials.iter().map(|material| &*material.block);
        let tokens: Vec<f64> = blocks()
            .map(|block| tokens::estimate(block).0 as f64)
            .collect();
        let weights = weights(&tokens, blocks());
        (materials, weights)
    }

    /// Takes one level of notes, with all calls concurrently.
    async fn level(
        &mut self,
        level: &Level,
        groups: Vec<Material>,
    ) -> Result<Vec<Material>, WriteError> {
        let count = groups.len();
        let spare = self.extra_calls / 2;
        let jobs = groups.iter().enumerate().map(|(index, material)| {
            let wanted = notes_output(tokens::estimate(&material.block), level.ratio).0 as f64
                / TOKENS_PER_WORD;
            let words = (wanted as usize).max(12);
            Job {
                task: Task::Notes,
                material,
                place: (index, count),
                ask: words,
                want: words,
                first_attempt: 0,
                allowance: allowance(spare, count, index),
                tolerated: &[],
                splits: MAX_SPLITS,
            }
        });
        let pieces = self.pieces(jobs.collect()).await?;
        let mut notes = Vec::with_capacity(count);
        for (material, piece) in groups.into_iter().zip(pieces) {
            if piece.source == Source::Extractive {
                let from = material.chunks.first().map_or(0, |chunk| chunk + 1);
                self.unread.extend(&material.chunks);
                let instead = piece.instead.as_deref().unwrap_or("nothing about it");
                self.unusable
                    .push(format!("notes on part {from}: {instead}"));
                self.warnings.push(format!(
                    "notes on part {from}: the model gave no usable answer ({instead}), the text is extractive"
                ));
            }
            // Enforce the maximum length whatever the model returns, so that every level makes progress.
            let most = (tokens::estimate(&material.block).0 as f64 / level.ratio * SLACK) as usize;
            let written = Passage::of_text(piece.text);
            notes.push(Material {
                block: extract::within_tokens(&written, Tokens(most.max(48))),
                has_times: false,
                from_notes: true,
                whole: None,
                ..material
            });
        }
        Ok(notes)
    }
}

/// Joins neighbouring items into about `count` groups of similar size, each of at most `most`.
fn grouped(items: &[Material], count: usize, most: Tokens) -> Vec<Material> {
    let sizes: Vec<usize> = items
        .iter()
        .map(|item| tokens::estimate(&item.block).0 + 1)
        .collect();
    let mut left: usize = sizes.iter().sum();
    let mut groups: Vec<Vec<&Material>> = Vec::new();
    let mut size = 0;
    for (at, (item, &cost)) in items.iter().zip(&sizes).enumerate() {
        let groups_left = (count + 1).saturating_sub(groups.len()).max(1);
        let aim = (left + size) / groups_left;
        // Start a new group if this one is closer to the intended size without the item, or if every remaining item is
        // needed for a group of its own.
        let is_full =
            size > 0 && (size + cost > most.0 || (size + cost / 2 > aim && groups.len() < count));
        let must_open = size > 0 && items.len() - at <= count.saturating_sub(groups.len());
        if groups.is_empty() || is_full || must_open {
            groups.push(Vec::new());
            size = 0;
        }
        if let Some(group) = groups.last_mut() {
            group.push(item);
        }
        size += cost;
        left -= cost;
    }
    groups
        .into_iter()
        .filter_map(|group| joined(&group))
        .collect()
}

fn joined(group: &[&Material]) -> Option<Material> {
    let (first, last) = (group.first()?, group.last()?);
    let blocks: Vec<&str> = group.iter().map(|item| &*item.block).collect();
    Some(Material {
        passage: first.passage.through(&last.passage),
        more: Vec::new(),
        chunks: group
            .iter()
            .flat_map(|item| item.chunks.iter().copied())
            .collect(),
        block: Passage::of_text(blocks.join("\n")),
        has_times: first.has_times,
        from_notes: first.from_notes,
        whole: None,
        brief: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(sizes: &[usize]) -> Vec<Material> {
        let whole = Passage::of_text("x".repeat(sizes.len()));
        let item = |(at, &size): (usize, &usize)| Material {
            passage: whole.split_at(at).0,
            more: Vec::new(),
            chunks: vec![at],
            block: Passage::of_text("word ".repeat(size)),
            has_times: false,
            from_notes: true,
            whole: None,
            brief: None,
        };
        sizes.iter().enumerate().map(item).collect()
    }

    #[test]
    fn groups_are_neighbours_balanced_and_complete() {
        for (count, len) in [(3, 9), (4, 10), (5, 5), (1, 7), (8, 3), (26, 90)] {
            let items = items(&vec![20; len]);
            let groups = grouped(&items, count, Tokens(usize::MAX));
            assert_eq!(groups.len(), count.min(len), "{count} of {len}");
            let chunks: Vec<usize> = groups
                .iter()
                .flat_map(|group| group.chunks.clone())
                .collect();
            assert_eq!(chunks, (0..len).collect::<Vec<_>>());
            let sizes = || groups.iter().map(|group| group.chunks.len());
            assert!(
                sizes().max().unwrap() - sizes().min().unwrap() <= 1,
                "{count} of {len}: {:?}",
                sizes().collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn no_group_exceeds_the_room() {
        let items = items(&[30, 5, 40, 10, 10, 30, 30]);
        for group in grouped(&items, 2, Tokens(80)) {
            assert!(
                tokens::estimate(&group.block) <= Tokens(80),
                "{}",
                tokens::estimate(&group.block).0
            );
        }
    }
}
