//! Refuses requests that do not come from this server's own page or from a program on this machine.
//!
//! The server has no password: whoever reaches the loopback address may use it. A web page elsewhere reaches it through the
//! visitor's browser, which tells so: by `Sec-Fetch-Site` and `Origin`, and, where the page's own name was made to point here
//! (DNS rebinding), by `Host`.

use hyper::HeaderMap;
use hyper::http::request::Parts;

use crate::http_api::Problem;

/// Refuses a request to the server on `port` unless it is for this host, and from no other origin.
pub(crate) fn check(head: &Parts, port: u16) -> Result<(), Problem> {
    if head.uri.authority().is_some() || !head.uri.path().starts_with('/') {
        let error = "the request is one to a proxy";
        return Err(Problem::new(400, error, "send the path alone"));
    }
    let host = only(&head.headers, "host")?;
    let is_here = |host: &str| {
        let (name, given) = host.rsplit_once(':').unwrap_or((host, "80"));
        let names = ["127.0.0.1", "localhost", "[::1]"];
        given == port.to_string() && names.iter().any(|known| name.eq_ignore_ascii_case(known))
    };
    let Some(host) = host.filter(|host| is_here(host)) else {
        let error = "the request is for another host";
        let next = format!("use http://127.0.0.1:{port}/");
        return Err(Problem::new(403, error, next));
    };
    let origin = only(&head.headers, "origin")?;
    let is_own = |origin: &str| origin.eq_ignore_ascii_case(&format!("http://{host}"));
    let site = only(&head.headers, "sec-fetch-site")?;
    let is_foreign = !origin.is_none_or(is_own)
        || site.is_some_and(|site| !["same-origin", "none"].contains(&site));
    match is_foreign {
        true => Err(Problem::new(
            403,
            "the request comes from another site",
            format!("open http://127.0.0.1:{port}/ by typing or pasting the address"),
        )),
        false => Ok(()),
    }
}

/// The value of a header that may be given once.
fn only<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<Option<&'h str>, Problem> {
    let refused = |error: String| Problem::new(400, error, format!("send one {name} in ASCII"));
    let mut values = headers.get_all(name).iter();
    let first = values.next().map(|value| value.to_str());
    match (first, values.next()) {
        (_, Some(_)) => Err(refused(format!("there are several headers {name}"))),
        (Some(Err(_)), None) => Err(refused(format!("the header {name} is not ASCII"))),
        (Some(Ok(value)), None) => Ok(Some(value)),
        (None, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn status(target: &str, headers: &[(&str, &str)]) -> Option<u16> {
        let request = Request::builder().uri(target);
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        let (head, ()) = request.body(()).unwrap().into_parts();
        check(&head, 8080).err().map(|problem| problem.status)
    }

    #[test]
    fn only_this_host_and_no_other_origin_is_served() {
        let here = ("host", "127.0.0.1:8080");
        for (target, headers, expected) in [
            ("/", &[here][..], None),
            ("/", &[("host", "LocalHost:8080")], None),
            ("/", &[("host", "[::1]:8080")], None),
            ("/", &[here, ("origin", "http://127.0.0.1:8080")], None),
            ("/", &[here, ("sec-fetch-site", "same-origin")], None),
            ("/", &[here, ("sec-fetch-site", "none")], None),
            ("/", &[], Some(403)),
            ("/", &[("host", "127.0.0.1")], Some(403)),
            ("/", &[("host", "127.0.0.1:8081")], Some(403)),
            ("/", &[("host", "evil.example:8080")], Some(403)),
            ("/", &[("host", "127.0.0.1:8080.evil.example")], Some(403)),
            ("/", &[("host", "127.0.0.1:8080@evil.example")], Some(403)),
            ("/", &[here, here], Some(400)),
            ("/", &[here, ("origin", "http://evil.example")], Some(403)),
            ("/", &[here, ("origin", "null")], Some(403)),
            (
                "/",
                &[here, ("origin", "https://127.0.0.1:8080")],
                Some(403),
            ),
            ("/", &[here, ("origin", "http://localhost:8080")], Some(403)),
            ("/", &[here, ("sec-fetch-site", "cross-site")], Some(403)),
            ("/", &[here, ("sec-fetch-site", "same-site")], Some(403)),
            ("http://127.0.0.1:8080/", &[here], Some(400)),
            ("*", &[here], Some(400)),
        ] {
            assert_eq!(status(target, headers), expected, "{target} {headers:?}");
        }
    }
}
