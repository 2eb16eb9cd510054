"""A simulated OpenAI-compatible chat endpoint that remembers what it was asked and can be told to fail."""

import http.server
import json
import ssl
import sys
import threading
import time

import prose

# Long enough that calls which may overlap do.
ANSWER_SECONDS = 0.05


class ChatEndpoint:
    def __init__(self, port=0, tls=None):
        self.port = port
        self.tls = tls
        self.lock = threading.Lock()
        self.reset()

    def reset(self):
        """Forgets everything and answers again."""
        self.requests = []
        # Requests that ask for nothing.
        self.heads = []
        # Those over which calls came, or questions about what is served, which come beside the first call.
        self.connections = set()
        self.in_flight = 0
        self.most_in_flight = 0
        self.failure = None
        # The only token that is accepted, if not any is.
        self.accepts = None

    def fail_with(self, status, message):
        self.failure = (status, {"error": message})

    def __enter__(self):
        self.server = Server(("127.0.0.1", self.port), handler_for(self))
        self.server.daemon_threads = True
        if self.tls:
            # The handshake is left to the thread that reads.
            listening = self.server.socket
            self.server.socket = self.tls.wrap_socket(listening, server_side=True, do_handshake_on_connect=False)
        self.url = f"http{'s' if self.tls else ''}://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def take(self, path, headers, body):
        """The status and the JSON answer to one request."""
        with self.lock:
            self.requests.append({"path": path, "authorization": headers.get("Authorization"), "body": body})
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        time.sleep(ANSWER_SECONDS)
        with self.lock:
            self.in_flight -= 1
        if self.accepts and headers.get("Authorization") != f"Bearer {self.accepts}":
            return 401, {"error": "Invalid credentials in Authorization header"}
        return self.failure or (200, completion(body))


def completion(body):
    prompt = "\n".join(message["content"] for message in body["messages"])
    text = prose.answer(prompt)
    read, written = len(prompt) // 4, len(text) // 4
    return {
        "id": "chatcmpl-simulated",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body["model"],
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written},
    }


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        # Clients that do not trust the certificate hang up.
        if not isinstance(sys.exception(), ssl.SSLError):
            super().handle_error(request, client_address)


def handler_for(endpoint):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            endpoint.connections.add(self.client_address)
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = endpoint.take(self.path, self.headers, body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_HEAD(self):
            endpoint.heads.append({"authorization": self.headers.get("Authorization"), "connection": self.client_address})
            self.not_found()

        def do_GET(self):
            endpoint.connections.add(self.client_address)
            self.not_found()

        def not_found(self):
            """Keeps the connection, unlike the answer to a method that is not known."""
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Requests are remembered, not printed."""

    return Handler
