"""What machine this is, as far as step times and bug reports need it. Reads /proc; sends nothing anywhere."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import msgspec


class Machine(msgspec.Struct, frozen=True):
    """The machine that a measurement was made on."""

    system: str
    kernel: str
    cpu: str
    cores: int
    """Those that this process may use."""
    memory_gb: float
    python: str


def describe_machine() -> Machine:
    """This machine."""
    return Machine(
        system=_os_release(),
        kernel=platform.release(),
        cpu=_field("/proc/cpuinfo", "model name") or platform.machine(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_gb=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        python=platform.python_version(),
    )


def machine_line() -> str:
    """This machine in one line."""
    machine = describe_machine()
    return f"{machine.cpu}, {machine.cores} cores, {machine.memory_gb:g} GB, {machine.system}, Linux {machine.kernel}"


def available_mb() -> float:
    """Memory that can be had without swapping, in MB. Source: /proc/meminfo."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return float(value.split()[0]) * 1024 / 1e6
    return 0.0


def private_mb(pid: int) -> float:
    """Memory that comes back when the process ``pid`` ends, in MB: not the files that it has mapped, which `available_mb` counts
    already. 0 for one that is gone. Source: /proc/PID/status."""
    names = ("RssAnon", "RssShmem")
    return sum(float((_field(f"/proc/{pid}/status", name) or "0").split()[0]) for name in names) * 1024 / 1e6


def _os_release() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        return platform.system()


def _field(path: str, name: str) -> str:
    try:
        for line in Path(path).read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == name:
                return value.strip()
    except OSError:
        return ""
    return ""
