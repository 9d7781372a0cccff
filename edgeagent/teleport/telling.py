"""A move in words: what leaves, how far it is, and whose the session is. Pure; the command line and the terminal app share it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from edgeagent.counts import counted
from edgeagent.sessions.summary import human_bytes
from edgeagent.sessions.whereabouts import Whereabouts
from edgeagent.teleport.manifest import EngineState, FileEntry, FolderEntry, LinkEntry, Manifest
from edgeagent.teleport.plan import Plan
from edgeagent.teleport.progress import Stage
from edgeagent.teleport.windows import described
from edgeagent.words import one_line

Tone = Literal["plain", "title", "warning"]
STAGES: dict[Stage, str] = {
    "preparing": "preparing the way to",
    "uploading": "sending to",
    "verifying": "rebuilt and compared by",
    "handing_over": "handing over to",
    "there": "handed over to",
    "returning": "waiting for the step under way at",
    "fetching": "fetching from",
    "returned": "taken back from",
}
_EXPECTS = {
    "exact": "exact: nothing is open but its files, and all of those come along",
    "replayed": "replayed: what was filled in is filled in again; nothing was done that can have had an effect outside",
    "reopened": "reopened: applications are started again; something was done that may have had an effect outside",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line to show."""

    text: str
    tone: Tone = "plain"


def plan_lines(plan: Plan) -> Iterator[Line]:
    """Each file, what it may give away, and what stays behind."""
    manifest = plan.manifest
    head = manifest.head
    counts = (counted(head.events, "event"), counted(head.last_step, "step"), counted(manifest.frames, "frame"))
    yield Line(f"session {manifest.session}: {', '.join(counts)}", "title")
    for entry in manifest.entries:
        yield Line(f"  {_size(entry):>8}  {_mode(entry)}  {one_line(_name(entry))}")
    if isinstance(manifest.engine, EngineState):
        yield Line(
            f"  {human_bytes(manifest.engine.size):>8}  the engine's state, and what the model was told: its screenshots too"
        )
    files = counted(len(manifest.files), "file")
    yield Line(f"  {human_bytes(manifest.size):>8}  in {files}, {counted(len(manifest.chunks()), 'chunk')}")
    yield from _found_lines(manifest)
    yield Line("what stays behind:", "title")
    for stays in manifest.stays:
        yield Line(f"  {one_line(stays.path)}: {one_line(stays.why)}")
    yield Line(f"model: {one_line(manifest.model.name)}; policy: {one_line(manifest.policy)}")
    left = ", ".join(f"{count:g} {what}" for what, count in manifest.left.items())
    if left:
        yield Line(f"left of its limits: {left}")
    yield from _window_lines(manifest)
    yield Line(f"the screen there: {_EXPECTS[manifest.expects]}")


def bar(done: int, total: int, cells: int = 30) -> str:
    """``█████·····``"""
    filled = cells * done // max(1, total)
    return "█" * filled + "·" * (cells - filled)


def whose(now: Whereabouts) -> str:
    """Whose the session is, for all that is known here, and what goes on with a move that was cut off."""
    match now.phase:
        case "here":
            return "The session is yours, and here."
        case "uploading":
            return f"The session is yours, and here. Moving it to {now.remote} again goes on where this ended."
        case "handing_over":
            return (
                f"Only {now.remote} knows whether it has taken the session over; here it does not run until that is clear. "
                "The same again asks, and goes on."
            )
        case "there":
            return f"The session is {now.remote}'s; the copy here is read only. It can be taken back."
        case "returning":
            return f"The session is on its way back from {now.remote}; taking it back again goes on where this ended."


def _found_lines(manifest: Manifest) -> Iterator[Line]:
    if not manifest.found:
        yield Line("nothing in these files looks like a secret")
        return
    yield Line("what looks like a secret, and would leave:", "warning")
    for found in manifest.found:
        yield Line(f"  {one_line(found.path)}: {found.what}", "warning")


def _window_lines(manifest: Manifest) -> Iterator[Line]:
    if manifest.windows:
        yield Line("where windows are put back, the lowest first, once their programs are started again:", "title")
    for window in manifest.windows or ():
        yield Line(f"  {described(window)}")


def _name(entry: FileEntry | FolderEntry | LinkEntry) -> str:
    match entry:
        case FolderEntry(path=path):
            return f"{path}/"
        case LinkEntry(path=path, target=target):
            return f"{path} -> {target}"
        case _:
            return entry.path


def _size(entry: FileEntry | FolderEntry | LinkEntry) -> str:
    return human_bytes(entry.size) if isinstance(entry, FileEntry) else ""


def _mode(entry: FileEntry | FolderEntry | LinkEntry) -> str:
    return "link" if isinstance(entry, LinkEntry) else f"{entry.mode:04o}"
