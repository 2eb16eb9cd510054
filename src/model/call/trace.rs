//! Requests and answers written to files, for debugging. They hold what was said, so only the command line does this.

use std::path::Path;

use serde_json::json;

use crate::model::{Answer, Finish, ModelError, ModelErrorKind};
use crate::prompt;
use crate::prompt::Request;

/// Writes the `number`-th request and what became of it into `dir`.
pub(crate) async fn write(
    dir: &Path,
    number: usize,
    request: &Request,
    outcome: &Result<Answer, ModelError>,
) -> Result<(), ModelError> {
    let messages = prompt::messages(request);
    let answer = match outcome {
        Ok(answer) => json!({
            "text": answer.text,
            "cut_off": answer.finish == Finish::Length,
            "usage": answer.usage.map(|usage| json!({
                "prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens })),
        }),
        Err(error) => json!({ "error": error.to_string() }),
    };
    let content = json!({
        "task": request.task.name(),
        "part": request.part.0,
        "target_words": request.target_words,
        "max_tokens": request.max_tokens,
        "system": messages.system,
        "user": messages.user,
        "answer": answer,
    });
    let path = dir.join(format!(
        "{number:04}-{}-{:03}.json",
        request.task.name(),
        request.part.0
    ));
    let text = serde_json::to_vec_pretty(&content).unwrap_or_default();
    let written = async {
        tokio::fs::create_dir_all(dir).await?;
        tokio::fs::write(&path, text).await
    };
    written.await.map_err(|error| ModelError {
        kind: ModelErrorKind::BadInput,
        message: format!("could not write the trace {}: {error}", path.display()),
    })
}
