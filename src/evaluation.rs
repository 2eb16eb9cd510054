//! Evaluation: how close summaries come to references, what they cover and invent, and whether one configuration is better than
//! another. Pure.

mod comparison;
mod figures;
mod measures;
pub mod rouge;
pub mod statistics;

pub use comparison::{Comparison, Difference, compare};
pub use figures::{Figures, Speed};
pub use measures::{Case, Measured, Measures, measure};
