"""New namespaces, entering others, mounting, another root directory."""

from __future__ import annotations

import ctypes
import os
import struct

from escape.attempts.core import Given, attempt, call, checked, process_one

_libc = ctypes.CDLL(None, use_errno=True)
_NEWNS, _NEWUTS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
_SIGCHLD = 17
_AT_FDCWD = -100


def _clone(given: Given, flags: int) -> None:
    pid = call(given, "clone", flags | _SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _clone3(given: Given, flags: int) -> None:
    arguments = struct.pack("11Q", flags, 0, 0, 0, _SIGCHLD, 0, 0, 0, 0, 0, 0)
    pid = call(given, "clone3", ctypes.create_string_buffer(arguments), 64)
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


@attempt("all capabilities come back in a new user namespace", layer="seccomp", blocked="EPERM")
def unshare_user(_given: Given) -> object:
    """Unshare the user namespace."""
    return checked(_libc.unshare(_NEWUSER))


@attempt("the view of files is changed", layer="seccomp", blocked="EPERM", control="root")
def unshare_mounts(_given: Given) -> object:
    """Unshare the mount namespace."""
    return checked(_libc.unshare(_NEWNS))


@attempt("another network is set up", layer="seccomp", blocked="EPERM", control="root")
def unshare_network(_given: Given) -> object:
    """Unshare the network namespace."""
    return checked(_libc.unshare(_NEWNET))


@attempt("processes are hidden", layer="seccomp", blocked="EPERM", control="root")
def unshare_pids(_given: Given) -> object:
    """Unshare the pid namespace."""
    return checked(_libc.unshare(_NEWPID))


@attempt("all capabilities come back in a new user namespace", layer="seccomp", blocked="EPERM")
def clone_user(given: Given) -> object:
    """Clone into a new user namespace."""
    return _clone(given, _NEWUSER)


@attempt("another network is set up", layer="seccomp", blocked="EPERM", control="root")
def clone_network(given: Given) -> object:
    """Clone into a new network namespace."""
    return _clone(given, _NEWNET)


@attempt("all capabilities come back in a new user namespace", layer="seccomp", blocked="ENOSYS", executor="EPERM")
def clone3_user(given: Given) -> object:
    """Clone into a new user namespace with clone3, whose flags a filter cannot see."""
    return _clone3(given, _NEWUSER)


@attempt("a namespace of the host is entered", layer="seccomp", blocked="EPERM", control="root")
def enter_namespace(_given: Given) -> object:
    """Enter a namespace by a descriptor of it."""
    return checked(_libc.setns(os.open("/proc/self/ns/uts", os.O_RDONLY), 0))


@attempt("a namespace of process 1 is entered", layer="process 1 is undumpable", blocked="EACCES|EPERM")
def open_namespace_of_init(_given: Given) -> object:
    """Open the mount namespace of process 1."""
    return os.open(f"/proc/{process_one()}/ns/mnt", os.O_RDONLY)


@attempt("the view of files is changed", layer="seccomp", blocked="EPERM", control="root")
def mount_tmpfs(_given: Given) -> object:
    """Mount a tmpfs over /tmp."""
    return checked(_libc.mount(b"none", b"/tmp", b"tmpfs", 0, None))


@attempt("the view of files is changed", layer="seccomp", blocked="EPERM", control="root")
def mount_proc(_given: Given) -> object:
    """Mount a fresh /proc, without the covers."""
    return checked(_libc.mount(b"proc", b"/mnt", b"proc", 0, None))


@attempt("the view of files is changed", layer="seccomp", blocked="EPERM", control="root")
def bind_mount(_given: Given) -> object:
    """Bind the root directory to /mnt."""
    return checked(_libc.mount(b"/", b"/mnt", None, ctypes.c_ulong(0x1000), None))


@attempt("the view of files is changed", layer="seccomp", blocked="EPERM", control="root")
def open_file_system(given: Given) -> object:
    """Begin a mount with the new interface."""
    return call(given, "fsopen", b"tmpfs", 0)


@attempt("the view of files is changed", layer="seccomp", blocked="EPERM", control="root", instead=(
    "EBADF", "a descriptor to go on with comes from fsopen, which is an attempt of its own; the kernel says that this is none"
))  # fmt: skip
def make_mount(given: Given) -> object:
    """Go on with a mount of the new interface (on a descriptor that is none)."""
    return call(given, "fsmount", -1, 0, 0)


@attempt("the view of files is changed", layer="seccomp", blocked="EPERM", control="root")
def pick_mount(given: Given) -> object:
    """Take a mounted file system for reconfiguration."""
    return call(given, "fspick", _AT_FDCWD, b"/", 0)


@attempt("the view of files is changed", layer="seccomp", blocked="EPERM", control="root")
def clone_mount_tree(given: Given) -> object:
    """Open a clone of the tree of mounts."""
    return call(given, "open_tree", _AT_FDCWD, b"/", 1)


@attempt("the view of files is changed", layer="seccomp", blocked="EPERM", control="root")
def move_mount(given: Given) -> object:
    """Put a clone of the tree of mounts on /mnt."""
    tree = call(given, "open_tree", _AT_FDCWD, b"/", 1) if os.geteuid() == 0 else -1
    return call(given, "move_mount", tree, b"", _AT_FDCWD, b"/mnt", 4)


@attempt("what is read-only is made writable", layer="seccomp", blocked="EPERM", control="root")
def change_mount_attributes(given: Given) -> object:
    """Clear the read-only attribute of the root mount."""
    return call(given, "mount_setattr", _AT_FDCWD, b"/", 0, ctypes.create_string_buffer(struct.pack("4Q", 0, 1, 0, 0)), 32)


@attempt("the view of files is changed", layer="seccomp", blocked="EPERM", control="root")
def change_root(_given: Given) -> object:
    """Take another root directory."""
    return os.chroot("/tmp")


@attempt("the view of files is changed", layer="seccomp", blocked="EPERM", control="root", instead=(
    "ok|EINVAL|EBUSY", "the kernel looks at the two mounts and refuses these, after its permission check"
))  # fmt: skip
def pivot_root(given: Given) -> object:
    """Exchange the root mount."""
    return call(given, "pivot_root", b"/proc", b"/proc")
