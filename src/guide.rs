//! The manual: what is too long for the README. Each page is a file in `src/guide/` that can be read without building anything.

#[doc = include_str!("guide/audio.md")]
pub mod audio {}
#[doc = include_str!("guide/deploying.md")]
pub mod deploying {}
#[doc = include_str!("guide/developing.md")]
pub mod developing {}
#[doc = include_str!("guide/models.md")]
pub mod models {}
#[doc = include_str!("guide/operating.md")]
pub mod operating {}
#[doc = include_str!("guide/results.md")]
pub mod results {}
#[doc = include_str!("guide/serving.md")]
pub mod serving {}
#[doc = include_str!("guide/troubleshooting.md")]
pub mod troubleshooting {}
#[doc = include_str!("guide/wishes.md")]
pub mod wishes {}
