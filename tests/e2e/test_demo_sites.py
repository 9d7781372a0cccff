"""The demo's server validates, goes on page by page, and saves the record; driven over HTTP on the loopback."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

from edgeagent.demo import form, login, site
from edgeagent.demo.task import Task


@contextmanager
def served(task: Task, home: Path) -> Iterator[str]:
    """``task``'s site on a free port; yields its address."""
    task.prepare(home)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "web", str(port), "record.json"]
    server = subprocess.Popen(command, cwd=home / site.FOLDER, env={"PATH": os.defpath})
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(5)


def post(url: str, **values: str) -> str:
    with urlopen(url, urlencode(values).encode(), timeout=5) as answer:
        return answer.read().decode()


def test_form(tmp_path: Path) -> None:
    task = form.generate(1)
    spec, entries, _ = form.describe(1)
    values = {entry.key: entry.value for entry in entries if entry.value}
    with served(task, tmp_path) as url:
        assert spec["pages"][0]["heading"] in urlopen(url, timeout=5).read().decode()
        assert "This is required" in post(f"{url}/page/0", _go="next")
        body = ""
        for index, page in enumerate(spec["pages"]):
            given = {field["key"]: values[field["key"]] for field in page["fields"] if field["key"] in values}
            body = post(f"{url}/page/{index}", _go="next", **given)
            assert 'class="error"' not in body
        assert spec["done_heading"] in body
    assert task.verify(tmp_path).ok


def test_login(tmp_path: Path) -> None:
    task = login.generate(0)
    spec, _ = login.describe(0)
    with served(task, tmp_path) as url:
        assert spec["refused"] in post(f"{url}/login", user=spec["refused_account"][0], password=spec["refused_account"][1])
        assert "Unknown user" in post(f"{url}/login", user="x", password="y")
        assert spec["welcome_text"] in post(f"{url}/login", user=spec["account"][0], password=spec["account"][1])
    attempts = json.loads((tmp_path / site.RECORD).read_text())["attempts"]
    assert [attempt["accepted"] for attempt in attempts] == [False, False, True]
    assert task.verify(tmp_path).ok
