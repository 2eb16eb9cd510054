//! From keys, which may hold anything, to files that lie inside one directory.

use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use crate::store::dir::trouble::Trouble;

/// The folder, in every folder, for what the store keeps about the objects there.
pub(crate) const METADATA: &str = ".metadata";

/// What Linux and macOS allow for the name of a file.
const MAX_NAME_BYTES: usize = 255;

/// Where an object is in its bucket, in safe parts: the folders that lead to it, and the name of the file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Address<'a> {
    pub(crate) folders: Vec<&'a str>,
    pub(crate) name: &'a str,
}

impl Address<'_> {
    /// The folder of the object in `bucket`, each step made by `enter`.
    pub(crate) fn folder(
        &self,
        bucket: Folder,
        enter: impl Fn(&Folder, &str) -> Result<Folder, Trouble>,
    ) -> Result<Folder, Trouble> {
        self.folders
            .iter()
            .try_fold(bucket, |folder, name| enter(&folder, name))
    }
}

/// Takes `key` apart, or says why a directory cannot hold it.
pub(crate) fn address(key: &str) -> Result<Address<'_>, Trouble> {
    let mut folders = key.split('/').map(checked).collect::<Result<Vec<_>, _>>()?;
    // Splitting always gives one part at least.
    let name = folders.pop().unwrap_or_default();
    Ok(Address { folders, name })
}

/// Accepts `part` as the name of a file or folder.
pub(crate) fn checked(part: &str) -> Result<&str, Trouble> {
    let problem = if part.is_empty() {
        "it begins or ends with `/`, has `//`, or is empty".to_owned()
    } else if part.contains('\0') {
        "it has a NUL character".to_owned()
    } else if part.len() > MAX_NAME_BYTES {
        format!("the name `{part}` in it is longer than {MAX_NAME_BYTES} bytes")
    } else if part.eq_ignore_ascii_case(METADATA) {
        format!("folders named `{METADATA}` belong to the store")
    } else if !is_plain(part) {
        format!("`{part}` in it is not the name of a file")
    } else {
        return Ok(part);
    };
    Err(Trouble::other(format!(
        "a directory cannot hold this key: {problem}; rename the object"
    )))
}

/// Whether the file system takes `part` as one name and nothing else: not `..`, nor what separates parts there.
fn is_plain(part: &str) -> bool {
    let mut components = Path::new(part).components();
    matches!(components.next(), Some(Component::Normal(name)) if name == part)
        && components.next().is_none()
}

/// A folder that has been found to lie inside the store's root.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    path: PathBuf,
}

impl Folder {
    /// The folder at `root`; without it there is nothing.
    pub(crate) fn root(root: &Path) -> Result<Self, Trouble> {
        let root = root.canonicalize()?;
        Ok(Self {
            path: root.clone(),
            root,
        })
    }

    /// The existing folder `name` in this one.
    pub(crate) fn enter(&self, name: &str) -> Result<Self, Trouble> {
        let path = self.file(name)?;
        if !path.is_dir() {
            return Err(Trouble::not_found(format!("`{name}` is not a folder")));
        }
        Ok(Self {
            root: self.root.clone(),
            path,
        })
    }

    /// The folder `name` in this one, created where it is missing.
    pub(crate) fn enter_or_create(&self, name: &str) -> Result<Self, Trouble> {
        match fs::create_dir(self.path.join(name)) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
        let path = self.file(name)?;
        if !path.is_dir() {
            return Err(Trouble::other(format!(
                "a directory cannot hold both an object `{name}` and objects below `{name}/`"
            )));
        }
        Ok(Self {
            root: self.root.clone(),
            path,
        })
    }

    /// Where the existing file `name` in this folder really is, links followed.
    pub(crate) fn file(&self, name: &str) -> Result<PathBuf, Trouble> {
        let path = self.path.join(name).canonicalize()?;
        if path.starts_with(&self.root) {
            Ok(path)
        } else {
            Err(Trouble::other(format!(
                "`{name}` is a link that leads out of the store's directory"
            )))
        }
    }

    /// Where `name` in this folder is, whether it exists or not: for what does not follow links.
    pub(crate) fn entry(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_apart_at_its_slashes() {
        let found = address("a b+(1)/x%2Fy/é ü.txt").unwrap();
        assert_eq!(found.folders, ["a b+(1)", "x%2Fy"]);
        assert_eq!(found.name, "é ü.txt");
    }

    #[test]
    fn names_that_only_look_dangerous_are_names() {
        for key in [
            "...",
            "..a",
            "~",
            "-rf",
            "a\\b",
            "C:x",
            "\u{202e}txt",
            "a\nb",
        ] {
            assert!(address(key).is_ok(), "{key:?}");
        }
    }

    #[test]
    fn what_is_no_safe_path_is_refused() {
        let long = "x".repeat(256);
        for key in [
            "",
            "/",
            "/etc/passwd",
            "a/",
            "a//b",
            "..",
            ".",
            "../x",
            "a/../b",
            "a/..",
            "./a",
            "a/.",
            "a\0b",
            "a/.metadata/b",
            ".METADATA",
            &long,
        ] {
            let trouble = address(key).unwrap_err();
            assert!(trouble.reason.contains("cannot hold this key"), "{key:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_key_leads_out(key in r"([a./\\]|\PC){0,12}") {
            if let Ok(address) = address(&key) {
                let mut path = PathBuf::from("/root");
                path.extend(&address.folders);
                path.push(address.name);
                proptest::prop_assert_eq!(path.to_str().unwrap(), format!("/root/{key}"));
                let plain = |part: Component<'_>| !matches!(part, Component::ParentDir | Component::CurDir);
                proptest::prop_assert!(path.components().all(plain));
            }
        }
    }
}
