//! Fault injection between a client and a simulated RunPod endpoint.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::Method;

use super::runpod_routes::Reply;

/// The operations of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Route {
    Run,
    Status,
    StatusSync,
    Retry,
    Cancel,
    Health,
    BatchCreate,
    BatchAdd,
    BatchFinalize,
    BatchView,
    BatchList,
    BatchCancel,
}

impl Route {
    /// An operation on batches, by what follows the batch's id in the path; `None` without an id.
    pub(crate) fn of_batch(method: &Method, tail: Option<&str>) -> Option<Self> {
        Some(match (method.as_str(), tail) {
            ("POST", None) => Self::BatchCreate,
            ("POST", Some("requests")) => Self::BatchAdd,
            ("POST", Some("finalize")) => Self::BatchFinalize,
            ("POST", Some("cancel")) => Self::BatchCancel,
            ("GET", Some("")) => Self::BatchView,
            ("GET", Some("requests")) => Self::BatchList,
            _ => return None,
        })
    }

    pub(crate) fn named(method: &Method, name: &str) -> Option<Self> {
        Some(match (method.as_str(), name) {
            ("POST", "run") => Self::Run,
            ("GET", "status") => Self::Status,
            ("GET", "status-sync") => Self::StatusSync,
            ("POST", "retry") => Self::Retry,
            ("POST", "cancel") => Self::Cancel,
            ("GET", "health") => Self::Health,
            _ => return None,
        })
    }

    pub(crate) fn needs_id(self) -> bool {
        !matches!(self, Self::Run | Self::Health | Self::BatchCreate)
    }
}

/// A fault that affects one call.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// The call has no effect.
    Before(Trouble),
    /// The call takes effect, but this is what the client sees.
    After(Trouble),
}

/// What the client sees instead of the reply.
#[derive(Debug, Clone)]
pub(crate) enum Trouble {
    /// This reply.
    Reply(u16, Vec<(&'static str, String)>, String),
    /// No reply, ever.
    Hang,
    /// A closed connection.
    HangUp,
    /// A reset connection.
    Reset,
    /// The first half of the reply, as if it were complete.
    Half,
    /// The given trouble, after a delay.
    Late(Duration, Box<Trouble>),
}

impl Trouble {
    pub(crate) fn status(status: u16, body: impl Into<String>) -> Self {
        Self::Reply(status, Vec::new(), body.into())
    }

    pub(crate) fn busy(seconds: u64) -> Self {
        let wait = ("retry-after", seconds.to_string());
        Self::Reply(429, vec![wait], "{\"error\":\"too many requests\"}".into())
    }

    pub(crate) fn gateway() -> Self {
        let html = ("content-type", "text/html".to_owned());
        let page =
            "<html><head><title>502 Bad Gateway</title></head><body>cloudflare</body></html>";
        Self::Reply(502, vec![html], page.into())
    }

    pub(crate) async fn happen(
        self,
        reply: Option<Reply>,
        reset: &AtomicBool,
    ) -> Result<Reply, io::Error> {
        let mut trouble = self;
        while let Self::Late(delay, next) = trouble {
            tokio::time::sleep(delay).await;
            trouble = *next;
        }
        match trouble {
            Self::Reply(status, headers, body) => Ok((status, headers, body)),
            Self::Hang => std::future::pending().await,
            Self::HangUp => Err(io::Error::other("hung up")),
            Self::Reset => {
                reset.store(true, Ordering::SeqCst);
                Err(io::Error::other("reset"))
            }
            Self::Half => {
                let (status, headers, body) = reply.unwrap();
                let half = body.chars().take(body.chars().count() / 2).collect();
                Ok((status, headers, half))
            }
            Self::Late(..) => Err(io::Error::other("late")),
        }
    }
}

/// The faults still to be injected.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    next: HashMap<Route, VecDeque<Fault>>,
    always: HashMap<Route, Fault>,
    /// When one call in ten is to fail: the kind of the first failure, and the number of calls of each route so far.
    mixed: Option<(usize, HashMap<Route, usize>)>,
}

impl Faults {
    pub(crate) fn next(&mut self, route: Route, faults: impl IntoIterator<Item = Fault>) {
        self.next.entry(route).or_default().extend(faults);
    }

    pub(crate) fn always(&mut self, route: Route, fault: Option<Fault>) {
        self.always.remove(&route);
        self.always.extend(fault.map(|fault| (route, fault)));
    }

    /// Makes one call in ten of each route fail, rotating through four kinds of failure. For rarely called routes the first
    /// call fails. Of the second ten submissions none does: the first one that failed may be among them, and one that may have
    /// been accepted is repeated only once.
    pub(crate) fn mix(&mut self, first: usize) {
        self.mixed = Some((first, HashMap::new()));
    }

    pub(crate) fn take(&mut self, route: Route) -> Option<Fault> {
        let next = self.next.get_mut(&route).and_then(VecDeque::pop_front);
        next.or_else(|| self.always.get(&route).cloned())
            .or_else(|| self.in_turn(route))
    }

    fn in_turn(&mut self, route: Route) -> Option<Fault> {
        let (first, seen) = self.mixed.as_mut()?;
        let nth = seen.entry(route).or_default();
        let (now, offset) = match route {
            Route::Run => (1, 0),
            Route::Status
            | Route::StatusSync
            | Route::BatchAdd
            | Route::BatchView
            | Route::BatchList => (3, 1),
            Route::Retry
            | Route::Cancel
            | Route::Health
            | Route::BatchCreate
            | Route::BatchFinalize
            | Route::BatchCancel => (0, 2),
        };
        let at = *nth;
        *nth += 1;
        let is_repeated = route == Route::Run && at / 10 == 1;
        (at % 10 == now && !is_repeated).then(|| {
            Fault::Before(match (at / 10 + *first + offset) % 4 {
                0 => Trouble::Reply(
                    429,
                    vec![("retry-after", "0.05".to_owned())],
                    "{\"error\":\"too many requests\"}".to_owned(),
                ),
                1 => Trouble::status(500, "{\"error\":\"the worker exploded\"}"),
                2 => Trouble::gateway(),
                _ => Trouble::HangUp,
            })
        })
    }
}
