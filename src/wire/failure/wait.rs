//! Reads the wait that a server asks for from its headers or its error text.
//!
//! Servers send `Retry-After` ([RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#field.retry-after)), OpenAI's
//! `retry-after-ms`, or, like Hugging Face, the draft
//! [`ratelimit`](https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/) with the seconds until it resets.

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// Longer waits are ignored: these services have no longer limits, and no invocation runs that long.
const LONGEST: Duration = Duration::from_secs(3600);

/// Reads the wait from headers: `retry-after-ms`, `Retry-After` in seconds or as a date (relative to the server's own
/// `Date`, otherwise to `now`), or the reset time of an exhausted `ratelimit: "api";r=0;t=55`.
pub(crate) fn in_headers(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let date = |name: &str| httpdate::parse_http_date(text(name)?).ok();
    let milliseconds = || seconds(text("retry-after-ms")?).map(|wait| wait / 1000);
    let retry_after = || {
        seconds(text(RETRY_AFTER.as_str())?).or_else(|| {
            let now = date(DATE.as_str()).unwrap_or(now);
            let until = date(RETRY_AFTER.as_str())?;
            // A date in the past means no wait.
            Some(until.duration_since(now).unwrap_or_default())
        })
    };
    let reset = || {
        let mut members = text("ratelimit")?.split(';').map(str::trim);
        let left = members.clone().find_map(|member| member.strip_prefix("r="));
        let wait = members.find_map(|member| member.strip_prefix("t="))?;
        seconds(wait).filter(|_| left.is_none_or(|left| left == "0"))
    };
    milliseconds()
        .or_else(retry_after)
        .or_else(reset)
        .filter(|wait| *wait <= LONGEST)
}

/// Reads the wait from `… try again in 7m12.5s`, as worded by Groq and OpenAI. `text` is lower-case.
pub(crate) fn in_words(text: &str) -> Option<Duration> {
    let (_, mut rest) = text.split_once("try again in ")?;
    let mut wait = Duration::ZERO;
    let mut found = false;
    while let Some(end) = rest.find(|c: char| !c.is_ascii_digit() && c != '.') {
        let (number, tail) = rest.split_at(end);
        let Some(number) = seconds(number) else { break };
        let (unit, scale) = [
            ("ms", 0.001),
            ("milli", 0.001),
            ("s", 1.0),
            ("m", 60.0),
            ("h", 3600.0),
        ]
        .into_iter()
        .find(|(unit, _)| tail.trim_start().starts_with(unit))?;
        wait += Duration::try_from_secs_f64(number.as_secs_f64() * scale).ok()?;
        found = true;
        rest = tail.trim_start().strip_prefix(unit).unwrap_or_default();
    }
    (found && wait <= LONGEST).then_some(wait)
}

fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};

    fn wait(headers: &[(&'static str, &'static str)]) -> Option<f64> {
        let headers = headers
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        let now = httpdate::parse_http_date("Fri, 20 Nov 2026 10:00:00 GMT").unwrap();
        in_headers(&headers, now).map(|wait| wait.as_secs_f64())
    }

    #[test]
    fn waits_are_read_from_every_form_of_header() {
        assert_eq!(wait(&[("retry-after", "7")]), Some(7.0));
        assert_eq!(wait(&[("retry-after", "0.25")]), Some(0.25));
        assert_eq!(
            wait(&[("retry-after", "Fri, 20 Nov 2026 10:00:30 GMT")]),
            Some(30.0)
        );
        assert_eq!(
            wait(&[("retry-after", "Fri, 20 Nov 2026 09:59:00 GMT")]),
            Some(0.0)
        );
        let skewed = ("date", "Fri, 20 Nov 2026 12:00:00 GMT");
        assert_eq!(
            wait(&[skewed, ("retry-after", "Fri, 20 Nov 2026 12:00:05 GMT")]),
            Some(5.0)
        );
        assert_eq!(
            wait(&[("retry-after-ms", "1500"), ("retry-after", "2")]),
            Some(1.5)
        );
        assert_eq!(wait(&[("ratelimit", "\"api\";r=0;t=55")]), Some(55.0));
        assert_eq!(wait(&[("ratelimit", "\"api\"; r=12; t=55")]), None);
        for absurd in ["86400", "-3", "soon", "NaN", "1e40", ""] {
            assert_eq!(wait(&[("retry-after", absurd)]), None, "{absurd}");
        }
        assert_eq!(wait(&[]), None);
    }

    #[test]
    fn waits_are_read_from_words() {
        for (text, expected) in [
            ("please try again in 7m12.5s. visit", Some(432.5)),
            ("try again in 950ms.", Some(0.95)),
            ("try again in 20 seconds", Some(20.0)),
            ("try again in 3 minutes", Some(180.0)),
            ("try again in 5 milliseconds", Some(0.005)),
            ("try again in 1h2m", None),
            ("try again in 6m0s", Some(360.0)),
            ("try again in a moment", None),
            ("try again later", None),
        ] {
            assert_eq!(
                in_words(text).map(|wait| wait.as_secs_f64()),
                expected,
                "{text}"
            );
        }
    }
}
