"""A PostgreSQL of a test's own: a cluster in a folder, reached through a socket file there, with durability off."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BIN = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), Path("/usr/bin"))
HAS_POSTGRES = (BIN / "initdb").exists() and shutil.which("runuser") is not None


class Postgres:
    """One server. It refuses to run as root, so root starts it as the user that its package made."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o755, parents=True)
        self._folder = folder
        self._as_user: list[str] = []
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
            self._as_user = ["runuser", "-u", "postgres", "--"]
        self._run("initdb", "-A", "trust", "-U", "ledger", "--no-sync")
        self.url = f"postgresql+psycopg://ledger@/postgres?host={folder}"
        """For SQLAlchemy."""

    def start(self) -> None:
        options = f"-c listen_addresses= -c unix_socket_directories={self._folder} -c fsync=off"
        self._run("pg_ctl", "-w", "-l", str(self._folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        """At once: connections are cut."""
        self._run("pg_ctl", "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        argv = [*self._as_user, str(BIN / program), "-D", str(self._folder / "data"), *arguments]
        subprocess.run(argv, check=True, cwd="/", stdout=subprocess.DEVNULL, timeout=120)


@contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    """One that runs, for the duration of a ``with`` block."""
    server = Postgres(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
