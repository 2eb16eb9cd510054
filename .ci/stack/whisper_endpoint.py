"""A simulated RunPod endpoint whose worker downloads a recording by its link, and hears each line of it as a segment."""

import http.server
import json
import ssl
import threading
import urllib.request


class WhisperEndpoint:
    """Jobs have ended when they are looked at for the first time."""

    def __init__(self, authority, key):
        self.trusting = ssl.create_default_context(cafile=str(authority))
        self.key = key
        self.jobs = []

    def __enter__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler_for(self))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/v2/whisper"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def run(self, given):
        self.jobs.append(given)
        return {"id": str(len(self.jobs)), "status": "IN_QUEUE"}

    def look(self, name):
        try:
            with urllib.request.urlopen(self.jobs[int(name) - 1]["audio"], context=self.trusting) as answer:
                said = answer.read().decode().splitlines()
        except OSError as error:
            return {"id": name, "status": "FAILED", "error": f"the download failed: {error}"}
        segments = [{"start": 9.0 * at, "end": 9.0 * at + 8, "text": text} for at, text in enumerate(said)]
        return {"id": name, "status": "COMPLETED", "output": {"segments": segments, "detected_language": "en"}}


def handler_for(endpoint):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            content = self.rfile.read(int(self.headers["Content-Length"]))
            self.respond(lambda: endpoint.run(json.loads(content)["input"]))

        def do_GET(self):
            self.respond(lambda: endpoint.look(self.path.rsplit("/", 1)[1]))

        def respond(self, answer):
            is_allowed = self.headers.get("Authorization") == f"Bearer {endpoint.key}"
            content = json.dumps(answer() if is_allowed else {"error": "unauthorized"}).encode()
            self.send_response(200 if is_allowed else 401)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            """Jobs are remembered, not printed."""

    return Handler
