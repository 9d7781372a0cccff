"""llama.cpp's own server on loopback, as a user would run one: `python real_server.py MODEL MMPROJ`; ends with its input."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def llama_server(model: Path, mmproj: Path) -> Generator[str]:
    """A server with ``model``; yields the address of its API."""
    command = [sys.executable, __file__, str(model), str(mmproj)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip() + "/v1"
    finally:
        process.communicate(timeout=30)


def main() -> None:
    xllamacpp: Any = importlib.import_module("xllamacpp")  # it tells nothing of its types
    parameters = xllamacpp.CommonParams()
    parameters.model.path, parameters.mmproj.path = sys.argv[1:]
    parameters.n_ctx, parameters.n_parallel = 4096, 1
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
