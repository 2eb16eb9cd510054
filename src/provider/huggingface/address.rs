//! Builds request URLs from the configured endpoint and recognizes the kinds of endpoints.

use reqwest::Url;

use crate::wire::endpoint::is_loopback;
use crate::wire::failure::Site;
use crate::wire::summarization::Dialect;

const ROUTER_HOST: &str = "router.huggingface.co";

/// The path of the router's task API, followed by the model's id.
const TASK_API: &str = "/hf-inference/models/";

/// Whether this is a URL of the router.
pub(crate) fn is_router_host(endpoint: &Url) -> bool {
    endpoint.host_str() == Some(ROUTER_HOST)
}

/// The domain of dedicated endpoints, which may scale to zero.
const DEDICATED_DOMAIN: &str = ".endpoints.huggingface.cloud";

/// The domain of Hugging Face's services.
const DOMAIN: &str = ".huggingface.co";

/// The domain of RunPod's load balancers, which pass requests on to workers without a queue.
const LOAD_BALANCER_DOMAIN: &str = ".api.runpod.ai";

/// Routes with a fixed response format.
const FIXED_FORMS: [&str; 3] = ["/generate", "/generate_stream", "/predict"];

/// What is behind a URL.
pub(crate) fn site(endpoint: &Url) -> Site {
    match endpoint.host_str().unwrap_or_default() {
        ROUTER_HOST => Site::Service,
        host if host.ends_with(DEDICATED_DOMAIN) => Site::Dedicated,
        host if host.ends_with(LOAD_BALANCER_DOMAIN) => Site::LoadBalancer,
        host if is_loopback(host) => Site::ThisMachine,
        _ => Site::Server,
    }
}

/// Whether the token of Hugging Face's own tools may be sent there.
pub(crate) fn is_for_tokens_of_tools(endpoint: &Url) -> bool {
    let host = endpoint.host_str().unwrap_or_default();
    host.ends_with(DOMAIN) || host.ends_with(DEDICATED_DOMAIN) || is_loopback(host)
}

/// Whether this route has a fixed response format. `stream` must not be sent then, because such a route may reject unknown
/// members.
pub(crate) fn has_fixed_form(url: &Url) -> bool {
    FIXED_FORMS.iter().any(|end| url.path().ends_with(end))
}

/// Whether this is the router's base URL and not the URL of one of its models.
pub(crate) fn is_router(endpoint: &Url) -> bool {
    is_router_host(endpoint) && matches!(endpoint.path().trim_end_matches('/'), "" | "/v1")
}

/// How the server at this URL expects the parameters of summarization.
pub(crate) fn dialect(url: &Url) -> Dialect {
    match url.path().starts_with(TASK_API) {
        true => Dialect::TaskApi,
        false => Dialect::Pipeline,
    }
}

/// The URL of chat completions below the configured one, built like in
/// [huggingface_hub](https://github.com/huggingface/huggingface_hub).
pub(crate) fn chat(endpoint: &Url) -> Url {
    let path = endpoint.path().trim_end_matches('/');
    let path = if path.ends_with("/chat/completions") {
        path.to_owned()
    } else if path.ends_with("/v1") {
        format!("{path}/chat/completions")
    } else {
        format!("{path}/v1/chat/completions")
    };
    with_path(endpoint, &path)
}

/// The URL of a model's own task: the configured one, or for the router that of the model in the task API.
pub(crate) fn task(endpoint: &Url, model: &str) -> Url {
    if is_router(endpoint) {
        // A `:provider` suffix is only understood by the router's chat completions.
        let model = model.split(':').next().unwrap_or(model);
        with_path(endpoint, &format!("{TASK_API}{model}"))
    } else {
        with_path(endpoint, endpoint.path().trim_end_matches('/'))
    }
}

/// The URL of another route of the server: beside that of the configured one, and below the same path.
pub(crate) fn beside(endpoint: &Url, route: &str) -> Url {
    let path = endpoint.path().trim_end_matches('/');
    let known = ["/chat/completions", "/v1"].iter().chain(&FIXED_FORMS);
    let base = known.fold(path, |path, end| path.strip_suffix(end).unwrap_or(path));
    with_path(endpoint, &format!("{base}{route}"))
}

fn with_path(endpoint: &Url, path: &str) -> Url {
    let mut url = endpoint.clone();
    url.set_path(path);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chat_completions_are_found_below_any_address() {
        for (given, expected) in [
            (
                "https://router.huggingface.co/v1",
                "https://router.huggingface.co/v1/chat/completions",
            ),
            (
                "https://router.huggingface.co/v1/",
                "https://router.huggingface.co/v1/chat/completions",
            ),
            (
                "https://x.endpoints.huggingface.cloud",
                "https://x.endpoints.huggingface.cloud/v1/chat/completions",
            ),
            (
                "https://host/v1/chat/completions",
                "https://host/v1/chat/completions",
            ),
            (
                "https://host/novita/v3/openai",
                "https://host/novita/v3/openai/v1/chat/completions",
            ),
            (
                "https://router.huggingface.co/hf-inference/models/a/b",
                "https://router.huggingface.co/hf-inference/models/a/b/v1/chat/completions",
            ),
        ] {
            assert_eq!(chat(&Url::parse(given).unwrap()).as_str(), expected);
        }
    }

    #[test]
    fn other_routes_are_beside_those_that_answer() {
        for (given, expected) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/props"),
            ("http://127.0.0.1:8080/v1/", "http://127.0.0.1:8080/props"),
            ("https://host/v1/chat/completions", "https://host/props"),
            ("https://host/generate", "https://host/props"),
            (
                "https://host/novita/openai/v1",
                "https://host/novita/openai/props",
            ),
        ] {
            let url = beside(&Url::parse(given).unwrap(), "/props");
            assert_eq!(url.as_str(), expected);
        }
    }

    #[test]
    fn an_address_tells_what_is_behind_it_and_which_tokens_it_gets() {
        for (given, expected, gets_tokens) in [
            ("https://router.huggingface.co/v1", Site::Service, true),
            (
                "https://x.eu-west-1.aws.endpoints.huggingface.cloud",
                Site::Dedicated,
                true,
            ),
            ("https://abc123.api.runpod.ai/v1", Site::LoadBalancer, false),
            ("https://vllm.example.org/v1", Site::Server, false),
            ("https://huggingface.co.example.org/v1", Site::Server, false),
            ("http://127.0.0.1:8080/v1", Site::ThisMachine, true),
            ("http://[::1]:8080", Site::ThisMachine, true),
        ] {
            let url = Url::parse(given).unwrap();
            assert_eq!(site(&url), expected, "{given}");
            assert_eq!(is_for_tokens_of_tools(&url), gets_tokens, "{given}");
        }
    }

    #[test]
    fn tasks_are_asked_of_the_address_itself() {
        for (given, expected) in [
            (
                "https://router.huggingface.co/v1",
                "https://router.huggingface.co/hf-inference/models/facebook/bart-large-cnn",
            ),
            (
                "https://router.huggingface.co/hf-inference/models/a/b/",
                "https://router.huggingface.co/hf-inference/models/a/b",
            ),
            (
                "https://x.endpoints.huggingface.cloud",
                "https://x.endpoints.huggingface.cloud/",
            ),
            ("https://host/generate", "https://host/generate"),
            (
                "https://host/generate_stream",
                "https://host/generate_stream",
            ),
            ("https://host/predict/", "https://host/predict"),
        ] {
            let url = task(
                &Url::parse(given).unwrap(),
                "facebook/bart-large-cnn:cheapest",
            );
            assert_eq!(url.as_str(), expected);
        }
    }
}
