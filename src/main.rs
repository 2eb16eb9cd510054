//! In Lambda: serve invocations. Otherwise: the command line.

use std::process::ExitCode;

use transcript_summarizer::clock::Clock;
use transcript_summarizer::config::{Config, Surface};
use transcript_summarizer::http::Http;
use transcript_summarizer::job::{LEASE, Workshop};
use transcript_summarizer::provider::AnyModel;
use transcript_summarizer::store::AnyStore;
use transcript_summarizer::{cli, lambda as serve};

// One thread: the work is waiting for endpoints, and a function has one core.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_none() {
        serve::telemetry::for_people();
        return cli::run().await;
    }
    serve::telemetry::for_lambda();
    match run_lambda().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "cannot start");
            serve::report_init_error(&error).await;
            ExitCode::FAILURE
        }
    }
}

async fn run_lambda() -> Result<(), lambda_runtime::Error> {
    let config = Config::from_env(Surface::Lambda)?;
    let http = Http::default();
    let store = AnyStore::connect(config.store_dir.as_deref(), &http).await?;
    let model = AnyModel::connect(&config.provider, &http).await?;
    model.warm_up();
    let workshop = Workshop {
        source: &store,
        target: &store,
        model: &model,
        config: &config,
        trace: None,
        function: std::env::var("AWS_LAMBDA_FUNCTION_NAME").ok(),
        clock: Clock::System,
        lease: LEASE,
        durable: true,
    };
    serve::serve(&workshop).await
}
