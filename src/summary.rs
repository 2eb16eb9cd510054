//! Turns a transcript into a summary of the ordered length.
//!
//! No model writes 4,000 words in one call: asked for that, they write 1,000 to 2,300. So the transcript is divided into
//! parts, the model writes a section of 150 to 500 words about each, and the sections are put together in order.
//!
//! 1. [`plan`]: how many parts, sections and calls ([`call_plan`]).
//! 2. [`write`]: sections in waves, each asked for in the light of the ones before ([`length_control`]); answers are cleaned
//!    ([`scaffold`]) and checked ([`check`]); an overview; repairs.
//! 3. [`fit_length`]: sentences are dropped or added until the length fits.

pub mod assemble;
pub mod call_plan;
pub mod check;
mod cost;
mod fit_length;
mod length_control;
pub mod plan;
pub mod scaffold;
pub mod write;

pub use assemble::{Section, Source, Summary};
pub use call_plan::{Limits, ShapeError};
pub use cost::{Prices, Tokens};
pub use plan::{Plan, plan};
pub use write::{Settings, WriteError, write};
