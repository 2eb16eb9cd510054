"""Looks at a key all the time, for what should never be there."""

import contextlib
import threading

import botocore.exceptions

from storage import BUCKET

EVERY_SECONDS = 0.04


@contextlib.contextmanager
def watched(storage, key):
    """A list of the contents that the key had, with the entity tags of their sources: each change once, in order."""
    seen, stopped = [], threading.Event()

    def look():
        try:
            found = storage.client.get_object(Bucket=BUCKET, Key=key)
        except botocore.exceptions.ClientError:
            return
        content = (found["Body"].read().decode(), found["Metadata"].get("source-etag"))
        if seen[-1:] != [content]:
            seen.append(content)

    def keep_looking():
        while not stopped.wait(EVERY_SECONDS):
            look()

    watcher = threading.Thread(target=keep_looking, daemon=True)
    watcher.start()
    try:
        yield seen
    finally:
        stopped.set()
        watcher.join()
        look()
