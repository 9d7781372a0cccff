"""What sequences held and may hold again: in RAM, and beyond that in files of one folder.

States go to RAM when their session waits or another one needs their place, to disk when RAM is full or their engine ends, and
from there into a folder that the app empties into a place behind the disk, where there is one.
Whatever finds the longest beginning of a prompt here takes it over.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import time
from collections.abc import Sequence as Units
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import msgspec

from edgeagent_models import retention
from edgeagent_models.errors import EngineProblem
from edgeagent_models.llama import state_file
from edgeagent_models.llama import units as count
from edgeagent_models.llama.sequence import Held, Hints, reusable
from edgeagent_models.llama.units import Unit
from edgeagent_models.protocol import PARKED_BYTES
from edgeagent_models.state_header import APART_SUFFIX, SUFFIX

RAM_BYTES = 512 << 20
LEAVING_BYTES = 1 << 30
"""That may wait to be carried away; what comes then is removed."""
MIN_FREE_SHARE = 0.1
"""Of the disk: what must stay free."""
MAX_APART = Hints(priority=50, expires_s=86_400.0)
"""What a state from another machine may at most ask for; seconds from when it came."""
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")
"""Names of sequences that can be names of files; others are kept in RAM alone."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One state. ``held`` is None where it is on disk alone."""

    name: str
    hints: Hints
    units: tuple[Unit, ...]
    checkpoints: tuple[int, ...]
    """Behind so many units."""
    size_bytes: int
    held: Held | None = None
    ours: bool = True
    """It fits this engine's model; another's only takes room."""
    apart: bool = False
    """See `Held.apart`."""

    @property
    def where(self) -> Literal["ram", "disk"]:
        return "ram" if self.held else "disk"

    @property
    def priority(self) -> int:
        return self.hints.priority

    @property
    def expires_s(self) -> float:
        return self.hints.expires_s

    @property
    def cost_tokens(self) -> int:
        return count.cells(self.units)

    @property
    def pinned(self) -> bool:
        return self.hints.pinned


