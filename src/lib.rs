//! Turns long transcripts into summaries of about 4,000 words.
//!
//! The same program has three interfaces: under the Lambda runtime it serves invocations ([`lambda`]), otherwise it is a
//! command line ([`cli`]), which can serve a page and an HTTP API on this machine ([`serve`]). All run jobs: a job reads an
//! uploaded transcript, writes a summary, renders it as a document and publishes the resulting objects.
//!
//! ```text
//! upload ──► trigger ──► job ──► transcript ──► summary ──► document ──► publish
//! ```
//!
//! # Map
//!
//! Each module may use the modules below it. [`guide`] is the manual for people who use the program.
//!
//! | module | what it does |
//! |---|---|
//! | [`lambda`], [`cli`] | invocations, of the HTTP API too; commands |
//! | [`serve`] | a page on this machine, and the HTTP API there |
//! | [`http_api`] | the HTTP API, whatever carries it: routes, errors, the status of a transcript |
//! | [`trigger`] | payload → uploads, results → the sender's response; one file per source |
//! | [`job`] | one upload → one outcome: reads, claims, summarizes, publishes |
//! | [`evaluation`] | summaries against references: ROUGE, length, coverage, unsupported numbers and names |
//! | [`document`] | the published text, report and page |
//! | [`summary`] | plans, writes and checks summaries, and fits their length |
//! | [`transcriber`] | recordings → transcripts, by Amazon Transcribe or a worker on RunPod |
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
//! `trigger`, `evaluation`, `document`, `prompt`, `extract`, `transcript` and `text` are pure: they do no I/O and never wait.
//!
//! # How it works
//!
//! 1. **Decode** while the bytes arrive: UTF-8, UTF-16, and the common older encodings, by what they say; what is not
//!    text is rejected with its reason.
//! 2. **Read** what was said, by whom and when. The format is recognized by its content:
//!    - plain text with labels in more than a hundred shapes: meeting tools, chats, court reporters, parliaments,
//!      everything on one line;
//!    - WebVTT, SubRip, SBV, LRC, TTML and lines like `[00:00.000 --> 00:07.400] text`: captions are joined to
//!      sentences and turns;
//!    - JSON of Amazon Transcribe, Whisper and its relatives, Deepgram, AssemblyAI, Google, Azure, YouTube and others;
//!    - CSV, TSV and Markdown tables with a header, HTML pages, Word documents.
//!
//!    Markup, sound tags, page headers, line numbers, repetitions of a recognizer that got stuck and what tools say
//!    about themselves are left out. Only spoken words are counted, sent and paid. The report names the format, the
//!    speakers with their turns, words and seconds, and what was left out. Without ends of turns, seconds are no more
//!    than the words can take.
//! 3. **Plan**: how many sections of 150 to 500 words, each from its own part. Tokens are estimated without a
//!    vocabulary, because the served model's tokenizer is not known; the estimate is an upper bound, and no request
//!    exceeds the window even if a server counts a fifth more. Where a part would be too short for a section (a long
//!    transcript, a small window), facts are noted first, level by level, and the sections are written from the notes.
//!    Where `MAX_MODEL_CALLS` would be exceeded, each part is first reduced to its most telling sentences, and the
//!    report says so.
//! 4. **Outline**: one call reads all turns, numbered (of a transcript of more than 64,000 tokens its most telling
//!    sentences, of a very long one the notes), and answers in lines: subject, people, terms, topics with their weight,
//!    decisions, positions, actions, open questions, figures, contradictions. What points to lines that do not exist,
//!    or has a number, name or owner that they do not have, is dropped. Labels such as `spk_0` get the names that the
//!    transcript says. Windows below 16,000 tokens, encoder-decoders and the built-in model do without; so does a
//!    summary of less than 500 words.
//! 5. **Parts**: a topic each, with all the stretches in which people come back to it, divided where it is too long for
//!    a section and joined with its neighbour where it is too short; formalities are told in passing. The record of an
//!    operation, such as a flight, follows its phases and its clock. Without an outline balanced parts, cut at the
//!    start of a turn, else at a sentence, a clause, a word. Where a script has no blanks, words are told by ICU's
//!    model in Thai, Lao, Khmer and Burmese, and by function words in Chinese and Japanese.
//! 6. **Write** all sections and the overview at once, with a little more asked for than is wanted, because cutting a sentence is
//!    free. The overview is made from the transcript; from the sections, after them, if the transcript is too long.
//!    With an outline, a request is for sections in a row, about 1,000 words in all and more where the window is larger
//!    (from 126,000 tokens on all of them), as far as it has room for their parts; else for one. It shows the parts,
//!    what is before and after them, and the notes that concern each, between fences that their author cannot forge. A
//!    section that the answer leaves out or spoils is asked for by itself; sections told under one heading become one.
//!    Cut-off answers are continued.
//! 7. **Check**: marks of chat templates, channels, reasoning, a second turn, code fences and remarks are taken off;
//!    only the final channel is an answer. One that is empty, no prose (a refusal, thoughts, JSON, a page, a table, a
//!    tool call, a dialogue, words at random), an echo of the prompt, a loop, in another language, about something
//!    else, invented or copied is asked for again once, without thinking if thoughts were all that came; one that
//!    cannot be used is replaced by the part's most telling sentences and flagged. A request that is refused as too
//!    long is divided and sent again; what the refusal tells of the window holds for all others. Headings with foreign
//!    numbers or names are replaced, claims that something was not answered are cut where the outline does not list it
//!    as open, a full name stands once, and quotation marks go where something else was said.
//! 8. **Finish**: if the whole is more than 3 % too short or 9 % too long, the shortest sections are written again,
//!    longer, or the longest condensed: once. Then, at once, checks beside the transcript, of overview and lists and of the
//!    sections, and a last read, which looks up claims itself where sections written together have saved no calls for checks.
//!    Corrections are applied only where they quote the words that show them and bring no number, name or word of their
//!    own, edits only where they change no number, name, quotation, negation or hedge. Then the small matters
//!    and the sentences that add least and are in no list go, rather from the ends of paragraphs, or the speakers' own
//!    sentences are added, flagged. The summary is within 5 % of its target.
//!
//! # What is never lost or paid twice
//!
//! - A **lease** in `run.json`, taken and renewed by S3's conditional writes, lets one worker at a time work on a job;
//!   there is no database. A worker that was frozen and wakes up finds its lease gone and stops.
//! - A **ledger** holds, for each call, that it is about to be sent, the ticket of the job it became, and its outcome.
//!   Which calls a job makes follows from their outcomes alone, so a run that is taken up again asks for the same ones
//!   and finds them answered.
//! - A **deadline**: an invocation stops while there is time to save everything, and its message comes back. A job may
//!   take a day of invocations.
//! - After a `kill -9`, at most the calls that were in flight at that instant are made again (the endpoints have no
//!   idempotency key, so nobody can promise less). The report counts them as `resubmitted`.
//! - A summary is published only if the transcript is still the one it was made from, and never over the summary of a
//!   newer one.
//! - If more than a quarter of the sections, of the parts that notes were taken on, or of the words had to be
//!   extractive, it is not the summary that was ordered: nothing is published, `_error.json` says so, and no call is
//!   made once that is certain. A model whose first three texts are unusable, or whose endpoint counts hardly any
//!   tokens in its prompts, is given up at once.
//! - Transient trouble sends the message back to the queue. After ten invocations in a row that brought nothing, each
//!   further one costs a single request, until one succeeds or the message reaches the dead-letter queue, which raises
//!   an alarm.
//!
//! # How endpoints are spoken to
//!
//! Calls share their pace: one 429 slows all of them (`Retry-After`, `ratelimit` and the server's own words are
//! obeyed), success speeds them up again. A refused key, an empty account, a paused endpoint or an unknown model stops
//! all calls at once, and one sentence names the variable. Answers are streamed where the endpoint can. RunPod jobs are
//! submitted with a time to live and followed by long polling where the endpoint has it, otherwise at times learned
//! from the jobs before; failed jobs run again under their ticket (`/retry`), and an endpoint without workers is
//! recognized by its `/health`. Right after its start the function connects to an `https://` endpoint with a `HEAD` of
//! its root, without the key, so that the first call does not wait for that.
//!
//! The same transcript, settings and answers give the same summary, whatever `MODEL_CONCURRENCY` is. At most half as
//! many calls as planned, and five, are made on top of the plan, which `plan` shows.
//!
//! The built-in extractive model chooses the sentences that cover most of a part's terms (budgeted submodular
//! coverage), cleans them of fillers and attributes them to their speakers.
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

mod aside;
pub mod aws;
mod chain;
pub mod cli;
pub mod clock;
pub mod config;
pub mod document;
pub mod evaluation;
pub mod extract;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
pub mod guide;
mod hex;
pub mod http;
pub mod http_api;
pub mod job;
pub mod lambda;
pub mod model;
mod once;
pub mod prompt;
pub mod provider;
pub mod run;
pub mod secret;
pub mod serve;
pub mod speech;
pub mod store;
pub mod summary;
pub mod text;
pub mod transcriber;
pub mod transcript;
pub mod trigger;
pub mod wire;
