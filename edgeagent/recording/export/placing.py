"""Puts an export in its place when it is whole: a full disk leaves what was there before, and no half of a new one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def placed(out: Path) -> Generator[Path]:
    """A path to write to, which takes the place of the file ``out`` once the block has ended well.

    What is no file, such as a pipe, is written to directly. Errors name ``out``.
    """
    if out.exists() and not out.is_file():
        yield out
        return
    real = out.resolve()
    part = real.with_name(f".{real.name}.part")
    try:
        yield part
        os.replace(part, real)
    except BaseException as error:
        with contextlib.suppress(OSError):
            part.unlink()
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror, str(out)) from error
        raise
