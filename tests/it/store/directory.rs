//! The directory store where it can differ from S3: files added by hand, links, and concurrent processes.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tempfile::TempDir;
use transcript_summarizer::store::{
    DirStore, Location, Metadata, PutCondition, PutOptions, Store, StoreErrorKind, Wanted,
};

use crate::store::behaviours::{self, kind, metadata, put, put_if, read};

fn buckets() -> (TempDir, DirStore) {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("bucket")).unwrap();
    let store = DirStore::new(dir.path());
    (dir, store)
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[tokio::test]
async fn a_directory_of_buckets_behaves_like_s3() {
    let (_dir, store) = buckets();
    behaviours::all(&store, "bucket").await;
    behaviours::deletions_if_match(&store, "bucket").await;
}

#[tokio::test]
async fn a_directory_that_is_the_only_bucket_behaves_like_s3() {
    let dir = TempDir::new().unwrap();
    let store = DirStore::single("local", dir.path());
    behaviours::all(&store, "local").await;
    behaviours::deletions_if_match(&store, "local").await;
    let named =
        |root: &str| DirStore::single("local", root).name(&Location::new("local", "a/b.txt"));
    assert_eq!(
        [".", "./o", "/o"].map(named),
        ["a/b.txt", "./o/a/b.txt", "/o/a/b.txt"]
    );
}

#[tokio::test]
async fn the_first_write_creates_missing_directories() {
    let dir = TempDir::new().unwrap();
    let store = DirStore::new(dir.path().join("not/yet"));
    put(&store, &Location::new("new-bucket", "a/b.txt"), "b").await;
    assert_eq!(
        fs::read(dir.path().join("not/yet/new-bucket/a/b.txt")).unwrap(),
        b"b"
    );

    let out = dir.path().join("out");
    let store = DirStore::single("local", &out);
    put(&store, &Location::new("local", "talk.txt_summary.txt"), "s").await;
    assert_eq!(fs::read(out.join("talk.txt_summary.txt")).unwrap(), b"s");
}

