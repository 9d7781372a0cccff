"""Which layers of containment this machine gives, and how to mend each that it does not."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from edgeagent_harness.errors import EnvironmentLacks, UsageProblem
from edgeagent_harness.inside import chromium, landlock
from edgeagent_harness.outside.containment import cgroups, sandbox
from edgeagent_harness.policy.types import ACCEPTABLE_MISSING

_PROBE_TIMEOUT_S = 10
_PROBE_UID = 65_533
ONLY_ROOT_MEND = (
    "This looks like a container, or a user namespace, in which root is the only user. Mend: run as an ordinary user, on the"
    f" machine itself, or map user {_PROBE_UID} into it"
)
_APPARMOR_MEND = (
    "AppArmor restricts user namespaces here (Ubuntu 23.10 and later). Mend: give bwrap a profile:\n"
    "  printf 'abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile bwrap /usr/bin/bwrap flags=(unconfined) {\\n  userns,\\n}\\n'"
    " | sudo tee /etc/apparmor.d/bwrap && sudo systemctl reload apparmor\n"
    "or, for all programs: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
)
_CONTAINER_MEND = (
    "This looks like a container that may not create user namespaces. Mend: run on the machine itself, or start the container\n"
    "  with --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined"
)

_LISTENER_MEND = (
    "Another program (a container's supervisor, for one) listens to the system calls of everything here already.\n"
    "  Mend: run outside of it."
)


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer as found. ``mend`` says what to do where it is missing."""

    name: str
    present: bool
    detail: str
    mend: str = ""
    required: bool = True
    """Starting is refused without it, unless it is accepted as missing by name."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The layers that a sandbox is started with."""

    present: tuple[str, ...]
    missing: tuple[str, ...]


def decide(accept_missing: tuple[str, ...], nested_user_namespaces: bool = False) -> Decision:
    """What to start with; quick, as it is part of every start. Raises `EnvironmentLacks` if a required layer is missing.

    ``nested_user_namespaces``: the policy permits them, so that there is no layer that forbids them.
    """
    for name in accept_missing:
        if name not in ACCEPTABLE_MISSING:
            raise UsageProblem(
                f"accept_missing: {name!r} cannot be accepted as missing; it can be one of {', '.join(ACCEPTABLE_MISSING)}"
            )
    # What only a trial shows is tried where its absence is expected: a trial takes longer than all the rest.
    notices = _violation_notices_tried if "violation_notices" in accept_missing else _violation_notices
    found = [
        _bubblewrap(), _seccomp(), notices(), _landlock(), _nested_user_namespaces(), _process_limit(), _display()
    ]  # fmt: skip
    if nested_user_namespaces:
        found = [layer for layer in found if layer.name != "nested_user_namespaces"]
    refused = [layer for layer in found if not layer.present and layer.required and layer.name not in accept_missing]
    if refused:
        lines = [f"{layer.name} is missing: {layer.detail}. {layer.mend}" for layer in refused]
        accept = ", ".join(layer.name for layer in refused if layer.name in ACCEPTABLE_MISSING)
        hint = f"\nOr accept its absence by name in the policy: enforcement: {{accept_missing: [{accept}]}}" if accept else ""
        raise EnvironmentLacks("\n".join(lines) + hint)
    present = tuple(layer.name for layer in found if layer.present)
    missing = tuple(layer.name for layer in found if not layer.present)
    return Decision((*present, "user_namespaces"), (*missing, *(("nested_user_namespaces",) if nested_user_namespaces else ())))


def degraded() -> tuple[str, ...]:
    """Layers that are there, with less than a later kernel would give."""
    lacking = landlock.lacking(landlock.abi_version())
    return (f"landlock: ABI {landlock.abi_version()} has no {' '.join(lacking)}"[:500],) if lacking else ()


def check() -> list[Layer]:
    """Every layer, probed by really starting something."""
    probes: tuple[Callable[[], Layer], ...] = (
        _bubblewrap, _user_namespaces, _nested_user_namespaces, _seccomp, _violation_notices_tried, _landlock,
        _process_limit, _control_groups, _display, _browser,
    )  # fmt: skip
    return [probe() for probe in probes]


