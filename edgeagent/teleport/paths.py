"""Names of files in a manifest: text for any name that the system allows, and never a way out of the session's directory."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from edgeagent.errors import BundleRefused
from edgeagent.homes.kept import LIST_NAME, OBJECTS_NAME
from edgeagent.policy.allowed import ALLOWED_NAME
from edgeagent.prove.statement import STATEMENT_NAME
from edgeagent.recording.frame_index import PACK_NAME
from edgeagent.recording.frame_writer import TORN_NAME as TORN_FRAMES_NAME
from edgeagent.recording.log import LOG_NAME, TORN_NAME
from edgeagent.sessions.start_home import START_HOME_NAME
from edgeagent.teleport.manifest import Entry, FolderEntry

HOME = "home"
TREES = (HOME, START_HOME_NAME, OBJECTS_NAME)
"""Folders of a session's directory that go along with all that is in them."""
RECORD_FILES = (LOG_NAME, PACK_NAME, TORN_NAME, TORN_FRAMES_NAME, ALLOWED_NAME, STATEMENT_NAME, LIST_NAME)
_AUDIT = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,100}\.jsonl")
"""A policy may name the audit log; it lies beside the recording."""
_MAX_NAME_BYTES = 255
_ESCAPE = re.compile(r"\\(\\|x[0-9a-f]{2})|\\")


def as_text(raw: bytes) -> str:
    """``raw`` as text: UTF-8 where it is that, ``\\xff`` for other bytes, and two backslashes for one."""
    return raw.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


def as_bytes(text: str) -> bytes:
    """What `as_text` made ``text`` of. Raises `BundleRefused` for a text that it makes of nothing."""

    def plain(match: re.Match[str]) -> str:
        found = match[1]
        if found is None:
            raise BundleRefused(f"{text!r} is no name of a file: a backslash stands alone")
        return "\\" if found == "\\" else chr(0xDC00 + int(found[1:], 16))

    try:
        raw = _ESCAPE.sub(plain, text).encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise BundleRefused(f"{text!r} is no name of a file: {error.reason}") from error
    if as_text(raw) != text:
        raise BundleRefused(f"{text!r} is no name of a file: it can be written otherwise")
    return raw


def checked(entries: Iterable[Entry]) -> dict[bytes, Entry]:
    """The entries by their path. Raises `BundleRefused` unless each lies in a folder that stands before it, none twice."""
    found: dict[bytes, Entry] = {}
    for entry in entries:
        raw = as_bytes(entry.path)
        parts = raw.split(b"/")
        if any(part in (b"", b".", b"..") or b"\0" in part or len(part) > _MAX_NAME_BYTES for part in parts):
            raise BundleRefused(f"the bundle has a path that leads elsewhere: {entry.path!r}")
        if raw in found:
            raise BundleRefused(f"the bundle has {entry.path!r} twice")
        if len(parts) == 1:
            _check_top(entry, raw)
        elif not isinstance(found.get(b"/".join(parts[:-1])), FolderEntry):
            raise BundleRefused(f"the bundle has {entry.path!r}, but not the folder that it lies in")
        found[raw] = entry
    return found


def _check_top(entry: Entry, raw: bytes) -> None:
    """Beside a recording lie only files that this version knows, and homes, which are folders."""
    name = os.fsdecode(raw)
    known = name in RECORD_FILES or _AUDIT.fullmatch(name)
    if isinstance(entry, FolderEntry) and name in TREES:
        return
    if entry.__struct_config__.tag == "file" and known:
        return
    raise BundleRefused(f"the bundle has {entry.path!r}, which is no part of a session")
