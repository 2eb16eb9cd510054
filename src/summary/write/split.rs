//! Splits a part in two if its request does not fit the context window.

use crate::model::ModelError;
use crate::summary::write::draft::{Drafter, Material};
use crate::summary::write::piece::{Job, Piece, piece};
use crate::text::tokens;

/// The two halves of a part. `None` if it is too small to divide.
pub(crate) fn halves(material: &Material) -> Option<[Material; 2]> {
    let Material { passage, block, .. } = material;
    let parts = block.divide(tokens::estimate(block), 2);
    let [first, _] = &parts[..] else {
        return None;
    };
    // Positions in notes or extracts do not match the passage they stand for, so the passage is divided in proportion.
    let cut = if block.len() == passage.len() {
        first.span.len()
    } else {
        (passage.len() as f64 * (first.span.len() as f64 / block.len() as f64)) as usize
    };
    let half = |passage, block| Material {
        passage,
        chunks: material.chunks.clone(),
        block,
        from_notes: material.from_notes,
    };
    let (passages, blocks) = (passage.split_at(cut), block.split_at(first.span.len()));
    Some([half(passages.0, blocks.0), half(passages.1, blocks.1)])
}

/// Requests the texts of both halves of a part that did not fit, and joins them. `extra_calls` is the number of calls that
/// were made for the part beyond the planned one.
pub(crate) async fn split(
    drafter: Drafter<'_>,
    job: Job<'_>,
    halves: [Material; 2],
    extra_calls: usize,
) -> Result<Piece, ModelError> {
    let mut joined = Piece {
        extra_calls,
        token_ratio: drafter.token_ratio,
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
        let piece = Box::pin(piece(drafter, half)).await?;
        if at == 0 {
            joined.title = piece.title;
        }
        joined.text = [joined.text, piece.text].join(if at == 0 { "" } else { "\n\n" });
        // The first half uses the planned call; the second half is an extra call.
        joined.extra_calls += piece.extra_calls + at;
        joined.problems.extend(piece.problems);
        joined.degraded |= piece.degraded;
        joined.token_ratio = joined.token_ratio.max(piece.token_ratio);
    }
    Ok(joined)
}
