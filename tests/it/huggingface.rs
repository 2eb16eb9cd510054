//! The Hugging Face client against a simulated server over real sockets: requests, and every form of answer.

use std::sync::Arc;
use std::time::Duration;

use crate::support::behaviour::{Behaviour, Completion, End};
use crate::support::chat_server::ChatServer;
use crate::support::huggingface::{
    TOKEN, answer_to, client, client_to, event, events, piece, prompt, settings, submit,
};
use bytes::Bytes;
use reqwest::Url;
use serde_json::{Map, json};
use tokio::sync::Barrier;
use transcript_summarizer::http::Http;
use transcript_summarizer::model::{Answer, ErrorKind, Finish, TokenUsage};
use transcript_summarizer::provider::Settings;
use transcript_summarizer::provider::huggingface::HuggingFaceSettings;
use transcript_summarizer::provider::task::EndpointTask;

#[tokio::test]
async fn the_request_is_what_servers_expect() {
    let server = ChatServer::start(|_| Behaviour::text("Fine.")).await;
    let parameters = json!({"temperature": 0.2, "chat_template_kwargs": {"enable_thinking": false},
                            "model": "other", "messages": [], "stream": false, "max_tokens": 1});
    let parameters = parameters.as_object().unwrap().clone();
    let model = client_to(Url::parse(server.url()).unwrap(), parameters);
    submit(&model).await.unwrap();

    let requests = server.requests();
    let sent = &requests[0];
    assert_eq!(sent.path, "/v1/chat/completions");
    assert_eq!(
        sent.header("authorization"),
        Some(format!("Bearer {TOKEN}").as_str())
    );
    assert_eq!(sent.header("content-type"), Some("application/json"));
    assert!(
        sent.header("user-agent")
            .unwrap()
            .starts_with("transcript-summarizer/")
    );
    assert!(
        sent.raw
            .starts_with(b"{\"model\":\"openai/gpt-oss-120b:fastest\","),
        "{:?}",
        sent.raw
    );
    let prompt = prompt();
    let words = prompt.messages();
    assert_eq!(
        sent.body,
        json!({
            "model": "openai/gpt-oss-120b:fastest",
            "messages": [{"role": "system", "content": words.system}, {"role": "user", "content": words.user}],
            "max_tokens": 100,
            "stream": true,
            "stream_options": {"include_usage": true},
            "temperature": 0.2,
            "chat_template_kwargs": {"enable_thinking": false},
        })
    );
}

#[tokio::test]
async fn the_limit_goes_by_its_newer_name_where_that_is_wanted() {
    let server = ChatServer::start(|_| Behaviour::text("Fine.")).await;
    let parameters = json!({"max_completion_tokens": true});
    let parameters = parameters.as_object().unwrap().clone();
    let model = client_to(Url::parse(server.url()).unwrap(), parameters);
    submit(&model).await.unwrap();
    let body = &server.requests()[0].body;
    assert_eq!(body["max_completion_tokens"], 100);
    assert_eq!(body.get("max_tokens"), None);
}

