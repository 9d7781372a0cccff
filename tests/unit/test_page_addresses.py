"""A page's address reaches Chromium in ASCII, and one in the sandbox's home must be there."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeagent.cli.run import require_file
from edgeagent.errors import UsageError
from edgeagent_harness.inside.chromium import argv, in_ascii


@pytest.mark.parametrize(
    ("url", "escaped"),
    [
        ("file:///home/agent/pagé 1.html", "file:///home/agent/pag%C3%A9 1.html"),
        ("https://müller.example:8080/ä%20?q=ö#x", "https://xn--mller-kva.example:8080/%C3%A4%20?q=%C3%B6#x"),
        ("http://127.0.0.1:80/a%2Fb?c=[d]&e='f'", "http://127.0.0.1:80/a%2Fb?c=[d]&e='f'"),
        ("", ""),
    ],
)
def test_what_is_not_ascii_is_escaped_and_nothing_else(url: str, escaped: str) -> None:
    assert in_ascii(url) == escaped
    assert all(word.isascii() for word in argv("chromium", "/home/agent", url, kiosk=False, debug=False))


def test_a_file_of_the_home_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "pagé 1.html").write_text("x")
    for there in ("pagé 1.html", "pag%C3%A9%201.html", ""):
        require_file(f"file:///home/agent/{there}", str(tmp_path), [])
    with pytest.raises(UsageError, match=r"there is no .*b\.html"):
        require_file("file:///home/agent/b.html", str(tmp_path), [])
    with pytest.raises(UsageError, match="home is empty"):
        require_file("file:///home/agent/b.html", "", [])


def test_what_an_application_may_write_first_or_stands_elsewhere_is_not_looked_for(tmp_path: Path) -> None:
    require_file("file:///home/agent/b.html", str(tmp_path), ["make-a-page"])
    require_file("file:///usr/share/doc/none.html", str(tmp_path), [])
    require_file("http://127.0.0.1:8000/home/agent/b.html", "", [])
