"""The simulated chat endpoint, with time for what goes wrong meanwhile, and an account of what is asked."""

import hashlib
import json
import random
import time

from accounts import Account
from chat_endpoint import ChatEndpoint, completion
from scenario import TOKEN


class SlowChat(ChatEndpoint):
    """Answers take between `seconds[0]` and `seconds[1]`. `meanwhile` is told the number of each request as it comes."""

    def __init__(self, seconds, meanwhile=lambda number: None, seed=0, port=0):
        super().__init__(port)
        self.seconds = seconds
        self.meanwhile = meanwhile
        self.random = random.Random(seed)
        self.account = Account()

    def __enter__(self):
        super().__enter__()
        # A client that was killed does not take its answer.
        self.server.handle_error = lambda *_: None
        return self

    def take(self, path, headers, body):
        with self.lock:
            self.requests.append({"path": path, "authorization": headers.get("Authorization"), "body": body})
            number = len(self.requests)
            pause = self.random.uniform(*self.seconds)
        if self.failure:
            return self.failure
        asked = json.dumps(body["messages"])
        submission = self.account.begin(hashlib.sha256(asked.encode()).hexdigest()[:16])
        self.meanwhile(number)
        time.sleep(pause)
        self.account.end(submission)
        return 200, completion(body)

    def bury(self, moment, _recorded):
        """The client died at `moment`; the calls that it may have to submit again."""
        return self.account.abandon(moment)

    def most_at_once(self):
        return self.account.most_open

    def settings(self, **others):
        return {
            "MODEL_PROVIDER": "huggingface",
            "HF_API_TOKEN": TOKEN,
            "HF_ENDPOINT_URL": self.url,
            "SUMMARY_WORDS": "1500",
            "CHUNK_TOKENS": "1500",
        } | others
