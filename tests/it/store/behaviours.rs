//! The behaviour common to all stores, as one list of checks that every store must pass.

use bytes::Bytes;
use transcript_summarizer::store::{
    Location, Metadata, Object, PutCondition, PutOptions, Store, StoreError, StoreErrorKind, Wanted,
};

/// Keys that break naive stores: encoded or decoded twice, cut at `?` or `#`, or mistaken for something else.
const KEYS: [&str; 7] = [
    "a b+(1)/é ü.txt",
    "a%2Fb.txt",
    "q?x=1&y#z.txt",
    "deep/er/and/deep/er/still/talk.txt",
    "plus+and space=&;:@$,.txt",
    "..hidden/-dash/~tilde.txt",
    "会议/记录 №1.txt",
];

/// Runs every check against `store`, in an existing `bucket`.
pub(crate) async fn all(store: &dyn Store, bucket: &str) {
    round_trip(store, bucket).await;
    every_key(store, bucket).await;
    streaming(store, bucket).await;
    size_limit(store, bucket).await;
    etags(store, bucket).await;
    conditional_reads(store, bucket).await;
    writes_if_absent(store, bucket).await;
    writes_if_match(store, bucket).await;
    missing(store, bucket).await;
    lists(store, bucket).await;
    tags(store, bucket).await;
}

pub(crate) async fn put(store: &dyn Store, at: &Location, body: &'static str) -> String {
    let options = PutOptions::default();
    store.put(at, body.into(), options).await.unwrap()
}

pub(crate) async fn put_if(
    store: &dyn Store,
    at: &Location,
    body: &str,
    condition: PutCondition,
) -> Result<String, StoreError> {
    let options = PutOptions {
        condition,
        ..PutOptions::default()
    };
    store
        .put(at, Bytes::copy_from_slice(body.as_bytes()), options)
        .await
}

pub(crate) async fn read(store: &dyn Store, at: &Location) -> Vec<u8> {
    let object = store.get(at, &Wanted::default()).await.unwrap();
    pieces(object).await.concat()
}

async fn pieces(mut object: Object) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    while let Some(piece) = object.next().await.unwrap() {
        pieces.push(piece);
    }
    pieces
}

pub(crate) fn metadata(pairs: &[(&str, &str)]) -> Metadata {
    let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
    pairs.iter().map(owned).collect()
}

pub(crate) fn kind<T>(result: Result<T, StoreError>) -> StoreErrorKind {
    result.map(drop).unwrap_err().kind
}

async fn round_trip(store: &dyn Store, bucket: &str) {
    let at = Location::new(bucket, "round/trip.txt");
    let options = PutOptions {
        condition: PutCondition::Always,
        content_type: "text/plain; charset=utf-8",
        metadata: metadata(&[("job-id", "17"), ("source-etag", "abc-2"), ("by", "Zoë")]),
    };
    let etag = store.put(&at, "hello".into(), options).await.unwrap();
    assert!(!etag.is_empty() && !etag.contains('"'), "{etag}");

    let info = store.head(&at).await.unwrap();
    assert_eq!(info.etag, etag);
    assert_eq!(info.size, 5);
    assert_eq!(info.version_id, None);
    let kept = metadata(&[
        ("job-id", "17"),
        ("source-etag", "abc-2"),
        ("by", "Zo%C3%AB"),
    ]);
    assert_eq!(info.metadata, kept);

    let object = store.get(&at, &Wanted::default()).await.unwrap();
    assert_eq!(object.info, info);
    assert_eq!(pieces(object).await.concat(), b"hello");

    store.delete(&at, None).await.unwrap();
    assert_eq!(kind(store.head(&at).await), StoreErrorKind::NotFound);

    put(store, &at, "").await;
    assert_eq!(read(store, &at).await, b"");
    assert_eq!(store.head(&at).await.unwrap().metadata, Metadata::new());
}

