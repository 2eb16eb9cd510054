//! Writes prompts and answers to files, for debugging. They hold what was said, so only the command line asks for this.

use std::path::Path;

use serde_json::{Value, json};

use crate::model::client::Attempt;
use crate::model::{ErrorKind, Finish, ModelError};
use crate::prompt::Prompt;

/// Writes the `number`-th prompt and the end of its attempt into `dir`. The attempt fails if that is not possible.
pub(crate) async fn write(dir: &Path, number: usize, prompt: &Prompt, attempt: Attempt) -> Attempt {
    let request = prompt.request();
    let task = request.task.name();
    let answer = match &attempt {
        Attempt::Answered(answer) => json!({
            "text": answer.text,
            "cut_off": answer.finish == Finish::Length,
            "usage": answer.usage.map(|usage| json!({
                "prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens })),
        }),
        Attempt::Failed(error) | Attempt::Running(error) => json!({ "error": error.to_string() }),
    };
    let content: Value = json!({
        "task": task,
        "part": request.part.0,
        "target_words": request.target_words,
        "max_tokens": prompt.max_tokens(),
        "system": prompt.messages().system,
        "user": prompt.messages().user,
        "answer": answer,
    });
    let path = dir.join(format!("{number:04}-{task}-{:03}.json", request.part.0));
    let written = async {
        tokio::fs::create_dir_all(dir).await?;
        tokio::fs::write(&path, format!("{content:#}")).await
    };
    match written.await {
        Ok(()) => attempt,
        Err(error) => {
            let message = format!("could not write the trace {}: {error}", path.display());
            Attempt::Failed(ModelError::new(ErrorKind::BadInput, message))
        }
    }
}
