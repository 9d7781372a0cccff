"""A model hub on loopback: the routes that huggingface_hub asks for, with ranges, and connections that break off."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """One repository, ``files`` by path. ``break_after``: so many bytes of a file's body, then the connection ends."""

    repository: str
    files: dict[str, bytes]
    licence: str = "apache-2.0"
    break_after: dict[str, int] = field(default_factory=dict)
    stated: dict[str, str] = field(default_factory=dict)
    """Checksums other than the files' own."""
    redirect_to: str = ""
    """Where files are served from instead: another server's address."""
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """(method, path, range) of each request."""
    port: int = 0

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def sha256(self, path: str) -> str:
        return self.stated.get(path) or hashlib.sha256(self.files[path]).hexdigest()

    def info(self) -> bytes:
        siblings = [
            {"rfilename": path, "size": len(data), "blobId": "0" * 40,
             "lfs": {"sha256": self.sha256(path), "size": len(data), "pointerSize": 130}}
            for path, data in self.files.items()
        ]  # fmt: skip
        return json.dumps(
            {"id": self.repository, "modelId": self.repository, "sha": COMMIT, "siblings": siblings,
             "cardData": {"license": self.licence}, "private": False, "gated": False, "disabled": False, "tags": [],
             "downloads": 0, "likes": 0}
        ).encode()  # fmt: skip


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, format: str, *args: object) -> None:
        return

    def do_GET(self) -> None:
        hub = self.hub
        hub.asked.append((self.command, self.path, self.headers.get("Range", "")))
        repository = f"/{hub.repository}/resolve/{COMMIT}/"
        if self.path.startswith(f"/api/models/{hub.repository}"):
            self._send(200, hub.info(), {"Content-Type": "application/json"})
        elif self.path.startswith(repository) and (path := self.path.removeprefix(repository)) in hub.files:
            if hub.redirect_to:
                self._send(302, b"", {"Location": f"{hub.redirect_to}{self.path}"})
            else:
                self._file(path)
        else:
            self._send(404, b"no such thing", {"X-Error-Code": "RepoNotFound"})

    def _file(self, path: str) -> None:
        data, start = self.hub.files[path], 0
        wanted = self.headers.get("Range", "")
        headers = {"ETag": f'"{self.hub.sha256(path)}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        if wanted.startswith("bytes="):
            start = int(wanted.removeprefix("bytes=").partition("-")[0])
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        limit = self.hub.break_after.pop(path, None)
        self._send(206 if wanted else 200, data[start:], headers, limit)

    def _send(self, status: int, body: bytes, headers: dict[str, str], limit: int | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body if limit is None else body[:limit])
        if limit is not None:
            self.wfile.flush()
            self.connection.close()
            self.close_connection = True


@contextmanager
def serving(hub: Hub) -> Generator[Hub]:
    """``hub`` on a port of loopback."""
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
