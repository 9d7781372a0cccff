"""Makes every attempt in every context, and every control: ``python -m escape.stage DIRECTORY RESULT``.

As root it first gives itself a network namespace with nothing but loopback, on which the addresses elsewhere answer, and a mount
namespace. So an attempt that got out would be seen to succeed, and yet no packet could leave the machine. Then it starts one
sandbox as root and one as an ordinary user. Started by an ordinary user it does that user's half.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyseccomp
from escape import boxes, hijack, host
from escape.attempts.core import ATTEMPTS
from escape.attempts.egress import ALLOWED_NAME, LOOPBACK_NAME
from escape.attempts.network import TEST_ADDRESS
from escape.attempts.run import load

from edgeagent_harness.outside.containment import mountview, rootdrop
from edgeagent_harness.protocol import messages
from edgeagent_harness.protocol.frames import BYTES_PER_PIXEL

USER_UID = 54_321
"""Nobody's: fresh in the sense that it owns nothing."""
POLICY = "resource_limits: {max_pids: 128}\n"
MAX_PIDS = 128
SECRET_VARIABLE = {"EDGEAGENT_ESCAPE_SECRET": "edgeagent-escape-secret"}
_TESTS = Path(__file__).parents[1]
_PATIENCE_S = 60
_HIJACKED_EXECUTOR = """
import os, sys, time
sys.path.insert(0, "/home/agent")
from edgeagent_harness.inside import executor_real, tighten
from escape.attempts import run
tighten_for_good = tighten.tighten_executor
def attempts_beside():
    if os.fork() == 0:
        while not os.path.exists("/home/agent/app.json"):
            time.sleep(0.02)
        run.inside("executor", tighten_for_good)
        os._exit(0)
    tighten_for_good()
tighten.tighten_executor = attempts_beside
sys.exit(executor_real.main())
"""
_CALLS = (
    "add_key", "acct", "bpf", "capget", "capset", "clock_adjtime", "clone", "clone3", "delete_module", "execveat",
    "fanotify_init", "finit_module", "fsmount", "fsopen", "fspick", "init_module", "io_uring_setup", "ioctl", "ioperm", "iopl",
    "kcmp", "kexec_file_load", "keyctl", "modify_ldt", "mount_setattr", "move_mount", "move_pages", "name_to_handle_at",
    "open_by_handle_at", "open_tree", "perf_event_open", "personality", "pidfd_getfd", "pivot_root", "process_madvise",
    "process_vm_readv", "process_vm_writev", "quotactl", "reboot", "request_key", "seccomp", "settimeofday", "socket",
    "socketpair", "swapon", "syslog", "userfaultfd", "vhangup",
)  # fmt: skip


def separate(lay: Path) -> None:
    """A view of files that other users can enter, and a network of our own."""
    mountview.open_up({*(os.path.realpath(p) for p in (sys.base_prefix, sys.prefix)), str(_TESTS.parent), str(lay)})
    if ctypes.CDLL(None, use_errno=True).unshare(0x40000000):
        raise OSError(ctypes.get_errno(), "unshare")
    host.set_up_network()


def lay_out(lay: Path, as_root: bool) -> dict[str, object]:
    """Everything that attempts refer to, and that is the same for all of them."""
    shared = lay.with_name(f"{lay.name}-shared")  # beside the rest: inside, the way to it exists
    shared.mkdir()
    files = {"secret": "the user's", "policy": POLICY, "audit": "{}"}
    for name, text in files.items():
        (lay / name).write_text(text)
        (lay / name).chmod(0o666)
    lay.chmod(0o777)
    secret = (lay / "secret").stat()
    arch = pyseccomp.system_arch()
    return {
        **host.serve_everything(lay, as_root),
        **{name: str(lay / name) for name in files},
        "missing_configuration": str(lay / "config.toml"),
        "runtime_module": str(Path(hijack.__file__)),
        "secret_device": secret.st_dev,
        "secret_inode": secret.st_ino,
        "block_device": _disk(),
        "shared": str(shared),
        "setuid_id": host.setuid_program(shared) if as_root else "",
        "numbers": {name: pyseccomp.resolve_syscall(arch, name) for name in _CALLS},
        "frame_bytes": host.WIDTH * host.HEIGHT * BYTES_PER_PIXEL,
        "max_pids": MAX_PIDS,
        "left_out": _left_out(as_root),
        "victim_mark": f"escape-victim-{os.getpid()}",
    }


def _left_out(as_root: bool) -> list[str]:
    """Attempts that nothing could come of here."""
    names = [] if as_root else ["run_setuid_program", "host_display_tcp", "permitted_place", "loopback_by_name"]
    return names + (
        [] if platform.machine() == "x86_64" else ["int80_call", "x32_call", "raise_io_privilege", "open_io_port", "modify_ldt"]
    )


def _disk() -> str:
    with open("/proc/partitions") as stream:
        names = [line.split()[3] for line in list(stream)[2:]]
    return f"/dev/{names[0]}" if names else "/dev/sda"


def in_sandbox(given: dict[str, object], lay: Path, who: str, uid: int | None) -> dict[str, dict[str, str]]:
    """One sandbox, started by ``uid`` (None: ourselves), with the attempts of an application and of its executor."""
    home = lay / f"home-{who}"
    victim = (_python(), "-S", "-c", "import time; time.sleep(600)", str(given["victim_mark"]))
    with _leaks(given) as leaked, boxes.supervisor(lay / "hijacked", leaked, uid, **SECRET_VARIABLE) as box:
        box.start(_spec(given, home, uid, POLICY, (victim, _probe("app"))))
        _wait_for(home / "executor.json")
    return {context: json.loads((home / f"{context}.json").read_text()) for context in ("app", "executor")}


