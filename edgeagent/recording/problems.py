"""Turns what the operating system says into an error that says what happened, where, and what to do."""

from __future__ import annotations

import errno
from pathlib import Path

from edgeagent.errors import RecordingError, RecordingFull

_NO_ROOM = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file-size limit is reached",
}
_NO_PLACE = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP}
_NOT_WRITABLE = {errno.EROFS, errno.EACCES, errno.EPERM}


def recording_problem(error: OSError, path: Path) -> RecordingError:
    """The `RecordingError` for ``error`` met while writing ``path``."""
    if error.errno in _NO_ROOM:
        return RecordingFull(
            f"cannot record to {path}: {_NO_ROOM[error.errno]}",
            "make room (`edgeagent sessions list` shows sizes, `edgeagent sessions rm ID` removes one), "
            "then do it again; a session that is listed can be resumed",
        )
    if error.errno in _NOT_WRITABLE:
        return RecordingFull(
            f"cannot record to {path}: it is not writable ({error.strerror})",
            "make the directory writable, or set EDGEAGENT_HOME to one that is",
        )
    if error.errno in _NO_PLACE:
        return RecordingError(f"cannot record to {path}: {error.strerror}", "set EDGEAGENT_HOME to a directory that can be made")
    return RecordingError(f"cannot record to {path}: {error.strerror or error}", "check the disk, then resume the session")
