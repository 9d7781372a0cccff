"""``execution_environment``: the display, the files that are visible, the browser's own sandbox."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import Literal, cast

from edgeagent_harness.errors import UsageProblem
from edgeagent_harness.policy.strict_yaml import Section
from edgeagent_harness.policy.types import HOME_INSIDE, SYSTEM_READ_ONLY, Policy
from edgeagent_harness.protocol.frames import MAX_SIDE_PX

_PRIVATE = ("/", "/boot", "/etc", "/home", "/opt", "/root", "/tmp", "/var")
"""Not as a whole."""
_PRIVATE_BELOW = (
    "/dev",
    "/proc",
    "/run",
    "/sys",
    "/var/run",
    "/tmp/.X11-unix",
    "/tmp/.ICE-unix",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
)
"""Not at all: devices, and sockets that can be spoken to however they are mounted."""
_OURS_INSIDE = (HOME_INSIDE, "/opt/edgeagent")
_NO_TMPFS_BELOW = (
    *_PRIVATE_BELOW, *_OURS_INSIDE, "/usr", "/etc", "/opt", "/tmp", "/boot", "/lib32", "/libx32", "/root",
)  # fmt: skip


def execution_environment(section: Section, policy: Policy) -> Policy:
    """``policy`` with what ``section`` says."""
    section.text("backend", "bwrap", ("bwrap",))
    browser = cast(Literal["none", "native"], section.text("browser_sandbox", "none", ("none", "native")))
    policy = replace(policy, browser_sandbox=browser)
    if display := section.section("display"):
        width, height = display.integer("width", 1280, 64, MAX_SIDE_PX), display.integer("height", 800, 64, MAX_SIDE_PX)
        display.done()
        policy = replace(policy, width=width, height=height)
    if filesystem := section.section("filesystem"):
        policy = _filesystem(filesystem, policy)
    section.done()
    return policy


def _filesystem(section: Section, policy: Policy) -> Policy:
    read_only = _paths(section, "read_only", "/usr", "nothing could run without it")
    read_write = _paths(section, "read_write", HOME_INSIDE, "it is the session's home, and always writable")
    tmpfs = _paths(section, "tmpfs", "/tmp", "it always is one")
    section.done()
    for key, paths in (("read_only", read_only), ("read_write", read_write)):
        for path in paths:
            if path in _PRIVATE or _beneath(path, (*_PRIVATE_BELOW, *_OURS_INSIDE)):
                raise _error(section, key, path, "is one of the system's private directories, or one of ours")
    for path in read_write:
        if _beneath(path, ("/usr", "/etc", "/boot", "/lib32", "/libx32")):
            raise _error(section, "read_write", path, "belongs to the system, which must not be written from inside")
    for path in tmpfs:
        if path in ("/", "/home", "/var") or _beneath(path, _NO_TMPFS_BELOW):
            raise _error(section, "tmpfs", path, "cannot be one: the sandbox has something of its own there")
    _check_overlaps(section, ("/usr", *read_only), read_write, tmpfs)
    return replace(policy, read_only=(*SYSTEM_READ_ONLY, *read_only), read_write=read_write, tmpfs=tmpfs)


def _paths(section: Section, key: str, always: str, why: str) -> tuple[str, ...]:
    """The paths under ``key`` beyond ``always``, which must be among them if there are any: the file says all that holds."""
    paths = section.texts(key, (always,))
    if always not in paths:
        raise section.error(f"{section.full(key)} must contain {always}: {why}", section.line_of(key))
    for path in paths:
        if not path.startswith("/"):
            raise _error(section, key, path, "is relative; write it from / on")
        if path.startswith("//") or posixpath.normpath(path) != path:
            raise _error(section, key, path, f"is not normalized; write {posixpath.normpath(path)!r}".replace("'//", "'/"))
    return tuple(path for path in paths if path != always)


def _check_overlaps(section: Section, read_only: tuple[str, ...], read_write: tuple[str, ...], tmpfs: tuple[str, ...]) -> None:
    """A writable directory may lie in one that is shown read-only; every other overlap says two things at once."""
    for path in read_write:
        if path in read_only:
            raise _error(section, "read_write", path, "is in read_only too")
        if outer := _outer(path, tuple(other for other in read_write if other != path)):
            raise _error(section, "read_write", path, f"lies in {outer}, which is writable already")
    for inner in read_only:
        if outer := _outer(inner, read_write):
            raise _error(section, "read_only", inner, f"lies in {outer}, which read_write makes writable")
    for inner in tmpfs:
        if inner in (*read_only, *read_write):
            raise _error(section, "tmpfs", inner, "is in read_only or read_write too")
        if outer := _outer(inner, (*read_only, *read_write)):
            raise _error(section, "tmpfs", inner, f"lies in {outer}, a directory of the host")
    for inner in (*read_only, *read_write):
        if outer := _outer(inner, tmpfs):
            raise _error(section, "tmpfs", outer, f"would hide {inner}")


def _outer(path: str, tops: tuple[str, ...]) -> str:
    return next((top for top in tops if _beneath(path, (top,))), "")


def _beneath(path: str, tops: tuple[str, ...]) -> bool:
    return any(path == top or path.startswith(f"{top}/") for top in tops)


def _error(section: Section, key: str, path: str, reason: str) -> UsageProblem:
    return section.error(f"{section.full(key)}: {path!r} {reason}", section.line_of(key))
