"""The policy's limits on one session, held against what was recorded of it. Pure but for counting files."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from edgeagent.history import History
from edgeagent.policy.facts import characters_of, parts_of
from edgeagent_harness.policy.gate_types import GateLimits
from edgeagent_harness.protocol.actions import Action

_MAX_FILES_LOOKED_AT = 20_000


@dataclass(frozen=True, slots=True)
class Reached:
    """A limit that was reached."""

    name: str
    """The field of `GateLimits`."""
    used: float
    allowed: float

    @property
    def key(self) -> str:
        """What the policy's file calls it."""
        return "max_wall_seconds" if self.name == "max_wall_s" else self.name


@dataclass(slots=True)
class Bounds:
    """The limits of one run; `extend` grants the same amount once more."""

    limits: GateLimits
    home: Path | None = None
    """The sandbox's home; None: files are not counted."""
    _before: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])

    def __post_init__(self) -> None:
        if self.limits.max_files_written and self.home:
            self._before = visible_files(self.home)

    def reached(self, history: History, elapsed_s: float, action: Action) -> Reached | None:
        """The first limit that is used up, so that not one action more is permitted, or that ``action`` would pass."""
        typed, more = typed_characters(history), sum(map(characters_of, parts_of(action)))
        used: dict[str, float] = {
            "max_steps": len(history.steps),
            "max_wall_s": elapsed_s,
            "max_tokens": history.tokens,
            "max_typed_characters": typed,
            "max_files_written": self._files_written(),
        }
        for name, value in used.items():
            allowed = float(getattr(self.limits, name))
            if allowed and value >= allowed:
                return Reached(name, value, allowed)
        if self.limits.max_typed_characters and typed + more > self.limits.max_typed_characters:
            return Reached("max_typed_characters", typed + more, self.limits.max_typed_characters)
        return None

    def extend(self, reached: Reached, once: GateLimits) -> None:
        """Permit as much again as the policy did, which is ``once``."""
        more = type(getattr(once, reached.name))(reached.used + getattr(once, reached.name))
        self.limits = replace(self.limits, **{reached.name: more})

    def _files_written(self) -> int:
        if not self.limits.max_files_written or self.home is None:
            return 0
        return sum(self._before.get(path) != state for path, state in visible_files(self.home).items())


def typed_characters(history: History) -> int:
    """Characters that were entered in all steps so far."""
    return sum(characters_of(part) for step in history.steps if step.effect.performed for part in parts_of(step.action))


def visible_files(home: Path) -> dict[str, tuple[int, int]]:
    """Path -> (mtime in ns, size) of the files below ``home`` that lie in no hidden folder. Links are not followed."""
    found: dict[str, tuple[int, int]] = {}
    for folder, folders, names in os.walk(home, onerror=lambda _error: None):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = os.path.join(folder, name)
            try:
                status = os.lstat(path)
            except OSError:
                continue
            found[path] = (status.st_mtime_ns, status.st_size)
        if len(found) > _MAX_FILES_LOOKED_AT:
            break
    return found
