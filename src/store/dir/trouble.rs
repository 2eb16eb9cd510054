//! What can go wrong with files, in the terms of a store.

use std::io::{Error, ErrorKind};

use crate::store::{Location, StoreError, StoreErrorKind};

/// A [`StoreError`] that does not know yet what was being done to which object.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) kind: StoreErrorKind,
    pub(crate) reason: String,
    source: Option<Error>,
}

impl Trouble {
    pub(crate) fn new(kind: StoreErrorKind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
            source: None,
        }
    }

    pub(crate) fn other(reason: impl Into<String>) -> Self {
        Self::new(StoreErrorKind::Other, reason)
    }

    pub(crate) fn not_found(reason: impl Into<String>) -> Self {
        Self::new(StoreErrorKind::NotFound, reason)
    }

    /// Says more plainly what is missing, if that is the trouble.
    pub(crate) fn if_missing(mut self, reason: impl FnOnce() -> String) -> Self {
        if self.kind == StoreErrorKind::NotFound {
            self.reason = reason();
        }
        self
    }

    /// The error for people.
    pub(crate) fn during(self, action: &'static str, at: &Location) -> StoreError {
        StoreError {
            kind: self.kind,
            action,
            at: at.clone(),
            reason: self.reason,
            source: self.source.map(Into::into),
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        let (kind, hint) = match error.kind() {
            // A file where a folder should be: no object lies below it.
            ErrorKind::NotFound | ErrorKind::NotADirectory => {
                (StoreErrorKind::NotFound, "there is no such file")
            }
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => (
                StoreErrorKind::Denied,
                "this user may not do that to the file; change its owner or mode",
            ),
            ErrorKind::Interrupted
            | ErrorKind::TimedOut
            | ErrorKind::WouldBlock
            | ErrorKind::ResourceBusy
            | ErrorKind::StaleNetworkFileHandle => (
                StoreErrorKind::Transient,
                "the file system is busy; try again",
            ),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                (StoreErrorKind::Other, "the disk is full; make room")
            }
            _ => (StoreErrorKind::Other, "the file system refuses it"),
        };
        Self {
            kind,
            reason: format!("{hint} ({error})"),
            source: Some(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_of_the_file_system_keeps_its_cause_and_says_what_to_do() {
        for (cause, kind, hint) in [
            (
                ErrorKind::NotFound,
                StoreErrorKind::NotFound,
                "no such file",
            ),
            (
                ErrorKind::PermissionDenied,
                StoreErrorKind::Denied,
                "owner or mode",
            ),
            (ErrorKind::StorageFull, StoreErrorKind::Other, "make room"),
            (
                ErrorKind::ResourceBusy,
                StoreErrorKind::Transient,
                "try again",
            ),
        ] {
            let error = Trouble::from(Error::from(cause)).during("write", &Location::new("b", "k"));
            assert_eq!(error.kind, kind);
            assert!(error.reason.contains(hint), "{error}");
            assert!(error.source.is_some());
        }
    }
}