def with_a_way_out(given: dict[str, object], lay: Path, uid: int | None) -> dict[str, str]:
    """One more sandbox, whose policy permits some places, with the attempts of an application to reach others."""
    home = lay / "home-egress"
    places = ((ALLOWED_NAME, 80), (TEST_ADDRESS, 80), (LOOPBACK_NAME, given["tcp_port"]))
    endpoints = ", ".join(f"{{host: {host}, port: {port}}}" for host, port in places)
    policy = f"network: {{egress: {{mode: allowlist, endpoints: [{endpoints}]}}}}\n"
    with boxes.supervisor(uid=uid) as box:
        box.start(_spec(given, home, uid, policy, (_probe("egress"),)))
        _wait_for(home / "egress.json")
    return dict(json.loads((home / "egress.json").read_text()))


def _spec(
    given: dict[str, object], home: Path, uid: int | None, policy: str, programs: tuple[tuple[str, ...], ...]
) -> messages.DesktopSpec:
    _fill_home(home, given)
    shutil.copytree(_TESTS / "escape" / "attempts", home / "escape" / "attempts", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (home, *home.rglob("*")) if uid else ():
        os.chown(path, uid or 0, uid or 0)
    applications = tuple(messages.Application(argv, wait_window=False) for argv in programs)
    shared = (str(Path(str(given["shared"]))),)
    return messages.DesktopSpec(host.WIDTH, host.HEIGHT, str(home), applications, shared_dirs=shared, policy_yaml=policy)


def _probe(context: str) -> tuple[str, ...]:
    """The command that makes the attempts of ``context`` inside."""
    code = f"import sys; sys.path.insert(0, '/home/agent'); from escape.attempts import run; run.inside({context!r})"
    return (_python(), "-S", "-B", "-c", code)


def _python() -> str:
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def control(given: dict[str, object], lay: Path, who: str, uid: int | None) -> dict[str, str]:
    """The same attempts by ``who``, without any sandbox."""
    home = lay / f"control-{who}"
    _fill_home(home, given)
    if uid:
        os.chown(home, uid, uid)
    names = ",".join(name for name, one in ATTEMPTS.items() if one.control == who and name not in given["left_out"])  # pyright: ignore
    argv = [sys.executable, "-P", "-m", "escape.attempts.run", str(home / "given.json"), str(home / "result.json"), names]
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(_TESTS), **SECRET_VARIABLE}
    drop: dict[str, Any] = {"user": uid, "group": uid, "extra_groups": []} if uid else {}
    with _leaks(given) as leaked:
        subprocess.run(argv, env=environment, pass_fds=leaked, check=True, timeout=_PATIENCE_S, cwd="/", **drop)
    return dict(json.loads((home / "result.json").read_text()))


def _fill_home(home: Path, given: dict[str, object]) -> None:
    home.mkdir()
    (home / "given.json").write_text(json.dumps(given))


class _leaks:
    """Descriptors that a careless caller left open: a file, a directory, a connection."""

    def __init__(self, given: dict[str, object]) -> None:
        secret = str(given["secret"])
        self._connection = socket.create_connection(("127.0.0.1", int(str(given["tcp_port"]))))
        self._files = [os.open(secret, os.O_RDONLY), os.open(os.path.dirname(secret), os.O_RDONLY | os.O_DIRECTORY)]

    def __enter__(self) -> tuple[int, ...]:
        fds = (*self._files, self._connection.fileno())
        for fd in fds:
            os.set_inheritable(fd, True)
        return fds

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        for fd in self._files:
            os.close(fd)


def _wait_for(path: Path) -> None:
    deadline_s = time.monotonic() + _PATIENCE_S
    while not path.exists():
        assert time.monotonic() < deadline_s, f"{path.name} was not written: the attempts did not come to their end"
        time.sleep(0.02)


def main() -> None:
    """Entry point."""
    lay, result = Path(sys.argv[1]), Path(sys.argv[2])
    as_root = os.geteuid() == 0
    load()
    with result.open("w") as stream:  # before the view of files changes: where only root enters /tmp, it hides this
        json.dump(_outcomes(lay, as_root), stream, indent=1)


def _outcomes(lay: Path, as_root: bool) -> dict[str, Any]:
    """What came of all attempts and controls, by who made them."""
    if as_root:
        separate(lay)
    given = lay_out(lay, as_root)
    hijack.make(lay / "hijacked", "executor", _HIJACKED_EXECUTOR)
    queues = host.Queues()
    given |= {"ipc_key": queues.key, "shm_id": queues.memory, "posix_queue": queues.name, "posix_memory": queues.shared_file}
    seen: dict[str, Any] = {}
    user_uid = USER_UID if as_root else None
    try:
        with host.display(tcp=as_root) as number:
            given |= {"x_display": number, "parent_pid": os.getpid()}
            for who, uid, sandbox_uid in (("root", None, rootdrop.SANDBOX_UID), ("user", user_uid, user_uid or os.getuid())):
                if who == "root" and not as_root:
                    continue
                for part, run, victim_uid in (("sandbox", in_sandbox, sandbox_uid), ("control", control, uid or os.getuid())):
                    sleeper = host.sleeper(victim_uid)
                    given |= {"host_pid": sleeper.pid, "secret_argument": f"secret-argument-{os.getpid()}"}
                    try:
                        seen.setdefault(who, {})[part] = run(given, lay, who, uid)
                    finally:
                        sleeper.kill()
                        sleeper.wait()
            seen["user"]["sandbox"]["egress"] = with_a_way_out(given, lay, user_uid)
    finally:
        queues.close()
    return seen


if __name__ == "__main__":
    main()