async fn tags(store: &dyn Store, bucket: &str) {
    for key in KEYS {
        let keys = ["_a.json", "_b b+.txt", "_c.txt"].map(|ending| format!("tags/{key}{ending}"));
        assert_eq!(store.tags(bucket, &keys).await.unwrap(), [None, None, None]);
        let second = put(store, &Location::new(bucket, &keys[1]), "second").await;
        put(
            store,
            &Location::new(bucket, format!("{}x", keys[2])),
            "stranger",
        )
        .await;
        let tags = store.tags(bucket, &keys).await.unwrap();
        assert_eq!(tags, [None, Some(second), None], "{key}");
    }
    let apart = ["KEYS", "tags/q?x=1&y#z.txt_b b+.txt"].map(str::to_owned);
    let tags = store.tags(bucket, &apart).await.unwrap();
    assert!(tags[0].is_none() && tags[1].is_some(), "{tags:?}");
    assert!(
        store
            .tags("missing", &apart)
            .await
            .is_ok_and(|tags| tags == [None, None])
    );
}

async fn every_key(store: &dyn Store, bucket: &str) {
    for key in KEYS {
        put_if(
            store,
            &Location::new(bucket, key),
            key,
            PutCondition::IfAbsent,
        )
        .await
        .unwrap();
    }
    for key in KEYS {
        let at = Location::new(bucket, key);
        assert_eq!(read(store, &at).await, key.as_bytes(), "{key}");
        store.delete(&at, None).await.unwrap();
        assert_eq!(
            kind(store.head(&at).await),
            StoreErrorKind::NotFound,
            "{key}"
        );
    }
}

async fn streaming(store: &dyn Store, bucket: &str) {
    let at = Location::new(bucket, "large.txt");
    let body: Bytes = (0..5_000_000u32).map(|n| (n % 251) as u8).collect();
    let options = PutOptions::default();
    store.put(&at, body.clone(), options).await.unwrap();

    let object = store.get(&at, &Wanted::default()).await.unwrap();
    assert_eq!(object.info.size, 5_000_000);
    let pieces = pieces(object).await;
    let largest = pieces.iter().map(Bytes::len).max().unwrap();
    assert!(largest < 1_000_000, "a piece has {largest} bytes");
    assert!(pieces.concat() == body);
}

async fn size_limit(store: &dyn Store, bucket: &str) {
    let at = Location::new(bucket, "limit.txt");
    put(store, &at, "12345").await;
    let up_to = |max| Wanted {
        max_bytes: Some(max),
        ..Wanted::default()
    };
    let error = store.get(&at, &up_to(4)).await.map(drop).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::TooLarge);
    let text = error.to_string();
    assert!(
        text.contains("5 bytes") && text.contains("at most 4"),
        "{text}"
    );
    let object = store.get(&at, &up_to(5)).await.unwrap();
    assert_eq!(pieces(object).await.concat(), b"12345");
}

async fn etags(store: &dyn Store, bucket: &str) {
    let at = Location::new(bucket, "tags.txt");
    let first = put(store, &at, "first").await;
    let other = put(store, &at, "other").await;
    assert_ne!(first, other);
    assert_eq!(put(store, &at, "first").await, first);
    assert_eq!(store.head(&at).await.unwrap().etag, first);
}

async fn conditional_reads(store: &dyn Store, bucket: &str) {
    let at = Location::new(bucket, "read.txt");
    let old = put(store, &at, "old").await;
    let new = put(store, &at, "new").await;
    let state = |etag: &str| Wanted {
        if_match: Some(etag.to_owned()),
        ..Wanted::default()
    };
    let object = store.get(&at, &state(&new)).await.unwrap();
    assert_eq!(pieces(object).await.concat(), b"new");
    let replaced = store.get(&at, &state(&old)).await;
    assert_eq!(kind(replaced), StoreErrorKind::Precondition);
    store.delete(&at, None).await.unwrap();
    let gone = store.get(&at, &state(&new)).await;
    assert_eq!(kind(gone), StoreErrorKind::NotFound);
}