def diagnose(output: str) -> str:
    """``output`` of a bwrap that failed, with the mend for what is known to cause it."""
    refused = any(words in output for words in ("amespace", "uid map", "mount proc"))
    mend = _userns_mend() if refused else _LISTENER_MEND if "seccomp: Device or resource busy" in output else ""
    return f"{output}\n{mend}".strip()


@cache
def _bwrap_version() -> tuple[int, ...]:
    result = subprocess.run(
        [sandbox.bwrap_path(), "--version"], capture_output=True, text=True, timeout=_PROBE_TIMEOUT_S, check=False
    )
    words = result.stdout.split()
    return tuple(int(part) for part in words[-1].split(".") if part.isdigit()) if words else ()


def _bubblewrap() -> Layer:
    try:
        version = _bwrap_version()
    except EnvironmentLacks as error:
        return Layer("bubblewrap", False, str(error), "Mend: apt install bubblewrap")
    return Layer("bubblewrap", True, f"{sandbox.bwrap_path()} {'.'.join(map(str, version))}")


def _user_namespaces() -> Layer:
    name = "user_namespaces"
    # Root may create namespaces where others may not, and the sandbox does not run as root.
    uid, groups = (_PROBE_UID, ()) if os.geteuid() == 0 else (None, None)
    try:
        argv = [
            sandbox.bwrap_path(),
            "--unshare-user",
            "--unshare-all",
            "--ro-bind",
            "/",
            "/",
            "--proc",
            "/proc",
            "--",
            "/bin/true",
        ]
        result = subprocess.run(
            argv, capture_output=True, text=True, timeout=_PROBE_TIMEOUT_S, check=False, user=uid, group=uid, extra_groups=groups,
            cwd="/",
        )  # fmt: skip
    except EnvironmentLacks as error:
        return Layer(name, False, str(error), "Mend: apt install bubblewrap")
    except OSError as error:
        return Layer(name, False, f"root cannot become another user here ({error.strerror})", ONLY_ROOT_MEND)
    if result.returncode:
        return Layer(name, False, result.stderr.strip(), _userns_mend())
    return Layer(name, True, "user, mount, pid, ipc, uts and network namespaces")


def require_user_namespaces() -> None:
    """Raise `EnvironmentLacks` with the mend if no sandbox can be made here at all, whatever else is wrong."""
    found = _user_namespaces()
    if not found.present:
        raise EnvironmentLacks(f"{found.name} is missing: {found.detail.rstrip('.')}. {found.mend}")


def _userns_mend() -> str:
    if _sysctl("kernel/apparmor_restrict_unprivileged_userns") == "1":
        return _APPARMOR_MEND
    if _sysctl("kernel/unprivileged_userns_clone") == "0":
        return "Mend: sudo sysctl -w kernel.unprivileged_userns_clone=1"
    if _sysctl("user/max_user_namespaces") == "0":
        return "Mend: sudo sysctl -w user.max_user_namespaces=15000"
    return _CONTAINER_MEND


def _nested_user_namespaces() -> Layer:
    name = "nested_user_namespaces"
    try:
        version = _bwrap_version()
    except EnvironmentLacks as error:
        return Layer(name, False, str(error), required=False)
    if version >= (0, 8):
        return Layer(name, True, "bwrap forbids further user namespaces inside", required=False)
    shown = ".".join(map(str, version))
    mend = "Nothing to do: the seccomp filter denies them; bwrap 0.8 or later forbids them a second time."
    return Layer(name, False, f"bwrap {shown} has no --disable-userns", mend, required=False)


def _seccomp() -> Layer:
    try:
        importlib.import_module("edgeagent_harness.outside.containment.seccomp")
    except EnvironmentLacks as error:
        return Layer("seccomp", False, str(error), "Mend: apt install libseccomp2")
    if Path("/proc/sys/kernel/seccomp/actions_avail").exists():
        return Layer("seccomp", True, "filters by system call")
    return Layer(
        "seccomp",
        False,
        "the kernel has no seccomp filters",
        "Use a kernel with CONFIG_SECCOMP_FILTER, as every Debian and Ubuntu has.",
    )


def _violation_notices() -> Layer:
    """Whether the kernel has user notifications that can be let through (5.5). Another listener may still be in the way."""
    name, mend = "violation_notices", "Use Linux 5.5 or later."
    if _kernel_release() < (5, 5):
        return Layer(name, False, "the kernel cannot tell of denied system calls as they are made", mend)
    return Layer(name, True, "denied system calls are judged and listed as they are made")


