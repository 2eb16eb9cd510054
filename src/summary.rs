//! Turns a transcript into a summary of the requested length.
//!
//! Models do not write 4,000 words in one call: when asked for that many, they write 1,000 to 2,300. So the transcript is
//! divided into parts, the model writes a section of 150 to 500 words about each, and the sections are joined in order.
//!
//! 1. [`plan`](mod@plan) decides on the number of parts, sections and calls ([`call_plan`]).
//! 2. [`write`](mod@write) requests the sections in waves and adjusts the requested lengths after each wave (`length_control`). It
//!    strips answers of everything but the text ([`scaffold`]), checks them ([`check`]), adds an overview, and repairs
//!    sections that are too short or too long.
//! 3. `fit_length` drops or adds sentences until the length fits.

pub mod assemble;
pub mod call_plan;
pub mod check;
mod cost;
mod edits;
mod fit_length;
mod length_control;
pub mod plan;
pub mod scaffold;
pub mod write;

pub use assemble::{Section, Source, Summary};
pub use call_plan::{Limits, ShapeError};
pub use cost::{Prices, TokenTotals};
pub use plan::{Plan, plan};
pub use write::{Settings, WriteError, write};
