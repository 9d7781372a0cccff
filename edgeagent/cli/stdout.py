"""Standard output whose failures are told apart from all others: a full disk behind it, or a reader (`| head`) that has gone."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

from edgeagent.errors import OutputLost, ReaderGone

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Guarded(io.FileIO):
    """The file behind a text stream; what cannot be written raises `OutputLost`, which is no file error to anybody."""

    def write(self, data: ReadableBuffer, /) -> int | None:
        try:
            return super().write(data)
        except BrokenPipeError as error:
            raise ReaderGone("whoever read the output has gone") from error
        except OSError as error:
            raise OutputLost(f"standard output cannot be written: {error.strerror}", "see where it is directed to") from error


def guard() -> None:
    """Have `sys.stdout`, if there is one, raise `OutputLost` from now on, and show what its encoding lacks as ``?``."""
    stream = sys.stdout
    if stream is not sys.__stdout__ or not isinstance(stream, io.TextIOWrapper):
        return
    stream.flush()
    errors = "replace" if stream.errors == "strict" else stream.errors
    behind = io.BufferedWriter(_Guarded(stream.fileno(), "w", closefd=False))
    sys.stdout = io.TextIOWrapper(behind, encoding=stream.encoding, errors=errors, line_buffering=stream.line_buffering)


def abandon() -> None:
    """Drop what is still to be written, so that nothing is said of it a second time when the process ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
