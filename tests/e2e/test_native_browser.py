"""``browser_sandbox: native``: Chromium's own sandbox works inside ours; what that permits leads nowhere."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from support.processes import tree

from edgeagent.desktop import SandboxDesktop
from edgeagent_harness.protocol import audit
from edgeagent_harness.protocol.messages import DesktopSpec

pytestmark = pytest.mark.sandbox
NATIVE = "execution_environment: {browser_sandbox: native}\n"
TRY = """
import ctypes, json, os, socket
libc = ctypes.CDLL(None, use_errno=True)

def call(name, *args):
    ctypes.set_errno(0)
    result = getattr(libc, name)(*args)
    return ctypes.get_errno() if result == -1 else 0

def raw(number, *args):
    return call("syscall", number, *args)

def opened(*args):
    try:
        socket.socket(*args).close()
    except OSError as error:
        return error.errno
    return 0

def child(work):
    ends = os.pipe()
    if os.fork() == 0:
        os.write(ends[1], json.dumps(work()).encode())
        os._exit(0)
    os.close(ends[1])
    return json.loads(os.read(ends[0], 65536))

def reached():
    with socket.socket() as probe:
        return probe.connect_ex(("192.0.2.1", 80))

def escapes():
    return {
        "mount namespace": raw(56, 0x00020000 | 17, 0, 0, 0, 0),
        "mount and user namespace": raw(56, 0x10020000 | 17, 0, 0, 0, 0),
        "ipc namespace": raw(56, 0x08000000 | 17, 0, 0, 0, 0),
        "unshare network": call("unshare", 0x40000000),
        "unshare user and mount": call("unshare", 0x10020000),
        "setns": call("setns", 0, 0),
        "mount": call("mount", b"none", b"/tmp", b"tmpfs", 0, None),
        "pivot_root": raw(155, b"/tmp", b"/tmp"),
        "open_tree": raw(428, -100, b"/", 0),
        "ptrace": call("ptrace", 0, 0, 0, 0),
        "bpf": raw(321, 0, 0, 0),
        "io_uring": raw(425, 1, 0),
        "keyctl": raw(250, 0, 0),
        "filter with listener": raw(317, 1, 8, 0),
        "raw socket": opened(socket.AF_INET, socket.SOCK_RAW, 1),
        "packet socket": opened(socket.AF_PACKET, socket.SOCK_RAW),
        "netfilter": opened(socket.AF_NETLINK, socket.SOCK_RAW, 12),
        "tcp out": reached(),
    }

def nested():
    return {"user namespace": call("unshare", 0x10000000), "chroot": call("chroot", b"/tmp"), **escapes()}

print(json.dumps({"outside": escapes(), "nested": child(nested)}))
"""
DENIED = dict.fromkeys(
    (
        "mount namespace", "mount and user namespace", "ipc namespace", "unshare network", "unshare user and mount", "setns",
        "mount", "pivot_root", "open_tree", "ptrace", "bpf", "io_uring", "keyctl", "filter with listener", "raw socket",
    ),
    1,
) | {"packet socket": 97, "netfilter": 97, "tcp out": 101}  # fmt: skip


def namespaces(process: psutil.Process) -> tuple[str, ...]:
    return tuple(os.readlink(f"/proc/{process.pid}/ns/{kind}") for kind in ("user", "pid", "net"))


@pytest.mark.browser
async def test_renderers_have_namespaces_of_their_own() -> None:
    entries: list[audit.Entry] = []
    desktop = SandboxDesktop(DesktopSpec(640, 480, url="data:text/html,<h1>here</h1>", policy_yaml=NATIVE))
    desktop.on_audited = entries.append
    async with desktop:
        assert "nested_user_namespaces" not in desktop.layers
        running = await asyncio.to_thread(tree, desktop.supervisor_pid)
        browser, *_ = (process for process in running if process.name() == "chromium" and "--type=" not in process.cmdline())
        renderers = [process for process in running if "--type=renderer" in process.cmdline()]
        assert renderers
        assert "--no-sandbox" not in browser.cmdline()
        for renderer in renderers:
            assert all(own != outer for own, outer in zip(namespaces(renderer), namespaces(browser), strict=True))
    (header,) = (entry for entry in entries if isinstance(entry, audit.SandboxStarted))
    assert any(words.startswith("nested_user_namespaces: permitted") for words in header.degraded)


def test_what_is_opened_for_it_leads_nowhere(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(NATIVE)
    argv = [sys.executable, "-P", "-m", "edgeagent_harness.outside", "exec", "--policy", str(policy), "--"]
    done = subprocess.run([*argv, "python3", "-c", TRY], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["outside"] == DENIED
    assert found["nested"] == DENIED | {"user namespace": 0, "chroot": 0}


def test_without_it_there_are_no_user_namespaces_inside() -> None:
    argv = [sys.executable, "-P", "-m", "edgeagent_harness.outside", "exec", "--"]
    done = subprocess.run([*argv, "python3", "-c", TRY], capture_output=True, text=True, timeout=60, check=True)
    nested = json.loads(done.stdout)["nested"]
    assert (nested["user namespace"], nested["chroot"]) == (1, 1)
