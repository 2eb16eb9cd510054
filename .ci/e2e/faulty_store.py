"""Stands between the program and the simulated S3: passes everything on, late or not at all, as it is told."""

import http.client
import http.server
import threading
import urllib.parse

BUSY = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
# Belong to one connection, not to the request.
HOP_HEADERS = {"connection", "keep-alive", "transfer-encoding", "host"}


class FaultyStore:
    """`before(number, method, path)` is told of each request; if it says so, the answer is 503. `after` gets the status too."""

    def __init__(self, storage, before=lambda number, method, path: False, after=lambda method, path, status: None):
        self.address = urllib.parse.urlsplit(storage.url).netloc
        self.before, self.after = before, after
        self.lock = threading.Lock()
        self.count = self.refused = 0

    def __enter__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler_for(self))
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def take(self, method, path, headers, content):
        with self.lock:
            self.count += 1
            number = self.count
        if self.before(number, method, path):
            self.refused += 1
            return 503, {"Content-Type": "application/xml"}, BUSY
        kept = {name: value for name, value in headers.items() if name.lower() not in HOP_HEADERS}
        connection = http.client.HTTPConnection(self.address, timeout=60)
        connection.request(method, path, content, kept | {"Host": self.address})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        self.after(method, path, answer.status)
        return answer.status, {name: value for name, value in answer.getheaders() if name.lower() not in HOP_HEADERS}, body


def handler_for(store):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self):
            content = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            status, headers, body = store.take(self.command, self.path, self.headers, content)
            self.send_response_only(status)
            # The answer to HEAD tells the length of a body that does not come.
            known = {name.lower() for name in headers}
            for name, value in headers.items():
                self.send_header(name, value)
            if "content-length" not in known and status not in (204, 304):
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = respond

        def log_message(self, *_):
            """Not printed."""

    return Handler