#[tokio::test]
async fn no_key_reaches_a_file_outside_the_bucket() {
    let (dir, store) = buckets();
    write(&dir.path().join("secret.txt"), "secret");
    let long = "x".repeat(256);
    for key in [
        "../secret.txt",
        "a/../../secret.txt",
        "/etc/hostname",
        "./a.txt",
        "a//b.txt",
        "a/",
        "a\0b",
        ".metadata/a.json",
        "",
        &long,
    ] {
        refused(&store, &Location::new("bucket", key)).await;
    }
    for bucket in ["..", ".", "", "a/b", "/etc", "bucket/../.."] {
        refused(&store, &Location::new(bucket, "secret.txt")).await;
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

async fn refused(store: &DirStore, at: &Location) {
    let error = store
        .get(at, &Wanted::default())
        .await
        .map(drop)
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::InvalidKey, "{error}");
    let put = store.put(at, Bytes::new(), PutOptions::default()).await;
    assert_eq!(kind(put), StoreErrorKind::InvalidKey, "{at}");
    assert_eq!(
        kind(store.head(at).await),
        StoreErrorKind::InvalidKey,
        "{at}"
    );
    assert_eq!(
        kind(store.delete(at, None).await),
        StoreErrorKind::InvalidKey,
        "{at}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn links_that_lead_out_of_the_root_are_refused() {
    use std::os::unix::fs::symlink;

    let (dir, store) = buckets();
    let outside = TempDir::new().unwrap();
    write(&outside.path().join("secret.txt"), "secret");
    let bucket = dir.path().join("bucket");
    symlink(outside.path(), bucket.join("folder")).unwrap();
    symlink(outside.path().join("secret.txt"), bucket.join("file.txt")).unwrap();
    symlink(outside.path(), dir.path().join("linked-bucket")).unwrap();
    fs::create_dir(bucket.join("trap")).unwrap();
    symlink(outside.path(), bucket.join("trap/.metadata")).unwrap();

    for (bucket, key) in [
        ("bucket", "folder/secret.txt"),
        ("bucket", "folder/new/deep.txt"),
        ("bucket", "file.txt"),
        ("linked-bucket", "secret.txt"),
        ("bucket", "trap/new.txt"),
    ] {
        let at = Location::new(bucket, key);
        let error = put_if(&store, &at, "overwritten", PutCondition::Always)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("leads out"), "{error}");
        store
            .get(&at, &Wanted::default())
            .await
            .map(drop)
            .unwrap_err();
    }
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    assert_eq!(
        fs::read(outside.path().join("secret.txt")).unwrap(),
        b"secret"
    );

    write(&bucket.join("inside/talk.txt"), "talk");
    symlink("inside", bucket.join("alias")).unwrap();
    let at = Location::new("bucket", "alias/talk.txt");
    assert_eq!(
        read(&store, &at).await,
        b"talk",
        "links within the store are fine"
    );
}

#[tokio::test]
async fn a_file_put_there_by_hand_is_an_object_without_metadata() {
    let (dir, store) = buckets();
    let at = Location::new("bucket", "by hand.txt");
    let path = dir.path().join("bucket/by hand.txt");
    write(&path, "by hand");
    assert_eq!(read(&store, &at).await, b"by hand");
    assert_eq!(store.head(&at).await.unwrap().metadata, Metadata::new());
    assert!(
        !dir.path().join("bucket/.metadata").exists(),
        "reading leaves no trace"
    );

    let options = PutOptions {
        metadata: metadata(&[("job-id", "17")]),
        ..PutOptions::default()
    };
    store.put(&at, "stored".into(), options).await.unwrap();
    assert_eq!(
        store.head(&at).await.unwrap().metadata,
        metadata(&[("job-id", "17")])
    );

    write(&path, "by hand, later");
    let stale = store.head(&at).await.unwrap().metadata;
    assert_eq!(stale, Metadata::new(), "it belonged to other bytes");
}

#[tokio::test]
async fn a_large_file_that_does_not_change_is_read_once_to_look_it_up() {
    let (dir, store) = buckets();
    let (path, at) = (
        dir.path().join("bucket/large.txt"),
        Location::new("bucket", "large.txt"),
    );
    let look = async || store.head(&at).await.unwrap().etag;
    // The times of a file that changes again and again need not differ.
    let mut tags = HashSet::new();
    for n in 0..100_u8 {
        fs::write(&path, vec![n; 1 << 20]).unwrap();
        tags.insert(look().await);
    }
    assert_eq!(tags.len(), 100);
    fs::File::create(&path).unwrap().set_len(256 << 20).unwrap();
    // Until then its times are not trusted.
    tokio::time::sleep(Duration::from_millis(3100)).await;
    let began = Instant::now();
    let first = look().await;
    let read = began.elapsed();
    let began = Instant::now();
    for _ in 0..20 {
        assert_eq!(look().await, first);
    }
    assert!(
        began.elapsed() < read * 5,
        "{:?} of {read:?}",
        began.elapsed()
    );
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .write_all(b"x")
        .unwrap();
    assert_ne!(look().await, first);
}

#[tokio::test]
async fn metadata_is_kept_for_the_longest_possible_file_name() {
    let (_dir, store) = buckets();
    let at = Location::new("bucket", "x".repeat(255));
    let options = PutOptions {
        metadata: metadata(&[("job-id", "17")]),
        ..PutOptions::default()
    };
    store.put(&at, "long".into(), options).await.unwrap();
    assert_eq!(
        store.head(&at).await.unwrap().metadata,
        metadata(&[("job-id", "17")])
    );
}

#[tokio::test]
async fn an_unfinished_file_of_a_crash_is_replaced_by_the_next_write() {
    let (dir, store) = buckets();
    let kept = dir.path().join("bucket/.metadata");
    write(&kept.join(".unfinished"), "half an obj");
    let at = Location::new("bucket", "talk.txt");
    put(&store, &at, "talk").await;
    assert_eq!(read(&store, &at).await, b"talk");
    assert!(!kept.join(".unfinished").exists());

    // Only manual editing can leave damaged metadata like this.
    write(&kept.join("talk.txt.json"), "{");
    let error = store.head(&at).await.unwrap_err();
    assert!(
        error.to_string().contains(".metadata/talk.txt.json"),
        "{error}"
    );
}

#[tokio::test]
async fn a_folder_is_not_an_object_and_an_object_is_not_a_folder() {
    let (dir, store) = buckets();
    put(&store, &Location::new("bucket", "folder/talk.txt"), "talk").await;
    let folder = Location::new("bucket", "folder");
    let below_a_file = Location::new("bucket", "folder/talk.txt/below.txt");
    for at in [&folder, &below_a_file] {
        assert_eq!(kind(store.head(at).await), StoreErrorKind::NotFound);
        store.delete(at, None).await.unwrap();
        let both = put_if(&store, at, "both", PutCondition::Always).await;
        assert_eq!(kind(both), StoreErrorKind::Other, "{at}");
    }
    assert!(dir.path().join("bucket/folder/talk.txt").is_file());
}

#[tokio::test]
async fn a_directory_keeps_no_versions() {
    let (_dir, store) = buckets();
    let at = Location::new("bucket", "talk.txt");
    put(&store, &at, "talk").await;
    let wanted = Wanted {
        version_id: Some("v1".to_owned()),
        ..Wanted::default()
    };
    let error = store.get(&at, &wanted).await.map(drop).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::NotFound);
    assert!(error.to_string().contains("versions"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_eight_writers_that_write_if_absent_one_wins() {
    let (dir, _) = buckets();
    for round in 0..20 {
        let at = Location::new("bucket", format!("{round}/lease.json"));
        let writers = (0..8).map(|writer| {
            // A separate store per writer on the same directory, as separate processes would have.
            let store = DirStore::new(dir.path());
            let at = at.clone();
            tokio::spawn(async move {
                let body = format!("writer {writer}");
                let written = put_if(&store, &at, &body, PutCondition::IfAbsent).await;
                written.map(|_| body)
            })
        });
        let mut winners = Vec::new();
        for writer in writers.collect::<Vec<_>>() {
            match writer.await.unwrap() {
                Ok(body) => winners.push(body),
                Err(error) => assert_eq!(error.kind, StoreErrorKind::Precondition, "{error}"),
            }
        }
        assert_eq!(winners.len(), 1, "{winners:?}");
        let store = DirStore::new(dir.path());
        assert_eq!(read(&store, &at).await, winners.concat().as_bytes());
    }
}
