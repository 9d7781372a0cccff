"""Places that the user permits for one session: a file in the session's directory, which nothing in the sandbox can reach.

Whoever sits at a second terminal (or in the terminal app) adds a line; the run that watches the file hands it to the broker.
"""

from __future__ import annotations

import os
from pathlib import Path

from edgeagent.errors import UsageError
from edgeagent.recording.problems import recording_problem
from edgeagent_harness.policy.hosts import endpoint_text, parse_endpoint
from edgeagent_harness.policy.types import Endpoint

ALLOWED_NAME = "allowed_hosts"
_MAX_BYTES = 64 * 1024


def allow_in(session: Path, endpoint: Endpoint) -> None:
    """Permit ``endpoint`` in the session whose directory this is, now and whenever it goes on. Raises `RecordingError`."""
    path = session / ALLOWED_NAME
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with open(fd, "w", encoding="ascii") as stream:
            stream.write(f"{endpoint_text(endpoint)}\n")
    except OSError as error:
        raise recording_problem(error, path) from error


def allowed_in(session: Path) -> tuple[Endpoint, ...]:
    """What was permitted so far, in order. Raises `UsageError` for a line that is no ``HOST:PORT``."""
    path = session / ALLOWED_NAME
    try:
        with path.open("rb") as stream:
            text = stream.read(_MAX_BYTES).decode("ascii", "replace")
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise recording_problem(error, path) from error
    found: dict[Endpoint, None] = {}
    for number, line in enumerate(text.splitlines(), 1):
        try:
            found[parse_endpoint(line)] = None
        except ValueError as error:
            raise UsageError(f"{path}, line {number}: {error}") from error
    return tuple(found)