def _violation_notices_tried() -> Layer:
    """As `_violation_notices`, by really installing a listener in a process of its own."""
    found = _violation_notices()
    if not found.present or not _seccomp().present:
        return found
    program = importlib.import_module("edgeagent_harness.outside.containment.seccomp").listener_program()
    code = "import sys; from edgeagent_harness.inside import tighten; tighten.install_listener(bytes.fromhex(sys.argv[1]))"
    argv = [sys.executable, "-P", "-c", code, program.hex()]
    run = subprocess.run(argv, capture_output=True, text=True, timeout=_PROBE_TIMEOUT_S, check=False)
    if run.returncode == 0:
        return found
    return Layer(found.name, False, run.stderr.strip().splitlines()[-1], _LISTENER_MEND)


def _kernel_release() -> tuple[int, ...]:
    release = os.uname().release.split("-")[0].split(".")[:2]
    return tuple(int("".join(filter(str.isdigit, part)) or 0) for part in release)


def _landlock() -> Layer:
    abi = landlock.abi_version()
    if abi:
        lacking = landlock.lacking(abi)
        later = f"; not in this kernel: {' '.join(lacking)}" if lacking else ""
        return Layer("landlock", True, f"ABI {abi}: {' '.join(landlock.rights(abi))}{later}")
    mend = "Mend: add landlock to the lsm= list on the kernel's command line (Linux 5.13 or later has it)."
    return Layer("landlock", False, "the kernel has no Landlock, or it is not enabled", mend)


def _process_limit() -> Layer:
    """From 5.14 on RLIMIT_NPROC counts per user namespace; before, it would count the user's own processes too."""
    if _kernel_release() >= (5, 14):
        return Layer("process_limit", True, "RLIMIT_NPROC within the sandbox", required=False)
    return Layer("process_limit", False, "Linux before 5.14 counts the whole user", "Use a later kernel.", required=False)


def _control_groups() -> Layer:
    name = "control_groups"
    group = cgroups.create()
    if group is None:
        detail = "degraded: none can be made; memory is measured ten times a second, the processor is held to whole cores"
        mend = "Nothing to do unless a policy limits memory or the processor; then run as root, or in a session of systemd's."
        return Layer(name, False, detail, mend, required=False)
    for fd in group.entries:
        os.close(fd)
    cgroups.remove(group)
    held = ", ".join(f"{controller} (v{group.versions[controller]})" for controller in group.controllers)
    lacking = [controller for controller in cgroups.CONTROLLERS if controller not in group.controllers]
    return Layer(name, True, f"{held}{'; degraded: no ' + ', '.join(lacking) if lacking else ''}", required=False)


def _display() -> Layer:
    missing = [name for name in ("Xvfb", "openbox") if not os.access(f"/usr/bin/{name}", os.X_OK)]
    if missing:
        return Layer("display", False, f"{' and '.join(missing)} not installed", "Mend: apt install xvfb openbox")
    return Layer("display", True, "Xvfb and openbox")


def _browser() -> Layer:
    mend = "Mend: apt install chromium (Debian); on Ubuntu, where chromium is a snap, install Google Chrome's .deb"
    for name in chromium.CANDIDATES:
        path = Path("/usr/bin", name)
        if not path.exists():
            continue
        if is_snap_stub(path):
            return Layer("browser", False, f"{path} is a snap, which cannot run in the sandbox", mend, required=False)
        return Layer("browser", True, str(path), required=False)
    return Layer("browser", False, "no Chromium found", mend, required=False)


def require_browser() -> None:
    """Raise `EnvironmentLacks` with the mend if there is no browser that can run in the sandbox."""
    found = _browser()
    if not found.present:
        raise EnvironmentLacks(f"{found.detail}. {found.mend}")


def is_snap_stub(path: Path) -> bool:
    """Whether ``path`` only forwards to a snap, as Ubuntu's chromium packages do."""
    if "/snap/" in os.path.realpath(path) or os.path.realpath(path).endswith("/snap"):
        return True
    with path.open("rb") as stream:
        head = stream.read(4096)
    return head.startswith(b"#!") and b"snap" in head


def _sysctl(name: str) -> str:
    try:
        return Path("/proc/sys", name).read_text().strip()
    except OSError:
        return ""
