//! Turns a transcript into a summary of the requested length.
//!
//! Models do not write 4,000 words in one call: when asked for that many, they write 1,000 to 2,300. So the transcript is
//! divided into parts, the model writes a section of 150 to 500 words about each, and the sections are joined in order.
//!
//! 1. [`plan`](mod@plan) decides on the number of parts, sections and calls ([`call_plan`]).
//! 2. The [`outline`] tells what the whole is about, and its `topics` become the parts. Its [`lists`] need no further call.
//! 3. [`write`](mod@write) requests all sections and the overview at once, each with what its writer has to know of the whole. It
//!    strips answers of everything but the text ([`scaffold`]) and checks them ([`check`]). Repairs of the length, a check of the
//!    claims and a last read follow at once.
//! 4. `fit_length` drops or adds sentences until the length fits.

pub mod assemble;
pub mod call_plan;
pub mod check;
mod claims;
mod cost;
pub(crate) mod edits;
pub(crate) mod fit_length;
pub(crate) mod flaw;
mod length_control;
pub mod lists;
pub(crate) mod mends;
pub mod outline;
pub mod people;
pub mod plan;
pub(crate) mod quotations;
pub mod scaffold;
pub(crate) mod titles;
pub(crate) mod told;
mod topics;
pub(crate) mod whole;
mod wishes;
pub mod write;

pub use assemble::{Degraded, Section, Source, Summary, Worker};
pub use call_plan::{Limits, ShapeError};
pub use cost::{Currency, Prices, TokenTotals};
pub use plan::{Plan, plan};
pub use write::{Sample, Settings, WriteError, sample, write};
