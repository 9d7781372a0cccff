"""``policy allow --policy FILE`` adds one line and nothing else: comments, links, mode and owner stay."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgeagent.errors import UsageError
from edgeagent.policy import editing
from edgeagent.policy.editing import add_endpoint
from edgeagent_harness.policy.files import profile_text
from edgeagent_harness.policy.parse import parse
from edgeagent_harness.policy.types import Endpoint

NEW = Endpoint("b.example", 443)


def endpoints(path: Path) -> tuple[Endpoint, ...]:
    return parse(path.read_text(), "policy").egress.endpoints


BLOCK = """\
network:
    egress:
        mode: allowlist   # why
        endpoints:
        # first
        - host: a.example
          port: 443
"""
NEMOCLAW = """\
execution_environment: "isolated-container"
network:
  egress:
    mode: "allowlist"
    endpoints: ["https://a.example"]
"""


@pytest.mark.parametrize(
    "text",
    [
        profile_text("web"),
        "network:\n  egress:\n    mode: allowlist\n",
        "network: {egress: {mode: allowlist, endpoints: [{host: a.example, port: 443}]}}\n",
        BLOCK,
        NEMOCLAW,
        "network:\r\n  egress:\r\n    mode: allowlist\r\n",
    ],
)
def test_a_place_is_added_and_everything_else_stays(tmp_path: Path, text: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text, newline="")
    before = endpoints(path)
    assert add_endpoint(path, NEW) is True
    assert endpoints(path) == (*before, NEW)
    comments = [line.strip() for line in text.splitlines() if line.strip().startswith("#")]
    assert [line.strip() for line in path.read_text().splitlines() if line.strip().startswith("#")] == comments
    assert add_endpoint(path, NEW) is False


LIST = """\
version: 1
network:
  egress:
    mode: allowlist
    endpoints:
      # first
      - {host: a.example, port: 443}  # keep me
on_violation: {egress: log}
"""


@pytest.mark.parametrize(
    ("text", "dash"),
    [
        (LIST, "      - "),
        (LIST.replace("      ", "    "), "    - "),
        (BLOCK, "        - "),
        (NEMOCLAW.replace(' ["https', '\n      -   "https').replace('"]', '"'), "      -   "),
    ],
)
def test_places_added_one_after_the_other_leave_every_other_line_as_it_was(tmp_path: Path, text: str, dash: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text)
    for name in ("b.example", "c.example"):
        add_endpoint(path, Endpoint(name, 443))
    last = max(number for number, line in enumerate(text.splitlines()) if "a.example" in line or line.endswith("port: 443"))
    added = [f"{dash}{{host: {name}, port: 443}}" for name in ("b.example", "c.example")]
    assert path.read_text().splitlines() == [*text.splitlines()[: last + 1], *added, *text.splitlines()[last + 1 :]]


def test_mode_owner_and_link_stay(tmp_path: Path) -> None:
    real, link = tmp_path / "real.yaml", tmp_path / "link.yaml"
    real.write_text(profile_text("web"))
    real.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(real, 12345, 12345)
    link.symlink_to(real)
    before = real.stat()
    add_endpoint(link, NEW)
    after = real.stat()
    assert link.is_symlink()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.yaml", "real.yaml"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("network: {egress: {mode: deny}}\n", "network.egress.mode is 'deny'"),
        ("version: 1\n", "network.egress.mode is 'deny'"),
        ("network: {egress: {mode: allowlist, endpoint: []}}\n", "did you mean 'endpoints'"),
        (profile_text("web").replace("endpoints: []", "endpoints: [{host: b.example, port: 443, methods: [GET]}]"), "TLS"),
    ],
)
def test_an_unsuitable_file_is_left_alone(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=says):
        add_endpoint(path, NEW)
    assert path.read_text() == text


def test_a_place_that_is_permitted_in_part_is_not_widened_silently(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    text = "network: {egress: {mode: allowlist, endpoints: [{host: b.example, port: 80, methods: [GET]}]}}\n"
    path.write_text(text)
    with pytest.raises(UsageError, match="once as a whole and once limited"):
        add_endpoint(path, Endpoint("b.example", 80))
    assert path.read_text() == text


@pytest.mark.parametrize("edited", ["", "version: 1\n", profile_text("web"), "nonsense"])
def test_an_edit_that_says_anything_else_is_thrown_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edited: str) -> None:
    """The library's reading of YAML is not ours: what it wrote counts only if ours finds the one new place in it."""
    monkeypatch.setattr(editing, "_with_endpoint", lambda text, endpoint: edited)
    path = tmp_path / "p.yaml"
    path.write_text(profile_text("web"))
    with pytest.raises(UsageError):
        add_endpoint(path, NEW)
    assert path.read_text() == profile_text("web")
