"""Where policies come from: a shipped profile by its name, or a file of the user's."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from edgeagent_harness.errors import UsageProblem
from edgeagent_harness.policy.keys import nearest
from edgeagent_harness.policy.strict_yaml import MAX_CHARS

PROFILES = {
    "locked": "the default: no way out of the sandbox",
    "web": "an allowlist to fill in: applications reach the listed places alone",
    "offline": "no way off the machine for anything of the session, this program included",
}
"""Name -> what it is for. The texts lie in ``profiles/``."""

_PROFILE_DIRECTORY = Path(__file__).parent / "profiles"


@dataclass(frozen=True, slots=True)
class PolicyText:
    """A policy as it was read."""

    name: str
    """What errors and the audit call it: the profile's name, or the file's absolute path."""
    text: str
    path: Path | None = None
    """The user's file; None for a profile."""


def load(choice: str) -> PolicyText:
    """The profile or file ``choice``; empty: ``locked``. Raises `UsageProblem`."""
    name = choice or "locked"
    if name in PROFILES:
        return PolicyText(name, profile_text(name))
    path = Path(name).expanduser().absolute()
    if "/" not in choice and not path.exists():
        hint = nearest(choice, tuple(PROFILES))
        raise UsageProblem(f"{choice!r} is neither a policy file nor a profile ({', '.join(PROFILES)}){hint}")
    return PolicyText(str(path), read_file(path), path)


def profile_text(name: str) -> str:
    """The text of the shipped profile ``name``."""
    return (_PROFILE_DIRECTORY / f"{name}.yaml").read_text(encoding="utf-8")


def read_file(path: Path) -> str:
    """The text of a policy file; empty or odd ones are for the parser to tell. Raises `UsageProblem` if it cannot be read."""
    try:
        data = _read_bytes(path)
    except OSError as error:
        raise UsageProblem(f"the policy file {path} cannot be read: {error.strerror}") from error
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageProblem(f"{path}, line {line}: no UTF-8 text; save the file as UTF-8") from error
    if not text:
        raise UsageProblem(f"{path}: the policy is empty; leave it away for the default")
    return text


def _read_bytes(path: Path) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(fd, "rb") as stream:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise UsageProblem(f"the policy {path} is no regular file")
        return stream.read(4 * MAX_CHARS + 1)
