//! The routes of a simulated RunPod endpoint: their effects and replies.

use std::io;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::runpod_faults::{Fault, Route};
use super::runpod_server::{Call, ENDPOINT, KEY, LongPoll, Shared, State};

/// Status, headers and body.
pub(crate) type Reply = (u16, Vec<(&'static str, String)>, String);

fn json_reply(status: u16, body: &Value) -> Reply {
    let content_type = ("content-type", "application/json".to_owned());
    (status, vec![content_type], body.to_string())
}

pub(super) async fn handle(
    request: Request<Incoming>,
    shared: &Shared,
    reset: &AtomicBool,
) -> Result<Response<Full<Bytes>>, io::Error> {
    let (head, body) = request.into_parts();
    let raw = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let path = head.uri.path().to_owned();
    let target = path.strip_prefix(&format!("/v2/{ENDPOINT}/"));
    let (name, id) = target.map_or(("", None), |target| match target.split_once('/') {
        Some((name, id)) => (name, Some(decode(id))),
        None => (target, None),
    });
    let route = match name {
        "batch" => {
            let tail = id
                .as_deref()
                .map(|id| id.split_once('/').map_or("", |(_, tail)| tail));
            Route::of_batch(&head.method, tail)
        }
        _ => Route::named(&head.method, name),
    };
    let route = route.filter(|route| route.needs_id() == id.is_some());
    let call = Call {
        route,
        method: head.method,
        target: head
            .uri
            .path_and_query()
            .map(ToString::to_string)
            .unwrap_or_default(),
        headers: head.headers,
        body: serde_json::from_slice(&raw).unwrap_or_default(),
    };
    let fault = {
        let mut state = shared.state.lock().unwrap();
        state.calls.push(call.clone());
        route.and_then(|route| state.faults.take(route))
    };
    let id = id.unwrap_or_default();
    let wait = head.uri.query().and_then(|query| {
        let value = query.split('&').find_map(|pair| pair.strip_prefix("wait="));
        value?.parse().ok().map(Duration::from_millis)
    });
    let reply = match fault {
        Some(Fault::Before(trouble)) => trouble.happen(None, reset).await?,
        Some(Fault::After(trouble)) => {
            let reply = answer(shared, &call, &id, wait, false).await;
            trouble.happen(Some(reply), reset).await?
        }
        None => answer(shared, &call, &id, wait, true).await,
    };
    let (status, headers, body) = reply;
    headers
        .into_iter()
        .fold(Response::builder().status(status), |response, header| {
            response.header(header.0, header.1)
        })
        .body(Full::from(body))
        .map_err(io::Error::other)
}

fn decode(id: &str) -> String {
    percent_encoding::percent_decode_str(id)
        .decode_utf8_lossy()
        .into_owned()
}

/// The reply of a healthy endpoint. `arrives` says whether the client will receive it.
async fn answer(
    shared: &Shared,
    call: &Call,
    id: &str,
    wait: Option<Duration>,
    arrives: bool,
) -> Reply {
    let authorization = call.headers.get("authorization");
    if authorization.and_then(|value| value.to_str().ok()) != Some(&format!("Bearer {KEY}")) {
        return (401, Vec::new(), String::new());
    }
    let unknown = || json_reply(404, &json!({"error": "not found"}));
    if let Some((status, body)) = batch(shared, call, id, arrives) {
        return json_reply(status, &body);
    }
    match call.route {
        None
        | Some(
            Route::BatchCreate
            | Route::BatchAdd
            | Route::BatchFinalize
            | Route::BatchView
            | Route::BatchList
            | Route::BatchCancel,
        ) => unknown(),
        Some(Route::Run) => submit(shared, call),
        Some(Route::Status) => look(shared, id, arrives),
        Some(Route::StatusSync) => {
            let mode = shared.state.lock().unwrap().long_poll;
            match mode {
                LongPoll::Unknown => return unknown(),
                LongPoll::NotAllowed => {
                    return json_reply(405, &json!({"detail": "Method Not Allowed"}));
                }
                LongPoll::AtOnce => {}
                LongPoll::Held => hold(shared, id, wait.unwrap_or(Duration::from_secs(90))).await,
            }
            look(shared, id, arrives)
        }
        Some(Route::Retry) => {
            let outcome = shared.state.lock().unwrap().jobs.retry(id, &shared.plan);
            shared.changed.notify_waiters();
            match outcome {
                None => unknown(),
                Some(true) => json_reply(200, &json!({"id": id, "status": "IN_QUEUE"})),
                Some(false) => json_reply(400, &json!({"error": "job is not in a failed state"})),
            }
        }
        Some(Route::Cancel) => {
            let known = shared.state.lock().unwrap().jobs.cancel(id, false);
            shared.changed.notify_waiters();
            if known {
                json_reply(200, &json!({"id": id, "status": "CANCELLED"}))
            } else {
                unknown()
            }
        }
        Some(Route::Health) => {
            let state = shared.state.lock().unwrap();
            let views = state.jobs.views();
            let count = |status| views.iter().filter(|view| view.status == status).count();
            let running = count("IN_PROGRESS");
            let idle = state.jobs.workers().saturating_sub(running);
            json_reply(
                200,
                &json!({
                    "jobs": {"completed": count("COMPLETED"), "failed": count("FAILED"),
                             "inProgress": running, "inQueue": count("IN_QUEUE"), "retried": 0},
                    "workers": {"idle": idle, "running": running, "initializing": 0, "ready": idle,
                                "throttled": state.throttled, "unhealthy": state.unhealthy},
                }),
            )
        }
    }
}

/// The reply to a call about batches, if it is one about a known batch.
fn batch(shared: &Shared, call: &Call, path: &str, arrives: bool) -> Option<(u16, Value)> {
    let id = path.split('/').next().unwrap_or_default();
    let mut state = shared.state.lock().unwrap();
    let State { batches, jobs, .. } = &mut *state;
    match call.route? {
        Route::BatchCreate => Some(batches.create(&call.body)),
        Route::BatchAdd => Some(batches.get(id)?.add(&call.body["requests"])),
        Route::BatchFinalize => Some(batches.get(id)?.finalize(jobs, &shared.plan)),
        Route::BatchView => Some(batches.get(id)?.view(jobs)),
        Route::BatchList => {
            let number = |name: &str| {
                let (_, query) = call.target.split_once('?')?;
                let value = query.split('&').find_map(|pair| pair.strip_prefix(name));
                value?.parse().ok()
            };
            let (offset, limit) = (number("offset="), number("limit="));
            let batch = batches.get(id)?;
            Some(batch.list(jobs, offset.unwrap_or(0), limit.unwrap_or(50), arrives))
        }
        Route::BatchCancel => Some(batches.get(id)?.cancel(jobs, false)),
        _ => None,
    }
}

fn submit(shared: &Shared, call: &Call) -> Reply {
    if !call.body["input"].is_object() {
        return json_reply(400, &json!({"error": "input is required"}));
    }
    let mut state = shared.state.lock().unwrap();
    let id = state.jobs.submit(call.body.clone(), &shared.plan);
    json_reply(200, &json!({"id": id, "status": "IN_QUEUE"}))
}

/// Waits until the job has ended, is unknown, or the wait is over.
async fn hold(shared: &Shared, id: &str, wait: Duration) {
    let deadline = Instant::now() + wait;
    loop {
        let changed = shared.changed.notified();
        let next = match shared.state.lock().unwrap().jobs.view(id) {
            None => return,
            Some(view) if view.is_final() => return,
            Some(view) => view.next,
        };
        let now = Instant::now();
        if now >= deadline {
            return;
        }
        let until = next.unwrap_or(deadline).min(deadline);
        tokio::select! {
            () = tokio::time::sleep_until(until) => {}
            () = changed => {}
        }
    }
}

fn look(shared: &Shared, id: &str, arrives: bool) -> Reply {
    let mut state = shared.state.lock().unwrap();
    *state.polls.entry(id.to_owned()).or_default() += 1;
    let Some(view) = state.jobs.view(id) else {
        return json_reply(404, &json!({"error": "job not found"}));
    };
    if view.is_final() && arrives {
        state.jobs.mark_fetched(id);
    }
    json_reply(200, &view.body)
}