class Shelf:
    """The states that this engine has put away. ``folder`` empty: RAM alone. It takes at most ``disk_bytes``; what must go then
    goes to ``leaving``, or is removed where that is empty."""

    def __init__(
        self, folder: str, fingerprint: str, recurrent: bool, disk_bytes: int = PARKED_BYTES, leaving: str = ""
    ) -> None:  # fmt: skip
        self._folder = Path(folder) if folder else None
        self._leaving = Path(leaving) if leaving else None
        self._disk_bytes = disk_bytes
        self._fingerprint = fingerprint
        self._recurrent = recurrent
        self._ram: dict[str, Entry] = {}
        self._disk: dict[str, Entry] = {}
        if self._folder:
            with contextlib.suppress(OSError):
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path in sorted((*self._folder.glob(f"*{SUFFIX}"), *self._folder.glob(f"*{APART_SUFFIX}"))):
                self.look(path.name.removesuffix(path.suffix))
            self._shrink_disk()

    def look(self, name: str) -> None:
        """See whether another engine has put ``name`` on disk."""
        self._disk.pop(name, None)
        for apart in (False, True):
            if (path := self._path(name, apart)) and path.exists():
                self._see(name, path, apart)

    def look_again(self, name: str) -> None:
        """The same for one that may have come back since; what is in RAM is newer."""
        if name not in self._ram and name not in self._disk:
            self.look(name)

    def _see(self, name: str, path: Path, apart: bool) -> None:
        try:
            header, status = state_file.read_header(str(path)), path.stat()
        except (EngineProblem, OSError):
            return
        hints = header.hints
        if apart:
            expires_s = min(hints.expires_s, status.st_mtime + MAX_APART.expires_s)
            hints = Hints(min(hints.priority, MAX_APART.priority), expires_s)
        checkpoints = tuple(units for units, _, _ in header.checkpoints)
        ours = header.fingerprint == self._fingerprint
        self._disk[name] = Entry(name, hints, header.unpacked(), checkpoints, status.st_size, ours=ours, apart=apart)

    def put(self, name: str, held: Held, hints: Hints, to_disk: bool = False) -> Entry | None:
        """Keep ``held`` as ``name``'s, in place of what was there; None if there is no room for it."""
        self.drop(name)
        entry = Entry(
            name, hints, held.units, tuple(kept.units for kept in held.checkpoints), held.size_bytes, held, apart=held.apart
        )
        if to_disk and self._written(entry):
            return self._disk[name]
        self._ram[name] = entry
        for going in retention.to_go(self._ram.values(), RAM_BYTES, time.time()):
            del self._ram[going.name]
            if going.expires_s > time.time():
                self._written(going)
        return self.named(name)

    def keep(self, name: str, hints: Hints, to_disk: bool) -> Entry | None:
        """What is kept as ``name``'s, with other ``hints``, and on disk if it is to be."""
        entry = self.named(name)
        if entry is None or entry.held is None:
            return entry
        return self.put(name, entry.held, hints, to_disk)

    def system_name(self, units: Units[Unit]) -> str:
        """As whose a system prompt is kept; empty where nothing outlives this engine."""
        told = msgspec.msgpack.encode([unit for unit in units if isinstance(unit, int)])
        digest = hashlib.blake2b(told, digest_size=12, key=self._fingerprint.encode())
        return f"system-{digest.hexdigest()}" if self._folder else ""

    def found(self, prompt: Units[Unit], name: str) -> list[tuple[Entry, int]]:
        """What can stand for the beginning of ``name``'s ``prompt``, and for how many of its units; the longest first."""
        now_s = time.time()
        usable = [entry for entry in (*self._ram.values(), *self._disk.values()) if entry.ours and entry.expires_s > now_s]
        own = [entry for entry in usable if not entry.apart or entry.name == name]
        return sorted(((entry, self._reusable(entry, prompt)) for entry in own), key=lambda found: -found[1])

    def named(self, name: str) -> Entry | None:
        """What is kept as ``name``'s."""
        entry = self._ram.get(name) or self._disk.get(name)
        return entry if entry and entry.ours and entry.expires_s > time.time() else None

    def take(self, entry: Entry, name: str) -> Held:
        """What ``entry`` holds, for ``name``; in RAM its owner's is not kept twice. Raises `EngineProblem` where its file is gone
        or damaged, and forgets it."""
        if name == entry.name:
            self.forget_in_ram(name)
        if entry.held:
            return entry.held
        path = self._path(entry.name, entry.apart)
        try:
            held = replace(state_file.load(str(path), self._fingerprint), apart=entry.apart)
        except EngineProblem:
            self.drop(entry.name)
            raise
        if entry.apart:  # should it end this process, the next one must not try it again
            self.drop(entry.name)
        return held

    def forget_in_ram(self, name: str) -> None:
        """Its sequence is closed: what is on disk stays."""
        self._ram.pop(name, None)

    def drop(self, name: str) -> None:
        """Forget ``name``'s, on disk too."""
        self._ram.pop(name, None)
        if self._disk.pop(name, None):
            for path in filter(None, (self._path(name), self._path(name, apart=True))):
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)

    def _reusable(self, entry: Entry, prompt: Units[Unit]) -> int:
        return reusable(entry.units, entry.checkpoints if self._recurrent else None, prompt)

    def _written(self, entry: Entry) -> bool:
        """Bring ``entry`` to disk; whether it is there now."""
        path = self._path(entry.name, entry.apart)
        if path is None or entry.held is None or not self._room_for(entry):
            return False
        try:
            state_file.save(str(path), entry.held, self._fingerprint, entry.hints)
            self._disk[entry.name] = replace(entry, held=None, size_bytes=path.stat().st_size)
        except (EngineProblem, OSError):
            return False
        self._shrink_disk()
        return entry.name in self._disk

    def _room_for(self, entry: Entry) -> bool:
        assert self._folder is not None
        try:
            usage = shutil.disk_usage(self._folder)
        except OSError:
            return False
        return usage.free - entry.size_bytes > usage.total * MIN_FREE_SHARE

    def _shrink_disk(self) -> None:
        for going in retention.to_go(self._disk.values(), self._disk_bytes, time.time()):
            if going.expires_s > time.time() and not going.pinned:
                self._set_aside(going)
            self.drop(going.name)

    def _set_aside(self, entry: Entry) -> None:
        """Have the app carry ``entry`` away, if it does and has not too much to carry already."""
        path = self._path(entry.name, entry.apart)
        if self._leaving is None or path is None:
            return
        with contextlib.suppress(OSError):  # what cannot be moved is removed
            self._leaving.mkdir(mode=0o700, parents=True, exist_ok=True)
            if sum(one.stat().st_size for one in self._leaving.iterdir()) + entry.size_bytes <= LEAVING_BYTES:
                path.rename(self._leaving / path.name)

    def _path(self, name: str, apart: bool = False) -> Path | None:
        fits = self._folder is not None and _PLAIN.fullmatch(name)
        return self._folder / f"{name}{APART_SUFFIX if apart else SUFFIX}" if self._folder and fits else None
