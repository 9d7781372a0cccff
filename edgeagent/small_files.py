"""Small text files of the user's: read as a whole or refused in words, written as a whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import tomllib
from pathlib import Path
from typing import Any

from edgeagent.errors import UsageError

_MOST_BYTES = 1 << 20
_BYTE_ORDER_MARK = "\ufeff"


def why(error: OSError | UnicodeDecodeError) -> str:
    """What was wrong with a file, in words alone: the message around it names the file already."""
    return error.strerror or str(error) if isinstance(error, OSError) else "it is no UTF-8 text; save it as UTF-8"


def read_text(path: Path, called: str, most_bytes: int = _MOST_BYTES) -> str:
    """The text of the regular file ``path``, ``called`` so in errors. Nothing is waited for, such as the other end of a pipe.

    Raises `UsageError`, and `FileNotFoundError` where there is none.
    """
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise UsageError(f"{called} {path} is no regular file", "name a text file, or move it away")
            data = stream.read(most_bytes + 1)
        if len(data) > most_bytes:
            raise UsageError(f"{called} {path} is longer than {most_bytes >> 10} KiB", "shorten it")
        text = data.decode("utf-8")
    except NotADirectoryError as error:
        raise FileNotFoundError(*error.args) from error
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{called} {path} cannot be read: {why(error)}", "mend it, or move it away") from error
    if text.startswith(_BYTE_ORDER_MARK):
        raise UsageError(f"{called} {path} begins with a byte order mark", "save it as UTF-8 without one")
    return text


def toml(text: str, path: Path) -> dict[str, Any]:
    """What the TOML ``text`` of the file ``path`` says. Raises `UsageError`."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: no valid TOML: {error}", "mend the file, in the line that it names") from error
    except RecursionError as error:
        raise UsageError(f"{path}: no valid TOML: it is nested too deeply", "write it flatter") from error


def write_new(path: Path, text: str) -> None:
    """Write ``text`` to a new file ``path`` that only its owner reads, folders included; of a failure nothing stays.

    Raises OSError, `FileExistsError` where there is one already.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with open(fd, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        path.unlink()
        raise


def write_whole(path: Path, text: str) -> None:
    """Put ``text`` in place of the file ``path``, folders included, whole or not at all. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        scratch.write_text(text, encoding="utf-8")
        os.replace(scratch, path)
    except BaseException:
        with contextlib.suppress(OSError):
            scratch.unlink()
        raise
