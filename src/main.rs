//! Entry point: serves invocations under the Lambda runtime, and runs the command line otherwise.

// The future of an invocation holds those of all that it awaits, down to a call's socket.
#![recursion_limit = "256"]

use std::process::ExitCode;
use std::sync::Arc;

use transcript_summarizer::clock::Clock;
use transcript_summarizer::http::Http;
use transcript_summarizer::job::{App, Config, KnownHabits, LEASE, Surface};
use transcript_summarizer::lambda::api::Api;
use transcript_summarizer::lambda::{Function, telemetry};
use transcript_summarizer::{cli, lambda, store};

// One thread is enough: the program mostly waits for endpoints, and the function has one core.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_none() {
        return cli::run(telemetry::for_people).await;
    }
    telemetry::for_lambda();
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            lambda::report_init_error(&error).await;
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), lambda_runtime::Error> {
    let config = Config::from_env(Surface::Lambda)?;
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for (variable, meant) in Config::misspelt(names) {
        tracing::warn!(variable, meant, "there is no such variable");
    }
    let http = Http::default();
    if let Some(settings) = config.api.clone() {
        let api = Api::connect(config, settings, &http).await?;
        return lambda::serve(&Function::Api(api), &Clock::System).await;
    }
    let store = store::connect(config.store_dir.as_deref(), &http).await?;
    let model = config.provider.connect(&http).await?;
    model.warm_up();
    let transcriber = config.connect_transcriber(&http).await?;
    let speaker = config.connect_speaker(&http).await?;
    let app = App {
        source: Arc::clone(&store),
        target: store,
        model,
        transcriber,
        speaker,
        config: Arc::new(config),
        trace: None,
        lease: LEASE,
        habits: KnownHabits::default(),
        durable: true,
    };
    lambda::serve(&Function::Summarizer(app), &Clock::System).await
}