#[tokio::test]
async fn answers_of_every_form() {
    let usage = |prompt_tokens, completion_tokens| {
        Some(TokenUsage {
            prompt_tokens,
            completion_tokens,
        })
    };
    let streamed = Behaviour::Answer(Completion {
        text: "The Zürich board met — twice.".to_owned(),
        finish: "stop",
        usage: Some((31, 8)),
    });
    let expected = Answer {
        is_reasoning: false,
        is_interrupted: false,
        text: "The Zürich board met — twice.".to_owned(),
        finish: Finish::Stop,
        usage: usage(31, 8),
        job_time: None,
        written_by: None,
    };
    assert_eq!(answer_to(streamed).await.unwrap(), expected);

    let whole = json!({"choices": [{"message": {"content": expected.text}, "finish_reason": "stop"}],
                       "usage": {"prompt_tokens": 31, "completion_tokens": 8}});
    let ignoring_stream = Behaviour::body("text/plain", whole.to_string());
    assert_eq!(answer_to(ignoring_stream).await.unwrap(), expected);

    let cut = answer_to(Behaviour::finished("The board", "length"))
        .await
        .unwrap();
    assert_eq!(
        (cut.text.as_str(), cut.finish),
        ("The board", Finish::Length)
    );

    let bytes = b"\xef\xbb\xbf: hello\r\n\r\nid: 1\r\nevent: x\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"Z\xc3\xbcrich\"}}]}\r\n\r\ndata: {\"choices\":[{\"delta\":{},\"finish_reason\":\"eos_token\"}]}\r\n\r\n";
    let single_bytes = bytes
        .iter()
        .map(|byte| Bytes::copy_from_slice(&[*byte]))
        .collect();
    let answer = answer_to(Behaviour::Pieces(
        "application/octet-stream",
        single_bytes,
        End::Properly,
    ))
    .await;
    assert_eq!(answer.unwrap().text, "Zürich");

    let thinking = json!({"choices": [{"delta": {"content": null, "reasoning_content": "hm"}, "finish_reason": "length"}]});
    let done = Bytes::from_static(b"data: [DONE]\n\n");
    let answer = answer_to(events(vec![event(&thinking), done.clone()], End::Properly))
        .await
        .unwrap();
    assert_eq!((answer.text.as_str(), answer.finish), ("", Finish::Length));

    // The client does not wait for a server that keeps the connection open after the last event.
    let last = json!({"choices": [{"delta": {"content": [{"type": "text", "text": "b"}]}, "finish_reason": "stop"}]});
    let answer = answer_to(events(vec![piece("a"), event(&last), done], End::Silence))
        .await
        .unwrap();
    assert_eq!(answer.text, "ab");
}

/// Time is paused: it moves on only while client and server both wait.
#[tokio::test(start_paused = true)]
async fn a_stream_may_take_longer_than_the_idle_timeout_if_no_pause_does() {
    let slow = [
        vec![piece("word "); 30],
        vec![event(
            &json!({"choices": [{"delta": {}, "finish_reason": "stop"}]}),
        )],
    ];
    let paced = |pause| answer_to(Behaviour::Paced(pause, slow.concat()));
    let answer = paced(Duration::from_millis(400)).await.unwrap();
    assert_eq!(answer.text.split(' ').count(), 30);
    let error = paced(Duration::from_millis(1100)).await.unwrap_err();
    assert!(error.to_string().contains("1 s"), "{error}");
}

#[tokio::test]
async fn calls_run_side_by_side_and_the_token_stays_hidden() {
    let all = Arc::new(Barrier::new(3));
    let server = ChatServer::start(move |_| {
        Behaviour::Together(Arc::clone(&all), Box::new(Behaviour::text("x")))
    })
    .await;
    let model = client(server.url());
    assert!(!format!("{model:?}").contains("AbCdEfGh"));
    let (a, b, c) = tokio::join!(submit(&model), submit(&model), submit(&model));
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(server.max_in_flight(), 3);

    let url = Url::parse(server.url()).unwrap();
    let broken = settings(&format!("{TOKEN}\n"), url, Map::new());
    assert!(!format!("{broken:?}").contains("AbCdEfGh"));
    let (task, remote) = (EndpointTask::Chat, broken);
    let broken = HuggingFaceSettings {
        task,
        remote,
        token_variable: "HF_API_TOKEN",
        thinking: None,
    };
    let model = broken.connect(&Http::default()).await.unwrap();
    assert!(!format!("{model:?}").contains("AbCdEfGh"));
    let error = submit(model.as_ref()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Configuration, "{error}");
    assert!(
        error.message.contains("HF_API_TOKEN") && !error.message.contains("AbCdEfGh"),
        "{error}"
    );
    assert_eq!(server.requests().len(), 3);
}
