"""Where a session is: here, at a backend, or under way; ``teleport.json`` in its directory, which never moves with it.

The backend's ledger is the truth. This file says what this side knows, and it is careful: before the other side may become the
owner, it says that this side is not. So whatever dies in between, there are never two.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import msgspec

from edgeagent.errors import NotOwner, RecordingDamaged
from edgeagent.recording.problems import recording_problem

RECORD_NAME = "teleport.json"
Phase = Literal["here", "uploading", "handing_over", "there", "returning"]
"""``handing_over``: this side has let go, and whether the other one has taken over only that one knows."""


class Whereabouts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What this side knows."""

    phase: Phase = "here"
    remote: str = ""
    """The name of the backend that it is, or was last, at."""
    epoch: int = 0
    """Grows with each change of owner; whoever acts on an older one is refused."""
    manifest_hash: str = ""
    """Of the bundle that was sent or fetched last."""

    @property
    def here(self) -> bool:
        """Whether this machine may go on with the session."""
        return self.phase in ("here", "uploading")


def whereabouts(directory: Path) -> Whereabouts:
    """Of the session in ``directory``; one that never moved is here. Raises `RecordingDamaged`."""
    path = directory / RECORD_NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=Whereabouts)
    except FileNotFoundError:
        return Whereabouts()
    except OSError as error:
        raise recording_problem(error, path) from error
    except msgspec.MsgspecError as error:
        raise RecordingDamaged(f"{path}: {error}", "`edgeagent teleport status` asks the backend whose the session is") from error


def keep_whereabouts(directory: Path, now: Whereabouts) -> None:
    """Write ``now`` down; durable on return."""
    path, new = directory / RECORD_NAME, directory / f"{RECORD_NAME}.new"
    try:
        fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(fd, "wb") as file:
            file.write(msgspec.json.encode(now))
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
        folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise recording_problem(error, path) from error


def require_here(directory: Path) -> None:
    """Raise `NotOwner` unless this machine may go on with the session."""
    now = whereabouts(directory)
    if now.here:
        return
    if now.phase == "there":
        mend = f"take it back: edgeagent teleport pull {directory.name}"
        raise NotOwner(f"session {directory.name} belongs to {now.remote} now", mend)
    mend = f"go on with that: edgeagent teleport {'push' if now.phase == 'handing_over' else 'pull'} {directory.name}"
    raise NotOwner(f"session {directory.name} is on its way {'to' if now.phase == 'handing_over' else 'from'} {now.remote}", mend)


def require_elsewhere(directory: Path) -> None:
    """Raise `NotOwner` if the session of ``directory`` is here, for all that this side knows; one that never was here is not."""
    if directory.is_dir() and whereabouts(directory).here:
        raise NotOwner(
            f"session {directory.name} is here, and yours", f"go on with it: edgeagent sessions resume {directory.name}"
        )
