//! Validates endpoint URLs: they must be encrypted and hold nothing that must not appear in logs.

use std::net::IpAddr;

use reqwest::Url;

use crate::config::{ConfigError, Variable};

/// Maximum length of a value quoted in an error, in characters.
const MAX_SHOWN: usize = 200;

/// Parses an endpoint URL from the value of an environment variable.
///
/// # Errors
/// If it is not an `https://` URL with a host, carries credentials, a query or a fragment (keys would reach the logs), or is
/// `http://` to anything but this machine (the token would travel in the clear).
pub(crate) fn parse_endpoint(variable: Variable, value: &str) -> Result<Url, ConfigError> {
    let value = value.trim();
    let refuse = |problem| {
        let expected = format!(
            "an https:// URL without credentials, query or fragment, or http:// for loopback addresses only; this one {problem}"
        );
        ConfigError::invalid(variable, without_credentials(value), expected)
    };
    if value.is_empty() {
        return Err(refuse("is empty"));
    }
    let url = Url::parse(value).map_err(|_| {
        refuse(match value.is_ascii() {
            true => "is not a URL",
            false => "is not one in ASCII: write a host in other letters in Punycode, as xn--…",
        })
    })?;
    let host = url.host_str().unwrap_or_default();
    match url.scheme() {
        "https" if !host.is_empty() => {}
        "http" if is_loopback(host) => {}
        "http" => return Err(refuse("would send the token unencrypted")),
        _ => return Err(refuse("does not begin with https:// or http://")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("holds credentials"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("holds a query or a fragment"));
    }
    Ok(url)
}

/// Whether a host is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// The value in a form that may be shown: without user information and query, and not at all if it looks like a key.
fn without_credentials(value: &str) -> String {
    let (scheme, rest) = match value.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None if value.len() > 16 && !value.contains(['.', ':', '/']) => return "***".to_owned(),
        None => (String::new(), value),
    };
    // User information is cut at the last `@` first, since a password may contain a question mark.
    let (user, rest) = match rest.rsplit_once('@') {
        Some((_, rest)) => ("***@", rest),
        None => ("", rest),
    };
    let (rest, query) = match rest.find(['?', '#']) {
        Some(at) => (rest.split_at(at).0, "?***"),
        None => (rest, ""),
    };
    format!("{scheme}{user}{rest}{query}")
        .chars()
        .take(MAX_SHOWN)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: Variable = Variable::new("HF_ENDPOINT_URL", "");

    #[test]
    fn https_is_accepted_anywhere_and_http_to_this_machine() {
        for value in [
            "https://router.huggingface.co/v1",
            "https://xn--mnchen-3ya.de/für",
            " https://abc.us-east-1.aws.endpoints.huggingface.cloud ",
            "HTTPS://api.runpod.ai/v2/abc",
            "http://localhost:8080/v1",
            "http://127.0.0.1:8080",
            "http://127.8.9.1",
            "http://[::1]:9000/v2/x",
        ] {
            assert!(parse_endpoint(URL, value).is_ok(), "{value}");
        }
    }

    #[test]
    fn refusals_name_variable_and_value_without_credentials() {
        for (value, shown, problem) in [
            ("", "", "empty"),
            (
                "router.huggingface.co",
                "router.huggingface.co",
                "not a URL",
            ),
            ("hf_abcdefghijklmnopqrstuv", "***", "not a URL"),
            ("https://münchen.de", "https://münchen.de", "Punycode"),
            (
                "ftp://host/x",
                "ftp://host/x",
                "does not begin with https://",
            ),
            ("http://10.0.0.7/v1", "http://10.0.0.7/v1", "unencrypted"),
            (
                "http://localhost.example.org",
                "http://localhost.example.org",
                "unencrypted",
            ),
            ("http://0.0.0.0:1", "http://0.0.0.0:1", "unencrypted"),
            (
                "https://me:pa?ss@host/v1",
                "https://***@host/v1",
                "credentials",
            ),
            ("https://me@host/v1", "https://***@host/v1", "credentials"),
            ("https://host/v1?key=abc", "https://host/v1?***", "query"),
        ] {
            let error = parse_endpoint(URL, value).unwrap_err();
            let text = error.to_string();
            assert!(
                text.starts_with(&format!("HF_ENDPOINT_URL is {shown:?}")),
                "{text}"
            );
            assert!(
                text.contains(problem) && text.contains("https://"),
                "{text}"
            );
        }
    }
}
