//! Writes prompts and answers to files for debugging. They contain the transcript, so only the command line enables this.

use std::path::Path;

use serde_json::json;

use crate::model::{Answer, ErrorKind, Finish, ModelError};
use crate::prompt::Prompt;

/// Writes the `number`-th prompt and its outcome to a file in `dir`. If that fails, so does the call.
pub(crate) async fn write(
    dir: &Path,
    number: usize,
    prompt: &Prompt,
    outcome: Result<Answer, ModelError>,
) -> Result<Answer, ModelError> {
    let request = prompt.request();
    let task = request.task.name();
    let answer = match &outcome {
        Ok(answer) => json!({
            "text": answer.text,
            "cut_off": answer.finish == Finish::Length,
            "usage": answer.usage,
        }),
        Err(error) => json!({ "error": error.to_string() }),
    };
    let content = json!({
        "task": task,
        "part": request.part.0,
        "target_words": request.target_words.0,
        "max_tokens": prompt.max_tokens().0,
        "system": prompt.messages().system,
        "user": prompt.messages().user,
        "answer": answer,
    });
    let path = dir.join(format!("{number:04}-{task}-{:03}.json", request.part.0));
    let written = async {
        tokio::fs::create_dir_all(dir).await?;
        tokio::fs::write(&path, format!("{content:#}")).await
    };
    written.await.map_err(|error| {
        let message = format!("could not write the trace {}: {error}", path.display());
        // Not the fault of the call, so it is not recorded as its outcome.
        ModelError::new(ErrorKind::Ledger, message)
    })?;
    outcome
}
