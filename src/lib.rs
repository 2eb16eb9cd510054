//! Turns long transcripts into summaries of about 4,000 words.
//!
//! The same program has two interfaces: under the Lambda runtime it serves invocations ([`lambda`]), otherwise it is a
//! command line ([`cli`]). Both run jobs: a job reads an uploaded transcript, writes a summary, renders it as a document and
//! publishes the resulting objects.
//!
//! ```text
//! upload ──► trigger ──► job ──► transcript ──► summary ──► document ──► publish
//! ```
//!
//! # Map
//!
//! Each module may use the modules below it.
//!
//! | module | what it does |
//! |---|---|
//! | [`lambda`], [`cli`] | the two interfaces |
//! | [`trigger`] | payload → uploads, results → the sender's response; one file per source |
//! | [`job`] | one upload → one outcome: reads, claims, summarizes, publishes |
//! | [`document`] | the published text, report and page |
//! | [`summary`] | plans, writes and checks summaries, and fits their length |
//! | [`transcriber`] | recordings → transcripts, by Amazon Transcribe |
//! | [`speech`] | summaries → audio, by Amazon Polly |
//! | [`provider`] | Hugging Face, RunPod and the built-in model, one folder each |
//! | [`wire`] | shared by providers: HTTP, response formats, classification of failures |
//! | [`model`] | the interface to models, and the client that makes billable calls |
//! | [`prompt`], [`extract`] | prompts; extractive summaries |
//! | [`transcript`] | bytes → text → turns → parts |
//! | [`text`] | words, sentences, tokens, languages |
//! | [`store`] | S3 or a directory; a job's lease and ledger |
//! | [`aws`] | access to AWS |
//! | [`config`] | environment → values |
//!
//! `trigger`, `document`, `prompt`, `extract`, `transcript` and `text` are pure: they do no I/O and never wait.
//!
//! # Example
//!
//! Summarizing with the built-in model, in this process:
//!
//! ```
//! use transcript_summarizer::clock::Clock;
//! use transcript_summarizer::document::text;
//! use transcript_summarizer::http::Http;
//! use transcript_summarizer::job::{Config, Surface};
//! use transcript_summarizer::model::{CallOptions, ModelClient};
//! use transcript_summarizer::run::Run;
//! use transcript_summarizer::summary::{self, Settings};
//! use transcript_summarizer::text::Words;
//! use transcript_summarizer::transcript::{Decoder, Transcript};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut decoder = Decoder::default();
//! decoder.push(include_bytes!("../samples/harbor-line-review.txt"))?;
//! let transcript = Transcript::new(decoder.finish()?)?;
//!
//! // With no variable set, the built-in model is used.
//! let config = Config::from_lookup(Surface::CommandLine, &|_| None)?;
//! let model = config.provider.connect(&Http::default()).await?;
//! let run = Run::new(Clock::System);
//! let options = CallOptions { max_calls: 20, concurrency: 1, ..CallOptions::default() };
//! let client = ModelClient::new(model, None, options, &run);
//!
//! let plan = summary::plan(&transcript, Words(300), &config.limits)?;
//! let settings = Settings { limits: config.limits, seed: "example".into(), quotes: true, ratio: 1.0, wishes: config.wishes.clone() };
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
pub mod speech;
pub mod store;
pub mod summary;
pub mod text;
pub mod transcriber;
pub mod transcript;
pub mod trigger;
pub mod wire;
