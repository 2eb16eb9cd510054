//! A part whose request does not fit the window is written in two halves.

use crate::model::ModelClient;
use crate::model::ModelError;
use crate::summary::write::draft::{Drafter, Material};
use crate::summary::write::piece::{Job, Piece, piece};
use crate::text::tokens;
use crate::transcript::{Chunk, Turns, chunk};

/// The two halves of a part, each with its range and text. `None` if it is too small to be divided again.
pub(crate) fn halves(material: &Material, drafter: Drafter<'_>) -> Option<[Material; 2]> {
    let whole = tokens::estimate(&material.block);
    let parts = chunk::divide(&material.block, &Turns::parse(&material.block), whole, 2);
    let [first, second] = &parts[..] else {
        return None;
    };
    let cut = if material.block.len() != material.range.len() {
        // Notes and extracts have no bytes of their own: the span is divided in proportion.
        let share = first.range.len() as f64 / material.block.len() as f64;
        let at = material.range.start + (material.range.len() as f64 * share) as usize;
        drafter.transcript.text().floor_char_boundary(at)
    } else {
        material.range.start + first.range.len()
    };
    let half = |part: &Chunk, range| Material {
        range,
        chunks: material.chunks.clone(),
        block: material
            .block
            .get(part.range.clone())
            .unwrap_or_default()
            .into(),
        from_notes: material.from_notes,
    };
    Some([
        half(first, material.range.start..cut),
        half(second, cut..material.range.end),
    ])
}

/// Gets the texts of both halves of a part that did not fit, and joins them.
pub(crate) async fn split(
    drafter: Drafter<'_>,
    caller: &ModelClient,
    job: Job<'_>,
    halves: [Material; 2],
) -> Result<Piece, ModelError> {
    let mut joined = Piece {
        extra_calls: 1,
        ..Piece::default()
    };
    for (at, material) in halves.iter().enumerate() {
        let half = Job {
            material,
            ask: (job.ask / 2).max(1),
            want: (job.want / 2).max(1),
            splits: job.splits - 1,
            ..job
        };
        let piece = Box::pin(piece(drafter, caller, half)).await?;
        if at == 0 {
            joined.title = piece.title;
        }
        joined.text = [joined.text, piece.text].join(if at == 0 { "" } else { "\n\n" });
        // One of the two is the call that was planned.
        joined.extra_calls += piece.extra_calls + usize::from(at > 0);
        joined.problems.extend(piece.problems);
        joined.degraded |= piece.degraded;
        joined.token_ratio = joined.token_ratio.max(piece.token_ratio);
    }
    Ok(joined)
}
