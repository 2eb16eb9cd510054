//! Finds the base URL of an endpoint with a queue: strips operations that were copied with it, and rejects URLs of other
//! products.
//!
//! RunPod's endpoints with a queue are `https://api.runpod.ai/v2/<endpoint id>`. A [load-balancing
//! endpoint](https://docs.runpod.io/serverless/load-balancing/overview), `https://<endpoint id>.api.runpod.ai`, is a
//! different product without a queue or jobs.

use reqwest::Url;

/// Path endings that people copy together with the base URL.
const TAILS: &str =
    "/openai/v1/chat/completions|/openai/v1|/openai|/status-sync|/runsync|/status|/health|/run|/";

/// The domain of RunPod's URLs.
const DOMAIN: &str = ".runpod.ai";

pub(crate) const LOAD_BALANCING: &str = "the address of an endpoint with a queue, https://api.runpod.ai/v2/<endpoint id>; this is a \
    load-balancing endpoint";

const NO_ENDPOINT: &str = "https://api.runpod.ai/v2/<endpoint id>, with the id of the endpoint as RunPod's console shows it";

/// The base URL of an endpoint's operations, without a trailing slash. A self-hosted server may be at any URL.
///
/// # Errors
/// What is expected instead, if the URL is that of a load-balancing endpoint or names no endpoint.
pub(crate) fn base_url(given: &Url) -> Result<Url, &'static str> {
    let mut path = given.path();
    while let Some(head) = TAILS.split('|').find_map(|tail| path.strip_suffix(tail)) {
        path = head;
    }
    let host = given.host_str().unwrap_or_default();
    if host.ends_with(".api.runpod.ai") {
        return Err(LOAD_BALANCING);
    }
    let is_id = |id: &str| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        !id.is_empty() && id.chars().all(is_part)
    };
    let names_endpoint = if host.ends_with(DOMAIN) {
        path.strip_prefix("/v2/").is_some_and(is_id)
    } else {
        path != "/v2"
    };
    if !names_endpoint {
        return Err(NO_ENDPOINT);
    }
    let mut url = given.clone();
    url.set_path(path);
    Ok(url)
}

/// The URL of an operation, on the job `id` if there is one. An id is encoded as one path segment, whatever it contains.
pub(crate) fn operation<'a>(base: &Url, name: &str, id: impl IntoIterator<Item = &'a str>) -> Url {
    let mut url = base.clone();
    // This never fails, because an HTTP URL always has a path.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().push(name).extend(id);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(url: &str) -> Result<String, &'static str> {
        base_url(&Url::parse(url).unwrap()).map(|url| url.to_string())
    }

    #[test]
    fn operations_that_were_copied_along_are_cut_off() {
        let endpoint = "https://api.runpod.ai/v2/abc123";
        for tail in [
            "",
            "/",
            "/run",
            "/runsync",
            "/status/",
            "/openai/v1",
            "/openai/v1/chat/completions",
            "/health",
        ] {
            assert_eq!(
                base(&format!("{endpoint}{tail}")).as_deref(),
                Ok(endpoint),
                "{tail}"
            );
        }
        for (own, expected) in [
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000/"),
            ("http://127.0.0.1:8000/run", "http://127.0.0.1:8000/"),
            ("http://127.0.0.1:8000/v2/x/", "http://127.0.0.1:8000/v2/x"),
            (
                "https://proxy.example.org/rp/v2/x",
                "https://proxy.example.org/rp/v2/x",
            ),
            (
                "https://dev-api.runpod.ai/v2/qwen3-32b-awq",
                "https://dev-api.runpod.ai/v2/qwen3-32b-awq",
            ),
        ] {
            assert_eq!(base(own).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn other_addresses_are_refused() {
        for (url, error) in [
            ("https://abc123.api.runpod.ai/v1", LOAD_BALANCING),
            ("https://api.runpod.ai/v2/", NO_ENDPOINT),
            ("https://api.runpod.ai/v2/run", NO_ENDPOINT),
            ("https://api.runpod.ai", NO_ENDPOINT),
            ("https://api.runpod.ai/abc123", NO_ENDPOINT),
            ("https://api.runpod.ai/v2/<endpoint id>", NO_ENDPOINT),
            ("http://127.0.0.1:8000/v2", NO_ENDPOINT),
        ] {
            assert_eq!(base(url), Err(error), "{url}");
        }
    }

    #[test]
    fn an_id_is_one_segment() {
        for base in ["http://127.0.0.1:8000/", "http://127.0.0.1:8000/v2/x"] {
            let url = operation(&Url::parse(base).unwrap(), "status", Some("a/../b?c#d%é"));
            let expected = format!(
                "{}/status/a%2F..%2Fb%3Fc%23d%25%C3%A9",
                base.trim_end_matches('/')
            );
            assert_eq!(url.as_str(), expected);
        }
    }
}
