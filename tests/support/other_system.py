"""Runs a module as it runs on macOS or on Windows, as far as a Linux can play that: ``other_system.py SYSTEM MODULE ARGS``.

What those systems lack is taken away: modules, functions, constants. What they have besides is not there. The standard library
and other packages are imported beforehand, as they would look for the system's own parts.
"""

from __future__ import annotations

import asyncio
import asyncio.subprocess
import concurrent.futures
import contextlib
import ctypes
import importlib.abc
import json
import logging.handlers
import mmap
import multiprocessing
import os
import runpy
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import click
import msgspec
import numpy

BEFOREHAND: tuple[Any, ...] = (
    asyncio, concurrent, contextlib, ctypes, json, logging, mmap, multiprocessing, runpy, select, shutil, ssl, subprocess,
    tempfile, uuid, click, msgspec, numpy,
)  # fmt: skip
NO_MODULES = {"darwin": {"Xlib"}, "win32": {"Xlib", "fcntl", "pwd", "grp", "termios", "tty", "pty", "resource"}}
_LINUX = (
    "memfd_create",
    "MFD_CLOEXEC",
    "MFD_ALLOW_SEALING",
    "pidfd_open",
    "eventfd",
    "sched_getaffinity",
    "O_TMPFILE",
    "unshare",
)
_UNIX = ("geteuid", "getuid", "fork", "O_NOFOLLOW", "O_DIRECTORY", "O_CLOEXEC", "pread")
NO_NAMES: dict[str, tuple[tuple[Any, tuple[str, ...]], ...]] = {
    "darwin": ((os, _LINUX), (signal, ("SIGRTMIN",))),
    "win32": (
        (os, (*_LINUX, *_UNIX)), (socket, ("AF_UNIX", "send_fds", "recv_fds", "SCM_RIGHTS", "MSG_DONTWAIT")),
        (signal, ("SIGKILL", "SIGHUP", "SIGWINCH", "SIGCHLD", "SIGUSR1", "SIGSTOP", "SIGCONT")),
    ),
}  # fmt: skip


class _Missing(importlib.abc.MetaPathFinder):
    def __init__(self, names: set[str]) -> None:
        self._names = names

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname.partition(".")[0] in self._names:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return None


def become(system: str) -> None:
    """From now on this process is on ``system`` ("darwin" or "win32") as far as Python code can see."""
    missing = NO_MODULES[system]
    sys.meta_path.insert(0, _Missing(missing))
    for name in [name for name in sys.modules if name.partition(".")[0] in missing]:
        del sys.modules[name]
    for module, names in NO_NAMES[system]:
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    if system == "darwin":
        import fcntl

        for name in [name for name in dir(fcntl) if "SEAL" in name]:
            delattr(fcntl, name)
    sys.platform = system


if __name__ == "__main__":
    become(sys.argv[1])
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__" if len(sys.argv) > 1 else "imported")