async fn writes_if_absent(store: &dyn Store, bucket: &str) {
    let at = Location::new(bucket, "absent.txt");
    put_if(store, &at, "mine", PutCondition::IfAbsent)
        .await
        .unwrap();
    // Even identical bytes conflict, because two workers may write the same claim.
    for body in ["yours", "mine"] {
        let second = put_if(store, &at, body, PutCondition::IfAbsent).await;
        assert_eq!(kind(second), StoreErrorKind::Precondition);
        assert_eq!(read(store, &at).await, b"mine");
    }
    store.delete(&at, None).await.unwrap();
    put_if(store, &at, "again", PutCondition::IfAbsent)
        .await
        .unwrap();
    let seen = store.head(&at).await.unwrap().metadata;
    assert_eq!(seen, Metadata::new(), "nothing but what the caller gave");
}

async fn writes_if_match(store: &dyn Store, bucket: &str) {
    let at = Location::new(bucket, "swap.txt");
    let old = put(store, &at, "old").await;
    let swap = |etag: &str| PutCondition::IfMatch(etag.to_owned());
    let new = put_if(store, &at, "new", swap(&old)).await.unwrap();
    assert_eq!(store.head(&at).await.unwrap().etag, new);

    let late = put_if(store, &at, "late", swap(&old)).await;
    assert_eq!(kind(late), StoreErrorKind::Precondition);
    assert_eq!(read(store, &at).await, b"new");

    store.delete(&at, None).await.unwrap();
    let gone = put_if(store, &at, "gone", swap(&new)).await;
    assert_eq!(kind(gone), StoreErrorKind::Precondition);
    assert_eq!(kind(store.head(&at).await), StoreErrorKind::NotFound);
}

/// Not part of [`all`]: s3s-fs 0.14 ignores the condition of a deletion.
pub(crate) async fn deletions_if_match(store: &dyn Store, bucket: &str) {
    let at = Location::new(bucket, "removed.txt");
    let old = put(store, &at, "old").await;
    let new = put(store, &at, "new").await;
    let late = store.delete(&at, Some(&old)).await;
    assert_eq!(kind(late), StoreErrorKind::Precondition);
    assert_eq!(read(store, &at).await, b"new");
    // What is gone needs no deletion, in whatever state it was.
    store.delete(&at, Some(&new)).await.unwrap();
    store.delete(&at, Some(&new)).await.unwrap();
    assert_eq!(kind(store.head(&at).await), StoreErrorKind::NotFound);
}

async fn lists(store: &dyn Store, bucket: &str) {
    // In the order of their bytes, in which `/` is a character like others.
    let keys = [
        "a-b/c.txt",
        "a.txt",
        "a/b/c.txt",
        "a/d.txt",
        "z.txt",
        "é.txt",
    ];
    let keys = keys.map(|key| format!("listed/{key}"));
    for key in keys.iter().rev() {
        put(store, &Location::new(bucket, key), "x").await;
    }
    for at_once in [1, 2, 100] {
        let (mut found, mut after) = (Vec::new(), "listed/".to_owned());
        loop {
            let listed = store.list(bucket, &after, at_once).await.unwrap();
            assert!(listed.len() <= at_once, "{listed:?}");
            let ours = listed
                .into_iter()
                .take_while(|key| key.starts_with("listed/"));
            found.extend(ours);
            match found.last().filter(|last| **last != after) {
                Some(last) => after.clone_from(last),
                None => break,
            }
        }
        assert_eq!(found, keys, "{at_once} at once");
    }
    let after = format!("listed/{}", char::MAX);
    let behind = store.list(bucket, &after, 100).await.unwrap();
    assert!(behind.iter().all(|key| *key > after), "{behind:?}");
}

async fn missing(store: &dyn Store, bucket: &str) {
    let nothing = Location::new(bucket, "no/such.txt");
    let nowhere = Location::new("no-such-bucket", "no/such.txt");
    for at in [&nothing, &nowhere] {
        let wanted = Wanted::default();
        let error = store.get(at, &wanted).await.map(drop).unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::NotFound);
        assert!(error.to_string().contains(&store.name(at)), "{error}");
        assert_eq!(kind(store.head(at).await), StoreErrorKind::NotFound);
    }
    store.delete(&nothing, None).await.unwrap();
    assert_eq!(
        kind(store.delete(&nowhere, None).await),
        StoreErrorKind::NotFound
    );
}
