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


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Its address, for SQLAlchemy. It refuses to run as root, so root starts it as the user that its package made."""
    folder.mkdir(mode=0o755, parents=True)
    as_user: list[str] = []
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
        as_user = ["runuser", "-u", "postgres", "--"]
    data = folder / "data"

    def run(*argv: str) -> None:
        subprocess.run([*as_user, *argv], check=True, cwd="/", stdout=subprocess.DEVNULL, timeout=120)

    run(str(BIN / "initdb"), "-D", str(data), "-A", "trust", "-U", "ledger", "--no-sync")
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
    run(str(BIN / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql+psycopg://ledger@/postgres?host={folder}"
    finally:
        run(str(BIN / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
