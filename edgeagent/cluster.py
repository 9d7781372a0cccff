"""Ray, joined or started: places for actors on more than one machine. Nothing else here speaks to it.

What is started here is for this machine alone: it listens on loopback, asks for a token that only its own processes have, reports
to nobody, and ends with the process that started it. A cluster that is joined is as whoever runs it made it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from edgeagent.errors import EnvironmentProblem, WorkerLost

_OBJECT_STORE_BYTES = 80 << 20
"""Near the least that it takes: what passes between actors here are orders and results, never pixels."""
_SCRATCH = "/tmp/edgeagent-ray-"
_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # what keeps it from replacing 127.0.0.1 by an address that others reach
    "RAY_AUTH_MODE": "token",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # actors ask for no GPU; the engines that they start may use one
}
_OWN: dict[str, Any] = {
    "address": "local", "num_gpus": 0, "object_store_memory": _OBJECT_STORE_BYTES, "include_dashboard": False,
    "log_to_driver": False, "logging_level": "error", "_node_ip_address": "127.0.0.1",
}  # fmt: skip


class Asked:
    """What an actor was asked for, and its answer once it is there."""

    def __init__(self, ray: Any, reference: Any) -> None:
        self._ray = ray
        self._reference = reference

    def done(self, timeout_s: float = 0.0) -> bool:
        """Whether there is an answer, or an error in its place, after at most so long."""
        with _told_plainly(self._ray):
            return bool(self._ray.wait([self._reference], timeout=timeout_s)[0])

    def answer(self) -> Any:
        """Waits for it. Raises what the actor raised, or `WorkerLost`."""
        with _told_plainly(self._ray):
            return self._ray.get(self._reference)

    async def __call__(self) -> Any:
        """As `answer`, without keeping others from going on."""
        with _told_plainly(self._ray):
            return await self._reference


class Actor:
    """An object of ours in a process somewhere in the cluster. It is never started again, and no call is made twice."""

    def __init__(self, ray: Any, handle: Any) -> None:
        self._ray = ray
        self._handle = handle

    def ask(self, method: str, *arguments: object) -> Asked:
        """Call one of its methods; returns at once."""
        with _told_plainly(self._ray):
            return Asked(self._ray, getattr(self._handle, method).remote(*arguments))

    def end(self) -> None:
        """Kill its process, wherever it is; returns before that has happened."""
        with _told_plainly(self._ray):
            self._ray.kill(self._handle, no_restart=True)


class Cluster:
    """Ray for this process: there can be one."""

    def __init__(self, address: str = "", slots: int = 1) -> None:
        """Join the cluster at ``address`` (HOST:PORT), or start one here with room for ``slots`` actors.

        Raises `EnvironmentProblem`.
        """
        os.environ.update({name: value for name, value in _ENVIRONMENT.items() if not address})
        self._scratch: _Scratch | None = None
        try:
            self._ray: Any = import_module("ray")
        except ImportError as error:
            raise EnvironmentProblem(f"Ray is not installed: {error}", "pip install 'edgeagent[ray]'") from error
        try:
            if address:
                self._join(address)
            else:
                self._start(slots)
        except Exception as error:  # Ray's own are of no common kind, some of none at all
            self.close()
            where = f"the Ray cluster at {address} cannot be joined" if address else "Ray cannot be started here"
            raise EnvironmentProblem(f"{where}: {_brief(error)}", "check --ray-address; both ends need the same Ray") from error

    def hire(self, kind: type, *arguments: object, lanes: int = 1) -> Actor:
        """A new actor, as soon as one of the cluster's machines has a processor for it; it runs ``lanes`` calls at once."""
        options = {"num_cpus": 1, "max_restarts": 0, "max_task_retries": 0, "max_concurrency": lanes}
        with _told_plainly(self._ray):
            return Actor(self._ray, self._ray.remote(**options)(kind).remote(*arguments))

    def addresses(self) -> set[str]:
        """Of the machines that are there now."""
        return {str(node["NodeManagerAddress"]) for node in self._ray.nodes() if node["Alive"]}

    def here(self) -> str:
        """This machine's address, as the cluster knows it."""
        return str(self._ray.util.get_node_ip_address())

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        self._ray.shutdown()
        if self._scratch:
            self._scratch.remove()

    def _join(self, address: str) -> None:
        self._ray.init(address=address, log_to_driver=False, logging_level="error")

    def _start(self, slots: int) -> None:
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
        self._scratch = _Scratch()
        try:
            self._ray.init(**_OWN, num_cpus=slots, _temp_dir=self._scratch.folder)
        except Exception:  # it gives itself half a minute, which a busy machine may need twice
            self._ray.shutdown()
            self._ray.init(**_OWN, num_cpus=slots, _temp_dir=self._scratch.folder)


class _Scratch:
    """Ray's folder; in `/tmp`, as the names of the sockets in it may be 107 bytes long in all."""

    def __init__(self) -> None:
        """Removes those of this user's processes that were killed, too."""
        where = Path(_SCRATCH)
        for old in where.parent.glob(f"{where.name}*"):
            with contextlib.suppress(OSError):
                if old.lstat().st_uid == os.getuid():
                    os.close(_locked(old, os.O_RDONLY))
                    shutil.rmtree(old, ignore_errors=True)
        self.folder = tempfile.mkdtemp(prefix=where.name, dir=where.parent)
        self._lock = _locked(Path(self.folder), os.O_WRONLY | os.O_CREAT)

    def remove(self) -> None:
        os.close(self._lock)
        shutil.rmtree(self.folder, ignore_errors=True)


def _locked(folder: Path, flags: int) -> int:
    """A descriptor that holds the folder's lock until it is closed. Raises `OSError` if another process holds it."""
    fd = os.open(folder / "lock", flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise
    return fd


@contextmanager
def _told_plainly(ray: Any) -> Generator[None]:
    """What an actor raised is raised here; that it, or the cluster, is gone is a `WorkerLost`."""
    try:
        yield
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except ray.exceptions.RayError as error:
        raise WorkerLost(f"gone: {_brief(error)}") from None


def _brief(error: Exception) -> str:
    """The first line with words; Ray's messages are pages."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:300]
