"""The report is one file that asks nothing of any network, lets no text become markup, and tells damage."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.recorded import FIELD, record

from edgeagent.errors import RecordingError, UsageError
from edgeagent.recording.export import FORMATS, default_name, export
from edgeagent.recording.export.film import WHOLE_EVERY, Picture, Still, develop, read_picture
from edgeagent.recording.export.telling import tell
from edgeagent.recording.reader import SessionReader
from edgeagent_harness.protocol.actions import Click, Key, Type

HOSTILE = '</script></style><img src="https://example.invalid/x.png" onerror=alert(1)>\u202e\x00\x1b[2J&amp;"\''


class Page(HTMLParser):
    """What a browser would find: elements with attributes, the text by element, the style and the scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self._inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in self.raw:
            self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = "" if tag in self.raw else self._inside

    def handle_data(self, data: str) -> None:
        (self.raw[self._inside] if self._inside else self.text).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def report(session: Path) -> Page:
    out = export(session, "html", session / "report.html")
    return Page(out.read_text(encoding="utf-8"))


async def test_it_refers_to_nothing_outside(tmp_path: Path) -> None:
    page = report(await record(tmp_path, task=HOSTILE, said=HOSTILE))
    for name, attributes in page.elements:
        for key in ("src", "href", "srcset", "action", "data", "poster", "style"):
            value = attributes.get(key)
            assert value is None or value.startswith(("#", "data:")), (name, key, value)
        assert not any(key.startswith("on") for key in attributes), (name, attributes)
    assert not re.search(r"url\(|@import", "".join(page.raw["style"]))
    assert not {"img", "iframe", "object", "embed", "form", "base", "video", "audio"} & {name for name, _ in page.elements}


async def test_the_policy_names_exactly_its_style_and_script(tmp_path: Path) -> None:
    page = report(await record(tmp_path))
    (policy,) = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data: blob:;")
    assert "unsafe" not in policy
    data, script = page.raw["script"]
    for content in (*page.raw["style"], script):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert json.loads(data)


async def test_hostile_text_stays_text(tmp_path: Path) -> None:
    page = report(await record(tmp_path, [Type(HOSTILE), Key((HOSTILE[:32],))], task=HOSTILE, said=HOSTILE))
    text = "".join(page.text)
    assert text.count("<img src=") >= 3
    assert "␀" in text
    assert "\x00" not in text
    assert len(page.raw["script"]) == 2
    assert len(page.all("article")) == 3


async def test_it_says_what_happened(tmp_path: Path) -> None:
    page = report(await record(tmp_path))
    text = "".join(page.text)
    for said in ("save my name", "scripted", "20260101-000000-test", "a machine", "type 'Zoë'", "confirmed", "namespaces"):
        assert said in text
    assert [a["id"] for a in page.all("article")] == ["step-1", "step-2", "step-3", "end"]
    assert {a["href"] for a in page.all("a")} >= {"#step-1", "#step-2", "#step-3", "#end"}
    labelled = {label["for"] for label in page.all("label")}
    assert all(one.get("id") in labelled for one in page.all("input"))


async def test_frames_come_out_exact(tmp_path: Path) -> None:
    await record(tmp_path, [Click(FIELD.centre), *(Type(str(n % 10)) for n in range(WHOLE_EVERY + 4))])
    with SessionReader.open(tmp_path) as reader:
        ids = tell(reader).frame_ids()
        film = develop(reader, ids)
        assert sum(still.base < 0 for still in film.stills) == 2
        for frame_id in ids:
            assert (composed(film.stills, film.places[frame_id]) == read_picture(reader, frame_id)).all()


def composed(stills: list[Still], index: int) -> Picture:
    """What the page's script does, in Python."""
    still = stills[index]
    canvas = composed(stills, still.base).copy() if still.base >= 0 else np.zeros((still.h, still.w, 3), np.uint8)
    for patch in still.patches:
        piece = np.asarray(Image.open(io.BytesIO(base64.b64decode(patch.webp))).convert("RGB"))
        canvas[patch.y : patch.y + piece.shape[0], patch.x : patch.x + piece.shape[1]] = piece
    return canvas


async def test_damage_is_told_and_the_rest_shown(tmp_path: Path) -> None:
    await record(tmp_path)
    log = tmp_path / "events.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:4], b"{torn\n", *lines[5:]]))
    pack = tmp_path / "frames.pack"
    pack.write_bytes(pack.read_bytes()[:-40])
    page = report(tmp_path)
    text = "".join(page.text)
    assert "This recording is damaged" in text
    assert "is not there" in text or "could not be read" in text
    assert "type 'Zoë'" in text


async def test_a_session_that_died_is_shown_as_not_ended(tmp_path: Path) -> None:
    page = report(await record(tmp_path, ended=False))
    assert "not ended" in "".join(page.text)


async def test_an_empty_session_has_a_report(tmp_path: Path) -> None:
    page = report(await record(tmp_path, []))
    assert [a["id"] for a in page.all("article")] == ["end"]
    (tmp_path / "events.jsonl").write_bytes(b"")
    assert "the record of the task is lost" in "".join(report(tmp_path).text)


async def test_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="gif"):
        export(tmp_path, "gif", tmp_path / "x")
    with pytest.raises(RecordingError, match="cannot read"):
        export(tmp_path, "html", tmp_path / "x.html")
    await record(tmp_path / "session")
    (tmp_path / "taken").mkdir()
    with pytest.raises(RecordingError, match="cannot write the export"):
        export(tmp_path / "session", "html", tmp_path / "taken")


def test_every_format_has_a_default_name() -> None:
    assert [default_name("abc", one) for one in FORMATS] == ["abc.html", "abc.json", "abc-osworld", "abc.mp4"]


async def test_a_report_goes_to_a_pipe_too_and_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    session = await record(tmp_path / "session")
    (tmp_path / "old.html").write_text("old")
    (tmp_path / "link.html").symlink_to("old.html")
    export(session, "html", tmp_path / "link.html")
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor() as threads:
        read = threads.submit((tmp_path / "pipe").read_bytes)
        export(session, "html", tmp_path / "pipe")
        assert read.result() == (tmp_path / "old.html").read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["link.html", "old.html", "pipe", "session"]
