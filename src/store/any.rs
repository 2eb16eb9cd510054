//! S3 or a directory, chosen at start-up and dispatched statically.

use std::path::Path;

use bytes::Bytes;

use crate::http::{Http, HttpError};

use crate::store::{
    DirObject, DirStore, Location, Object, ObjectInfo, PutOptions, S3Object, S3Store, Store,
    StoreError, Wanted,
};

/// The store that the configuration chose.
#[derive(Debug, Clone)]
pub enum AnyStore {
    /// S3, or a server that speaks its protocol.
    S3(S3Store),
    /// A directory whose sub-directories are buckets.
    Dir(DirStore),
}

/// An object of [`AnyStore`] that is being read.
#[derive(Debug)]
pub enum AnyObject {
    /// From S3.
    S3(S3Object),
    /// From a directory.
    Dir(DirObject),
}

impl AnyStore {
    /// The directory, if one is given, otherwise the S3 that the environment describes, over `http`.
    ///
    /// # Errors
    /// If TLS can't be set up.
    pub async fn connect(dir: Option<&Path>, http: &Http) -> Result<Self, HttpError> {
        Ok(match dir {
            Some(dir) => DirStore::new(dir).into(),
            None => S3Store::from_env(http).await?.into(),
        })
    }
}

impl From<S3Store> for AnyStore {
    fn from(store: S3Store) -> Self {
        Self::S3(store)
    }
}

impl From<DirStore> for AnyStore {
    fn from(store: DirStore) -> Self {
        Self::Dir(store)
    }
}

impl Object for AnyObject {
    fn info(&self) -> &ObjectInfo {
        match self {
            Self::S3(object) => object.info(),
            Self::Dir(object) => object.info(),
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        match self {
            Self::S3(object) => object.next().await,
            Self::Dir(object) => object.next().await,
        }
    }
}

impl Store for AnyStore {
    type Object = AnyObject;

    async fn get(&self, at: &Location, wanted: &Wanted) -> Result<AnyObject, StoreError> {
        match self {
            Self::S3(store) => store.get(at, wanted).await.map(AnyObject::S3),
            Self::Dir(store) => store.get(at, wanted).await.map(AnyObject::Dir),
        }
    }

    async fn head(&self, at: &Location) -> Result<ObjectInfo, StoreError> {
        match self {
            Self::S3(store) => store.head(at).await,
            Self::Dir(store) => store.head(at).await,
        }
    }

    async fn put(
        &self,
        at: &Location,
        body: Bytes,
        options: PutOptions,
    ) -> Result<String, StoreError> {
        match self {
            Self::S3(store) => store.put(at, body, options).await,
            Self::Dir(store) => store.put(at, body, options).await,
        }
    }

    async fn delete(&self, at: &Location) -> Result<(), StoreError> {
        match self {
            Self::S3(store) => store.delete(at).await,
            Self::Dir(store) => store.delete(at).await,
        }
    }
}
