"""Landlock by system call. Every right of the kernel's ABI is handled explicitly, so nothing is left out silently.

ABI 1 (Linux 5.13) is required; later rights are used where the kernel has them, and `rights` lists what is in force.
The numbers are those of ``linux/landlock.h``; a test compares them with the header.
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable

from edgeagent_harness.protocol.init_wire import PathRule

SYS_CREATE_RULESET = 444
SYS_ADD_RULE = 445
SYS_RESTRICT_SELF = 446
CREATE_RULESET_VERSION = 1
RULE_PATH_BENEATH = 1

FS_RIGHTS: dict[str, tuple[int, int]] = {
    "EXECUTE": (1 << 0, 1),
    "WRITE_FILE": (1 << 1, 1),
    "READ_FILE": (1 << 2, 1),
    "READ_DIR": (1 << 3, 1),
    "REMOVE_DIR": (1 << 4, 1),
    "REMOVE_FILE": (1 << 5, 1),
    "MAKE_CHAR": (1 << 6, 1),
    "MAKE_DIR": (1 << 7, 1),
    "MAKE_REG": (1 << 8, 1),
    "MAKE_SOCK": (1 << 9, 1),
    "MAKE_FIFO": (1 << 10, 1),
    "MAKE_BLOCK": (1 << 11, 1),
    "MAKE_SYM": (1 << 12, 1),
    "REFER": (1 << 13, 2),
    "TRUNCATE": (1 << 14, 3),
    "IOCTL_DEV": (1 << 15, 5),
}
"""Name -> (bit, first ABI that has it)."""

SCOPES: dict[str, tuple[int, int]] = {"ABSTRACT_UNIX_SOCKET": (1 << 0, 6), "SIGNAL": (1 << 1, 6)}

_READ = ("EXECUTE", "READ_FILE", "READ_DIR")
_WRITE = (
    "WRITE_FILE", "READ_FILE", "READ_DIR", "REMOVE_DIR", "REMOVE_FILE", "MAKE_DIR", "MAKE_REG", "MAKE_SOCK", "MAKE_FIFO",
    "MAKE_SYM", "REFER", "TRUNCATE",
)  # fmt: skip
ACCESS: dict[str, tuple[str, ...]] = {
    "list": ("READ_DIR",),
    "read": _READ,
    "device": ("READ_FILE", "WRITE_FILE", "READ_DIR", "IOCTL_DEV", "TRUNCATE"),
    "write": _WRITE,
}
_FILE_RIGHTS = ("EXECUTE", "WRITE_FILE", "READ_FILE", "TRUNCATE", "IOCTL_DEV")

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


class RulesetAttr(ctypes.Structure):
    _fields_ = (("handled_access_fs", ctypes.c_uint64), ("handled_access_net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class PathBeneathAttr(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def abi_version() -> int:
    """The kernel's Landlock ABI; 0 where it has none or it is not enabled."""
    version = _libc.syscall(SYS_CREATE_RULESET, None, ctypes.c_size_t(0), CREATE_RULESET_VERSION)
    return max(0, int(version))


def rights(abi: int) -> tuple[str, ...]:
    """Names of everything that a sandbox handles under ``abi``."""
    names = [f"fs:{name}" for name, (_, since) in FS_RIGHTS.items() if since <= abi]
    return tuple(names + [f"scope:{name}" for name, (_, since) in SCOPES.items() if since <= abi])


def lacking(abi: int) -> tuple[str, ...]:
    """Names of what later ABIs have and ``abi`` has not, with the first that has it."""
    later = [("fs", FS_RIGHTS), ("scope", SCOPES)]
    return tuple(f"{kind}:{name} (ABI {since})" for kind, known in later for name, (_, since) in known.items() if since > abi)


def restrict(rules: Iterable[PathRule], abi: int) -> None:
    """Confine this process and its future children to ``rules``. Raises OSError; no_new_privs must be set already."""
    ruleset = _create_ruleset(abi)
    try:
        for rule in rules:
            _allow(ruleset, rule, abi)
        _check(_libc.syscall(SYS_RESTRICT_SELF, ruleset, 0), "landlock_restrict_self")
    finally:
        os.close(ruleset)


def _bits(names: Iterable[str], abi: int) -> int:
    return sum(FS_RIGHTS[name][0] for name in names if FS_RIGHTS[name][1] <= abi)


def _create_ruleset(abi: int) -> int:
    scoped = sum(bit for bit, since in SCOPES.values() if since <= abi)
    attr = RulesetAttr(_bits(FS_RIGHTS, abi), 0, scoped)
    # Older kernels refuse a structure that is longer than theirs unless the rest is zero; ABI 1 knows the first field only.
    size = ctypes.sizeof(attr) if abi >= 6 else ctypes.sizeof(ctypes.c_uint64)
    return _check(_libc.syscall(SYS_CREATE_RULESET, ctypes.byref(attr), ctypes.c_size_t(size), 0), "landlock_create_ruleset")


def _allow(ruleset: int, rule: PathRule, abi: int) -> None:
    try:
        parent = os.open(rule.path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        names = ACCESS[rule.access]
        if not stat.S_ISDIR(os.fstat(parent).st_mode):
            names = tuple(name for name in names if name in _FILE_RIGHTS)
        attr = PathBeneathAttr(_bits(names, abi), parent)
        _check(_libc.syscall(SYS_ADD_RULE, ruleset, RULE_PATH_BENEATH, ctypes.byref(attr), 0), f"landlock_add_rule {rule.path}")
    finally:
        os.close(parent)


def _check(result: int, what: str) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
    return result
