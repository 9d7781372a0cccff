"""Directories that a policy names are what it says in a real sandbox: shown, writable (and given back), or gone with it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

pytestmark = pytest.mark.sandbox


@pytest.fixture
def place() -> Generator[Path]:
    """Not in /tmp, so that it does not matter what is mounted there first."""
    with TemporaryDirectory(dir="/var/tmp") as path:
        yield Path(path).resolve()


def run(place: Path, script: str, read_only: tuple[Path, ...] = (), read_write: tuple[Path, ...] = ()) -> list[str]:
    """The lines that ``script`` prints inside."""
    policy = place / "policy.yaml"
    shown, writable = (", ".join(map(str, paths)) for paths in (("/usr", *read_only), ("/home/agent", *read_write)))
    filesystem = f"{{read_only: [{shown}], read_write: [{writable}], tmpfs: [/tmp, /scratch]}}"
    policy.write_text(f"execution_environment:\n  filesystem: {filesystem}\n")
    argv = [
        sys.executable,
        "-P",
        "-m",
        "edgeagent_harness.outside",
        "exec",
        "--policy",
        str(policy),
        "--",
        "/bin/sh",
        "-c",
        script,
    ]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


def owners(top: Path) -> set[tuple[int, int]]:
    return {(path.lstat().st_uid, path.lstat().st_gid) for path in (top, *top.rglob("*"))}


def test_writable_shown_and_vanishing(place: Path) -> None:
    out, books = place / "out", place / "books"
    inner = books / "notes"
    for path in (out, inner):
        path.mkdir(parents=True)
    (out / "old").write_text("before")
    (books / "b").write_text("text")
    before = owners(out) | owners(books)
    script = f"""
        cat {books}/b; echo
        echo new > {out}/new && cat {out}/new
        echo after > {out}/old && mkdir {out}/folder && touch {out}/folder/file && echo written
        touch {books}/c 2>/dev/null || echo books are read-only
        touch {inner}/n && echo but for what lies in them
        cp /bin/true {out}/program && {out}/program 2>/dev/null || echo nothing written can be started
        touch /scratch/s && echo scratch
        ls {place}
    """
    lines = run(place, script, (books,), (out, inner))
    assert lines == [
        "text", "new", "written", "books are read-only", "but for what lies in them", "nothing written can be started", "scratch",
        "books", "out",
    ]  # fmt: skip
    assert (out / "new").read_text() == "new\n"
    assert (out / "old").read_text() == "after\n"
    assert (inner / "n").exists()
    assert not Path("/scratch").exists()
    assert owners(out) | owners(books) == before


def test_a_symlink_left_behind_leads_nowhere_when_ownership_is_given_back(place: Path) -> None:
    out, elsewhere = place / "out", place / "elsewhere"
    out.mkdir()
    elsewhere.mkdir()
    victim = elsewhere / "victim"
    victim.touch()
    before = victim.stat()
    run(
        place, f"ln -s {victim} {out}/link; ln -s {elsewhere} {out}/folder; mkdir {out}/deep; ln -s / {out}/deep/root", (), (out,)
    )
    assert (out / "link").is_symlink()
    after = victim.stat()
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)


def test_below_tmp_too(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    assert run(tmp_path, f"echo x > {out}/x && echo written", (), (out,)) == ["written"]
    assert (out / "x").exists()


def test_a_directory_that_only_root_may_enter(place: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can lend one")
    closed = place / "closed"
    out = closed / "out"
    out.mkdir(parents=True)
    closed.chmod(0o700)
    assert run(place, f"echo x > {out}/x && echo written", (), (out,)) == ["written"]
    assert (out / "x").stat().st_uid == 0
    assert closed.stat().st_mode & 0o777 == 0o700
