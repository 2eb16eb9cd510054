//! Chunks → about 4,000 words: planned, written by the model, put together.

pub mod assemble;
mod band;
pub mod check;
mod cost;
mod pace;
pub mod plan;
pub mod scaffold;
pub mod shape;
pub mod write;

pub use assemble::{Section, Source, Summary};
pub use cost::{Prices, Tokens};
pub use plan::{Plan, plan};
pub use shape::{Limits, ShapeError};
pub use write::{Settings, WriteError, write};
