"""Host directories that a sandbox may see: which are refused, and how root lends one to the sandbox's user."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Callable
from dataclasses import dataclass, field

from edgeagent_harness.errors import UsageProblem

_NEVER = (
    "/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib32", "/lib64", "/media", "/mnt", "/opt", "/proc", "/root", "/run",
    "/sbin", "/srv", "/sys", "/tmp", "/usr", "/var", "/var/lib", "/var/tmp",
)  # fmt: skip
_NEVER_BELOW = ("/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/sbin", "/sys", "/usr")

Owner = tuple[int, int]
"""(user id, group id)."""


def check(path: str, what: str, keep_out: tuple[str, ...] = ()) -> str:
    """``path`` without symlinks, if a sandbox may have it as its ``what``. Raises `UsageProblem`.

    ``keep_out`` are paths of ours that must not lie in it: what runs outside must not be writable from inside.
    """
    if not os.path.isabs(path):
        raise UsageProblem(f"{what} {path!r} must be an absolute path")
    real = os.path.realpath(path)
    if not os.path.isdir(real):
        raise UsageProblem(f"{what} {path!r} is no directory; create it first")
    accounts = {entry.pw_dir.rstrip("/") for entry in pwd.getpwall()}
    if real in _NEVER or real in accounts or any(_within(real, top) for top in _NEVER_BELOW):
        raise UsageProblem(f"{what} {path!r} is a directory of the system or of a user; name a directory made for the sandbox")
    if os.path.islink(path.rstrip("/")):  # an earlier sandbox may have left it in place of what was there
        raise UsageProblem(f"{what} {path!r} is a symlink to {real!r}; if that is what you mean, name it")
    for inner in keep_out:
        if _within(inner, real):
            raise UsageProblem(f"{what} {path!r} contains {inner}, which runs outside the sandbox; name a directory of its own")
    return real


def check_shared(path: str) -> str:
    """As `check`, for a directory that is only shown: packages of the system may be."""
    real = os.path.realpath(path)
    visible = any(_within(real, top) for top in ("/usr/lib", "/usr/local", "/usr/share"))
    return real if visible else check(path, "shared directory")


@dataclass(slots=True)
class Loan:
    """A directory lent to another user, to be given back."""

    path: str
    owner: Owner
    """Of the directory, and of whatever the borrower creates in it."""
    others: dict[tuple[int, int], Owner] = field(default_factory=dict[tuple[int, int], Owner])
    """(device, inode) -> owner, where that differs from ``owner``."""


def lend(path: str, borrower: Owner) -> Loan:
    """Make ``borrower`` the owner of everything in ``path``. Symlinks are changed, never followed."""
    top = os.stat(path)
    owner = (top.st_uid, top.st_gid)
    if owner == borrower:  # a run before this one was killed before it could give the directory back
        parent = os.stat(os.path.dirname(path))
        owner = (parent.st_uid, parent.st_gid)
    loan = Loan(path, owner)

    def take(status: os.stat_result) -> Owner:
        before = (status.st_uid, status.st_gid)
        if before not in (owner, borrower):
            loan.others[status.st_dev, status.st_ino] = before
        return borrower

    _change_owners(path, take)
    return loan


def give_back(loan: Loan) -> None:
    """Restore the owners that were there before `lend`."""
    _change_owners(loan.path, lambda status: loan.others.get((status.st_dev, status.st_ino), loan.owner))


def _change_owners(path: str, new_owner: Callable[[os.stat_result], Owner]) -> None:
    for _, directories, files, fd in os.fwalk(path, follow_symlinks=False):
        here = os.fstat(fd)
        for name in (*directories, *files):
            _change_owner(name, fd, here.st_dev, new_owner)
    top = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchown(top, *new_owner(os.fstat(top)))
    finally:
        os.close(top)


def _change_owner(name: str, directory: int, device: int, new_owner: Callable[[os.stat_result], Owner]) -> None:
    """A file with further names is left alone: it may be one of the host's, linked into the directory."""
    status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    if status.st_dev == device and (stat.S_ISDIR(status.st_mode) or status.st_nlink == 1):
        os.chown(name, *new_owner(status), dir_fd=directory, follow_symlinks=False)


def _within(path: str, top: str) -> bool:
    return path == top or path.startswith(f"{top}/")
