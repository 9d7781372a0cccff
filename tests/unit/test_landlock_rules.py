"""Landlock in force, tried in a process of its own for each ABI that this kernel can be asked for."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edgeagent_harness.inside import landlock
from edgeagent_harness.protocol.init_wire import PathRule

TRY = """
import ctypes, errno, json, os, shutil, subprocess, sys
from edgeagent_harness.inside import landlock
from edgeagent_harness.protocol.init_wire import PathRule
abi, top = int(sys.argv[1]), sys.argv[2]
shown, hidden, work = (os.path.join(top, name) for name in ("shown", "hidden", "work"))
rules = [PathRule("/usr", "read"), PathRule("/lib", "read"), PathRule("/lib64", "read"), PathRule(shown, "read"),
         PathRule(work, "write"), PathRule("/dev/null", "device"), PathRule("/no/such/path", "write")]
ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)
landlock.restrict(rules, abi)

def tried(attempt):
    try:
        attempt()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "ok"

def put(path, mode):
    with open(path, mode) as stream:
        stream.write("x")

found = {
    "read shown": tried(lambda: open(os.path.join(shown, "file")).close()),
    "write shown": tried(lambda: put(os.path.join(shown, "file"), "a")),
    "read hidden": tried(lambda: open(os.path.join(hidden, "file")).close()),
    "list hidden": tried(lambda: os.listdir(hidden)),
    "write work": tried(lambda: put(os.path.join(work, "new"), "w")),
    "remove work": tried(lambda: os.unlink(os.path.join(work, "new"))),
    "write null": tried(lambda: put("/dev/null", "w")),
    "run system": tried(lambda: subprocess.run(["/bin/true"], check=True)),
    "run dropped": tried(lambda: subprocess.run([shutil.copy("/bin/true", os.path.join(work, "true"))], check=True)),
    "rename across": tried(lambda: (os.mkdir(work + "/a"), os.rename(work + "/file", work + "/a/file"))),
    "shorten shown": tried(lambda: os.truncate(os.path.join(shown, "file"), 0)),
}
print(json.dumps(found))
"""
ABIS = [abi for abi in (1, 2, 3, 5, 6) if abi <= landlock.abi_version()]


@pytest.mark.parametrize("abi", ABIS)
def test_each_abi_confines_as_far_as_it_can(abi: int, tmp_path: Path) -> None:
    for name in ("shown", "hidden", "work"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("content")
    argv = [sys.executable, "-c", TRY, str(abi), str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "read shown": "ok",
        "write shown": "EACCES",
        "read hidden": "EACCES",
        "list hidden": "EACCES",
        "write work": "ok",
        "remove work": "ok",
        "write null": "ok",
        "run system": "ok",
        "run dropped": "EACCES",
        "rename across": "ok" if abi >= 2 else "EXDEV",
        "shorten shown": "EACCES" if abi >= 3 else "ok",
    }


class OldKernel:
    """Landlock's system calls as a kernel answers them that knows rights up to ``abi``: refuses bits and bytes beyond its own."""

    def __init__(self, abi: int) -> None:
        self._handled = sum(bit for bit, since in landlock.FS_RIGHTS.values() if since <= abi)
        self._scoped = sum(bit for bit, since in landlock.SCOPES.values() if since <= abi)
        self._size = 24 if abi >= 6 else 16 if abi >= 4 else 8

    def syscall(self, number: int, *arguments: Any) -> int:
        if number == landlock.SYS_CREATE_RULESET:
            attr, size = arguments[0]._obj, arguments[1].value
            if size > self._size and any(bytes(attr)[self._size : size]):
                ctypes.set_errno(errno.E2BIG)
                return -1
            scoped = attr.scoped if size >= 24 else 0
            if attr.handled_access_fs & ~self._handled or scoped & ~self._scoped or not attr.handled_access_fs:
                ctypes.set_errno(errno.EINVAL)
                return -1
            return os.open(os.devnull, os.O_RDONLY)
        if number == landlock.SYS_ADD_RULE and arguments[2]._obj.allowed_access & ~self._handled:
            ctypes.set_errno(errno.EINVAL)
            return -1
        return 0


@pytest.mark.parametrize("abi", [1, 2, 3, 4, 5, 6])
def test_nothing_is_asked_of_an_old_kernel_that_it_does_not_know(abi: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "_libc", OldKernel(abi))
    rules = [PathRule("/usr", "read"), PathRule("/tmp", "write"), PathRule("/dev", "device"), PathRule("/", "list")]
    landlock.restrict(rules, abi)
    if abi < 6:
        with pytest.raises(OSError, match="landlock_create_ruleset"):
            landlock.restrict(rules, 6)
