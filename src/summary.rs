//! Chunks → about 4,000 words: planned, written by the model, put together.

pub mod assemble;
pub mod check;
pub mod plan;
pub mod report;
pub mod write;

pub use assemble::{Section, Source, Summary};
pub use plan::{Limits, Plan, PlanError, plan};
pub use write::{Progress, Settings, WriteError, write};
