//! Turns long transcripts into summaries of about 4,000 words.
//!
//! One program, two surfaces: under the Lambda runtime it serves invocations ([`lambda`]), otherwise it is a command line
//! ([`cli`]). Both run jobs: an upload becomes a transcript, the transcript a summary, the summary a document, and the
//! document the objects that are published.
//!
//! ```text
//! upload ──► trigger ──► job ──► transcript ──► summary ──► document ──► publish
//! ```
//!
//! # Map
//!
//! Each room may use the rooms below it.
//!
//! | room | what it does |
//! |---|---|
//! | [`lambda`], [`cli`] | the two surfaces |
//! | [`trigger`] | payload → uploads, results → the answer of the sender; one file for each source |
//! | [`job`] | one upload → one outcome: opens, claims, summarizes, publishes |
//! | [`document`] | what is delivered: the text and the report |
//! | [`summary`] | plans, writes, checks, and fits the length |
//! | [`provider`] | Hugging Face, RunPod and the built-in model, a folder each |
//! | [`wire`] | what providers share: HTTP, formats of answers, failures and their meaning |
//! | [`model`] | the seam to models, and the client that makes billable calls |
//! | [`prompt`], [`extract`] | requests and their wording; extractive summarizing |
//! | [`transcript`] | bytes → text → who said what when → parts |
//! | [`text`] | words, sentences, tokens, languages |
//! | [`store`] | S3 or a directory; lease and ledger of a job |
//! | [`aws`] | how AWS is reached |
//! | [`config`] | environment → values |
//!
//! `trigger`, `document`, `prompt`, `extract`, `transcript` and `text` are pure: they neither wait nor send.
//!
//! # Example
//!
//! A summary by the built-in model, in this process:
//!
//! ```
//! use transcript_summarizer::clock::Clock;
//! use transcript_summarizer::document::text;
//! use transcript_summarizer::http::Http;
//! use transcript_summarizer::job::{Config, Surface};
//! use transcript_summarizer::model::{CallOptions, ModelClient};
//! use transcript_summarizer::run::Run;
//! use transcript_summarizer::summary::{self, Settings};
//! use transcript_summarizer::transcript::{Decoder, Transcript};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut decoder = Decoder::default();
//! decoder.push(include_bytes!("../samples/harbor-line-review.txt"))?;
//! let transcript = Transcript::new(decoder.finish()?);
//!
//! // No variable is set: the built-in model writes.
//! let config = Config::from_lookup(Surface::CommandLine, &|_| None)?;
//! let model = config.provider.connect(&Http::default()).await?;
//! let run = Run::new(Clock::System);
//! let options = CallOptions { max_calls: 20, concurrency: 1, ..CallOptions::default() };
//! let client = ModelClient::new(model, None, options, &run);
//!
//! let plan = summary::plan(&transcript, 300, &config.limits)?;
//! let settings = Settings { limits: config.limits, seed: "example".into(), quotes: true };
//! let summary = summary::write(&transcript, &plan, &settings, &client, &run).await?;
//! println!("{}", text::render(&summary));
//! assert!((285..=315).contains(&summary.words()));
//! # Ok(())
//! # }
//! ```

pub mod aws;
mod chain;
pub mod cli;
pub mod clock;
pub mod config;
pub mod document;
pub mod extract;
mod hex;
pub mod http;
pub mod job;
pub mod lambda;
pub mod model;
pub mod prompt;
pub mod provider;
pub mod run;
pub mod secret;
pub mod store;
pub mod summary;
pub mod text;
pub mod transcript;
pub mod trigger;
pub mod wire;
