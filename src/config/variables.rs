//! The environment variables, as the README documents them.

/// One environment variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What holds when it is not set, as the README writes it.
    pub default: &'static str,
}

/// Every variable that [`Config`](crate::config::Config) reads.
pub const VARIABLES: [Variable; 25] = {
    const fn variable(name: &'static str, default: &'static str) -> Variable {
        Variable { name, default }
    }
    [
        variable("MODEL_PROVIDER", "the one whose key is set"),
        variable("HF_API_TOKEN", "–"),
        variable("HF_API_TOKEN_SECRET_ARN", "–"),
        variable("HF_MODEL", "`openai/gpt-oss-120b`"),
        variable("HF_ENDPOINT_URL", "`https://router.huggingface.co/v1`"),
        variable("HF_TASK", "`chat`"),
        variable("RUNPOD_API_KEY", "–"),
        variable("RUNPOD_API_KEY_SECRET_ARN", "–"),
        variable("RUNPOD_ENDPOINT_URL", "–"),
        variable("RUNPOD_MODEL", "–"),
        variable(
            "MODEL_CONTEXT_TOKENS",
            "`32768` (2048 for `HF_TASK=summarization`)",
        ),
        variable("MODEL_REASONING_TOKENS", "`1024`"),
        variable("MODEL_PARAMETERS", "`{}`"),
        variable("CHUNK_TOKENS", "`6000`"),
        variable("MODEL_CONCURRENCY", "`8`"),
        variable("MAX_MODEL_CALLS", "`150`"),
        variable("PRICE_INPUT_PER_MTOK", "–"),
        variable("PRICE_OUTPUT_PER_MTOK", "–"),
        variable("SUMMARY_WORDS", "`4000`"),
        variable("OUTPUT_BUCKET", "the source's bucket"),
        variable("OUTPUT_PREFIX", "`summaries/`"),
        variable("INPUT_SUFFIXES", "`.txt`"),
        variable("MAX_INPUT_BYTES", "`67108864`"),
        variable("STORE_DIR", "–"),
        variable("AWS_ENDPOINT_URL_S3", "–"),
    ]
};
