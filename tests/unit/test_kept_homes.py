"""A home is kept after each step and given back exactly, and no trick in it makes anything else be read or written."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import msgspec
import pytest

from edgeagent.homes import kept, objects, walk
from edgeagent.homes.kept import Change, Home, KeptHomes, Piece, build, home_after, share


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "session" / "home"
    made.mkdir(parents=True)
    return made


def tree(folder: Path) -> dict[str, tuple[str, int, bytes | str]]:
    """Everything below ``folder``: kind, permissions, content."""
    found: dict[str, tuple[str, int, bytes | str]] = {}
    for path in sorted(folder.rglob("*")):
        name, mode = str(path.relative_to(folder)), stat.S_IMODE(path.lstat().st_mode)
        if path.is_symlink():
            found[name] = ("link", 0, os.readlink(path))
        elif path.is_dir():
            found[name] = ("folder", mode, "")
        else:
            found[name] = ("file", mode, path.read_bytes())
    return found


def restored(home: Path, step: int, name: str = "again") -> dict[str, tuple[str, int, bytes | str]]:
    was = home_after(home.parent, step)
    assert was is not None
    target = home.parent / f"{name}-{step}"
    assert build(home.parent, was, target) == []
    return tree(target)


def test_each_step_is_given_back_exactly(home: Path) -> None:
    homes = KeptHomes(home.parent)
    states: list[dict[str, tuple[str, int, bytes | str]]] = []
    (home / "a.txt").write_text("one")
    (home / "deep" / "er").mkdir(parents=True)
    (home / "deep" / "er" / "run.sh").write_text("#!/bin/sh\n")
    (home / "deep" / "er" / "run.sh").chmod(0o755)
    (home / "link").symlink_to("deep/er")
    for step in range(4):
        if step == 1:
            (home / "a.txt").write_text("two")
            (home / "Zoë 日本.txt").write_bytes(bytes(range(256)) * 5000)
        if step == 2:
            (home / "a.txt").unlink()
            (home / "link").unlink()
            (home / "link").write_text("a file now")
        if step == 3:
            (home / "deep" / "er").chmod(0o500)
        homes.keep(home, step)
        states.append(tree(home))
    homes.close()
    assert [restored(home, step) for step in range(4)] == states
    assert home_after(home.parent, 4) is None
    times = [(home.parent / "again-3" / name).stat().st_mtime_ns == (home / name).stat().st_mtime_ns for name in ("link",)]
    assert times == [True]
    (home / "deep" / "er").chmod(0o700)


def test_only_what_changed_is_stored(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_SETTLED_NS", 0)
    homes = KeptHomes(home.parent)
    for number in range(50):
        (home / f"{number}.bin").write_bytes(os.urandom(1000))
    first = homes.keep(home, 0)
    assert (first.files, first.changed, first.bytes_stored) == (50, 50, 50_000)
    (home / "7.bin").write_bytes(b"x" * 500)
    (home / "copy").write_bytes((home / "8.bin").read_bytes())
    second = homes.keep(home, 1)
    assert (second.files, second.changed, second.bytes_stored) == (51, 2, 500), "equal contents are stored once"
    assert homes.keep(home, 2).changed == 0
    homes.close()
    again = KeptHomes(home.parent)
    assert again.keep(home, 3).bytes_stored == 0, "also for the next process"
    again.close()


def test_a_change_within_the_same_tick_is_not_missed(home: Path) -> None:
    """Same size, same inode, and times as they were: only reading it again shows it."""
    homes, file = KeptHomes(home.parent), home / "a"
    file.write_text("one")
    homes.keep(home, 0)
    status = file.stat()
    with file.open("r+") as stream:
        stream.write("two")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    homes.keep(home, 1)
    homes.close()
    assert restored(home, 1)["a"][2] == b"two"


def test_a_rewound_step_is_the_one_that_was_done_again(home: Path) -> None:
    homes = KeptHomes(home.parent)
    for step, text in ((0, "start"), (1, "first"), (2, "old second"), (1, "first"), (2, "new second")):
        (home / "a").write_text(text)
        homes.keep(home, step)
    homes.close()
    assert restored(home, 2)["a"][2] == b"new second"
    other = home.parent.parent / "fork"
    other.mkdir()
    share(home.parent, other, 1)
    assert home_after(other, 2) is None
    was = home_after(other, 1)
    assert was is not None
    build(other, was, other / "home")
    assert (other / "home" / "a").read_text() == "first"


def test_what_a_crash_left_half_written_costs_one_step(home: Path) -> None:
    homes = KeptHomes(home.parent)
    (home / "a").write_text("one")
    homes.keep(home, 0)
    homes.close()
    with (home.parent / kept.LIST_NAME).open("ab") as file:
        file.write(b'{"step":1,"now":[{"path":')
    again = KeptHomes(home.parent)
    (home / "a").write_text("three")
    again.keep(home, 2)
    again.close()
    assert restored(home, 0)["a"][2] == b"one"
    assert home_after(home.parent, 1) is None
    assert restored(home, 2)["a"][2] == b"three"


def test_a_damaged_content_is_told_not_given(home: Path) -> None:
    homes = KeptHomes(home.parent)
    (home / "a").write_text("one")
    homes.keep(home, 0)
    homes.close()
    (stored,) = [path for path in (home.parent / kept.OBJECTS_NAME).rglob("*") if path.is_file()]
    stored.write_text("two")
    was = home_after(home.parent, 0)
    assert was is not None
    assert build(home.parent, was, home.parent / "again") == ["a"]
    assert tree(home.parent / "again") == {}


def test_what_cannot_be_kept_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "MAX_FILE_BYTES", 1000)
    monkeypatch.setattr(walk, "MAX_DEPTH", 3)
    (home / "big").write_bytes(bytes(1001))
    (home / "sparse").touch()
    os.truncate(home / "sparse", 1 << 40)
    os.mkfifo(home / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.fspath(home / "socket"))
    (home / "1" / "2" / "3" / "4").mkdir(parents=True)
    (home / os.fsdecode(b"\xff")).touch()
    (home / ".cache" / "x").mkdir(parents=True)
    homes = KeptHomes(home.parent)
    told = dict(line.split(": ", 1) for line in homes.keep(home, 0).left_out)
    homes.close()
    assert told["big"] == "it has 1001 bytes, more than are kept"
    assert "more than are kept" in told["sparse"]
    assert told["1/2/3/4"] == "it lies more than 3 folders deep"
    assert "?: it" in "\n".join(f"{name}: {why}" for name, why in told.items())
    assert set(restored(home, 0)) == {"1", "1/2", "1/2/3"}


def test_a_link_in_place_of_a_file_is_not_followed(home: Path, tmp_path: Path) -> None:
    secret = tmp_path / "of the host"
    secret.write_text("secret")
    (home / "file").symlink_to(secret)
    (home / "folder").symlink_to(tmp_path)
    homes = KeptHomes(home.parent)
    homes.keep(home, 0)
    homes.close()
    again = restored(home, 0)
    assert again == {"file": ("link", 0, str(secret)), "folder": ("link", 0, str(tmp_path))}
    assert not list((home.parent / kept.OBJECTS_NAME).rglob("*")), "nothing was read"
    fd = os.open(home, os.O_RDONLY)
    with pytest.raises(OSError, match="symbolic link"):  # put there after it was seen to be a file
        objects.Objects(home.parent / "o").take("file", fd, 10**6)
    os.close(fd)


@pytest.mark.parametrize(
    "piece",
    [
        Piece("../escaped", "folder", 0o700),
        Piece("/tmp/escaped", "folder", 0o700),
        Piece("link/escaped", "folder", 0o700),
        Piece("..", "folder", 0o700),
        Piece("a\0b", "folder", 0o700),
        Piece("escaped", "file", 0o600, content="../../../etc/passwd"),
    ],
    ids=lambda piece: repr(piece.path),
)
def test_a_list_from_elsewhere_cannot_reach_out(home: Path, tmp_path: Path, piece: Piece) -> None:
    (tmp_path / "outside").mkdir()
    line = Change(0, (Piece("link", "link", 0, content=str(tmp_path / "outside")), piece))
    (home.parent / kept.LIST_NAME).write_bytes(msgspec.json.encode(line) + b"\n")
    was = home_after(home.parent, 0)
    assert isinstance(was, Home)
    assert build(home.parent, was, home.parent / "again") == [piece.path]
    assert set(tree(home.parent / "again")) == {"link"}
    assert not list((tmp_path / "outside").iterdir())


def test_rights_of_another_user_are_not_given_back(home: Path) -> None:
    (home / "run").touch()
    (home / "run").chmod(0o4755)
    homes = KeptHomes(home.parent)
    homes.keep(home, 0)
    homes.close()
    assert restored(home, 0)["run"][1] == 0o755
