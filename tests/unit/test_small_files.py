"""The user's own small files: whatever lies in their place is told in words, never waited for; writing leaves all or nothing."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from edgeagent import settings
from edgeagent.agents import reading
from edgeagent.errors import RecordingFull, UsageError
from edgeagent.prove.keys import kept_signing_key
from edgeagent.small_files import write_new, write_whole
from edgeagent.teleport.sealing import kept_identity

READERS: list[Callable[[Path], object]] = [settings.read, reading.read]


def _loop(path: Path) -> None:
    path.symlink_to(path)


ODD: list[tuple[Callable[[Path], object], str]] = [
    (Path.mkdir, "cannot be read: Is a directory"),
    (os.mkfifo, "is no regular file"),
    (_loop, "cannot be read: Too many levels of symbolic links"),
    (lambda path: path.write_bytes(b"\xff\xfe"), "cannot be read: it is no UTF-8 text"),
    (lambda path: path.write_bytes(b"\xef\xbb\xbfmode = 'ask'\r\n"), "begins with a byte order mark"),
    (lambda path: path.write_text("x = " + "[" * 9_999), "nested too deeply"),
    (lambda path: path.write_text("x = '" + "a" * (1 << 20) + "'"), "is longer than"),
    (lambda path: path.write_text("mode = "), "no valid TOML"),
]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(("make", "says"), ODD)
def test_what_lies_there_is_told_once_with_its_path_and_a_mend(
    tmp_path: Path, read: Callable[[Path], object], make: Callable[[Path], object], says: str
) -> None:
    path = tmp_path / "mine.toml"
    make(path)
    with pytest.raises(UsageError) as told:
        read(path)
    assert says in str(told.value)
    assert str(told.value).count(str(path)) == 1
    assert "Errno" not in str(told.value)
    assert told.value.hint


def test_a_file_where_the_folder_should_be_is_no_settings(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    assert settings.read(tmp_path / "home" / "config.toml") == settings.Settings()


def test_an_agent_that_is_no_file_is_not_said_to_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (reading.agents_folder() / "forms.toml").mkdir(parents=True)
    with pytest.raises(UsageError, match="Is a directory"):
        reading.load("forms")


@contextlib.contextmanager
def no_room() -> Generator[None]:
    """Files of this process can grow to four bytes: the file that the tests' own output may go to, too, so not for long."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


@pytest.mark.parametrize("make", [kept_signing_key, kept_identity])
def test_a_key_that_there_is_no_room_for_leaves_no_half_of_it(tmp_path: Path, make: Callable[[Path], object]) -> None:
    with no_room(), pytest.raises(RecordingFull):
        make(tmp_path / "keys" / "mine")
    assert list((tmp_path / "keys").iterdir()) == []


@pytest.mark.parametrize("write", [write_new, write_whole])
def test_of_a_text_that_there_is_no_room_for_nothing_stays(tmp_path: Path, write: Callable[[Path, str], None]) -> None:
    with no_room(), pytest.raises(OSError, match="large"):
        write(tmp_path / "a", "longer than that")
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_already_stays(tmp_path: Path) -> None:
    write_new(tmp_path / "a", "first")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "a", "second")
    assert (tmp_path / "a").read_text() == "first"
    write_whole(tmp_path / "a", "third")
    assert (tmp_path / "a").read_text() == "third"
