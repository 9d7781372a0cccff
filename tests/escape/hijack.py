"""The real supervisor around a hijacked inside: ``python -m escape.hijack FD HIJACKED`` serves an app like the product does.

``HIJACKED`` is a directory that is seen inside in place of the package ``edgeagent_harness.inside``: the same files, but for what
an attacker has changed. Everything outside is the product's own.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
from dataclasses import replace
from pathlib import Path

import edgeagent_harness.inside
from edgeagent_harness.outside import reception
from edgeagent_harness.outside.containment import runtime

_INSIDE = Path(edgeagent_harness.inside.__file__ or "").parent


def make(target: Path, module: str, code: str) -> Path:
    """A copy of the inside in ``target`` where ``module`` is ``code``; the real one is importable as ``MODULE_real``."""
    shutil.copytree(_INSIDE, target, ignore=shutil.ignore_patterns("__pycache__"))
    (target / f"{module}.py").rename(target / f"{module}_real.py")
    (target / f"{module}.py").write_text(code)
    return target


def serve(app: socket.socket, hijacked: str) -> int:
    """As the product's ``serve``, with ``hijacked`` as the inside."""
    found = runtime.find()
    packages = tuple((hijacked, place) if place.endswith("/inside") else (source, place) for source, place in found.packages)
    runtime.find = lambda: replace(found, packages=packages)
    return reception.serve(app)


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2]))
