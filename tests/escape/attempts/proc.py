"""What /proc and /sys offer: other processes' roots and memory, settings of the kernel."""

from __future__ import annotations

import os

from escape.attempts.core import Given, Nothing, attempt, path, process_one
from escape.attempts.files import read


def _write(name: str, text: bytes) -> None:
    fd = os.open(name, os.O_WRONLY)
    try:
        os.write(fd, text)
    finally:
        os.close(fd)


def _openable_to_write(top: str) -> str | None:
    """The first file below ``top`` that opens for writing. Nothing is written."""
    for directory, _, names in os.walk(top):
        for name in names:
            try:
                os.close(os.open(os.path.join(directory, name), os.O_WRONLY | os.O_NONBLOCK))
            except OSError:
                continue
            return os.path.join(directory, name)
    return None


@attempt("the host's files are reached by way of process 1", layer="process 1 is undumpable", blocked="EACCES")
def root_of_init(_given: Given) -> object:
    """List the root directory of process 1 through /proc."""
    return os.listdir(f"/proc/{process_one()}/root/")


@attempt("the host's files are reached", layer="mounts", blocked="ENOENT")
def dotdot_of_own_root(given: Given) -> object:
    """Leave by /proc/self/root/.."""
    return read("/proc/self/root/.." + path(given, "secret"))


@attempt("the host's files are reached", layer="mounts", blocked="ENOENT")
def dotdot_of_working_directory(given: Given) -> object:
    """Leave by /proc/self/cwd and a chain of .."""
    return read("/proc/self/cwd" + "/.." * 40 + path(given, "secret"))


@attempt("the start directory of process 1 is reached", layer="process 1 is undumpable", blocked="EACCES")
def cwd_of_init(_given: Given) -> object:
    """Follow /proc/1/cwd."""
    return os.readlink(f"/proc/{process_one()}/cwd")


@attempt("process 1 is taken over", layer="process 1 is undumpable", blocked="EACCES", executor="EPERM")
def memory_of_init(_given: Given) -> object:
    """Open the memory of process 1 for writing."""
    return os.open(f"/proc/{process_one()}/mem", os.O_RDWR)


@attempt("the control socket is taken", layer="process 1 is undumpable", blocked="EACCES")
def descriptors_of_init(_given: Given) -> object:
    """List the descriptors of process 1."""
    return os.listdir(f"/proc/{process_one()}/fd")


@attempt("secrets in the environment are read", layer="process 1 is undumpable", blocked="EACCES")
def environment_of_init(_given: Given) -> object:
    """Read the environment of process 1."""
    return read(f"/proc/{process_one()}/environ")


@attempt("addresses for an attack are learned", layer="process 1 is undumpable", blocked="EACCES")
def map_of_init(_given: Given) -> object:
    """Read the memory map of process 1."""
    return read(f"/proc/{process_one()}/maps")


@attempt(
    "code of the agent's runs as root at the next crash",
    layer="ownership",
    blocked="EACCES|EROFS",
    executor="EPERM",
    control="root",
)
def set_core_pattern(_given: Given) -> object:
    """Open /proc/sys/kernel/core_pattern for writing."""
    return os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY)


@attempt("settings of the kernel are changed", layer="ownership", blocked="nothing", control="root")
def set_any_kernel_setting(_given: Given) -> object:
    """Open every file below /proc/sys for writing."""
    found = _openable_to_write("/proc/sys")
    if found is None:
        raise Nothing
    return found


@attempt("the machine is stopped", layer="ownership", app="EACCES|EROFS|ENOENT", executor="EPERM", control="root", instead=(
    "ok|ENOENT", "a kernel without the magic key has no such file"
))  # fmt: skip
def trigger_sysrq(_given: Given) -> object:
    """Open /proc/sysrq-trigger for writing."""
    return os.open("/proc/sysrq-trigger", os.O_WRONLY)


@attempt("the kernel's memory is read", layer="ownership", blocked="EACCES|EPERM|ENOENT", control="root", instead=(
    "ok|ENOENT|EPERM", "a kernel without it, or one that is locked down, has none for root either"
))  # fmt: skip
def read_kernel_memory(_given: Given) -> object:
    """Open /proc/kcore."""
    return os.open("/proc/kcore", os.O_RDONLY)


@attempt("the kernel's messages are read", layer="mounts", blocked="ENOENT", control="root")
def read_kernel_log(_given: Given) -> object:
    """Open /dev/kmsg."""
    return os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)


@attempt("devices and control groups are reached", layer="mounts", blocked="ENOENT")
def list_sys(_given: Given) -> object:
    """List /sys."""
    return os.listdir("/sys")


@attempt("limits are left", layer="mounts", blocked="ENOENT", control="root")
def leave_control_group(_given: Given) -> object:
    """List the control groups, where a process could be moved out of its own."""
    return os.listdir("/sys/fs/cgroup")


@attempt(
    "the process escapes the memory killer",
    layer="no capabilities",
    blocked="EACCES",
    executor="EPERM",
    control="root",
    capability=24,
)
def lower_oom_score(_given: Given) -> object:
    """Ask to be killed last when memory is short."""
    return _write("/proc/self/oom_score_adj", b"-1000")


@attempt("more users are mapped in", layer="no capabilities", blocked="EPERM|EACCES", control="user", instead=(
    "EPERM", "outside, too, a map is written once and by the owner of a fresh user namespace only: the same refusal"
))  # fmt: skip
def map_root(_given: Given) -> object:
    """Map the host's root into our user namespace."""
    return _write("/proc/self/uid_map", b"0 0 1\n")


@attempt("paths of the host are learned", app="ok", executor="ok", accepted=(
    "the names of the directories that are mounted inside stand in the mount table; the kernel offers no way to hide them"
))  # fmt: skip
def read_mount_table(_given: Given) -> object:
    """Read the host's directory names in /proc/self/mountinfo."""
    return read("/proc/self/mountinfo")


@attempt("the machine is recognised", app="ok", executor="ok", accepted=(
    "programs ask for kernel version, processor and memory size; only a virtual machine hides them"
))  # fmt: skip
def recognise_machine(_given: Given) -> object:
    """Read kernel version, processor type and memory size."""
    return os.uname().release, read("/proc/cpuinfo"), read("/proc/meminfo")
