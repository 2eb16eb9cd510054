"""A simulated service that answers JSON."""

import http.server
import json
import threading


class JsonServer:
    """Subclasses have `answer`, which gets method, path, headers and body, and gives the status and the content."""

    def __init__(self, port=0):
        self.port = port

    def __enter__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), handler_for(self))
        self.server.daemon_threads = True
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def handler_for(service):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.respond(self.rfile.read(int(self.headers["Content-Length"])))

        def do_GET(self):
            self.respond(b"null")

        def respond(self, body):
            status, answer = service.answer(self.command, self.path, self.headers, json.loads(body))
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            """Requests are remembered, not printed."""

    return Handler
