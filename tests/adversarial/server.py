"""Runs inside the sandbox: serves every page under every name that ends in .localhost, and records each request it gets."""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

FILES, RECORD = Path(sys.argv[2]), Path(sys.argv[3])
TYPES = {".html": "text/html; charset=utf-8", ".png": "image/png"}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._serve("")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode("latin-1"))

    def _serve(self, body: str) -> None:
        request = {"host": self.headers.get("Host", ""), "path": self.path, "headers": str(self.headers), "body": body}
        with RECORD.open("a") as file:
            file.write(json.dumps(request) + "\n")
        path = FILES / urlsplit(self.path).path.lstrip("/")
        found = path.is_file()
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", TYPES.get(path.suffix, "application/octet-stream"))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(path.read_bytes() if found else b"")

    def log_message(self, format: str, *args: object) -> None:
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
