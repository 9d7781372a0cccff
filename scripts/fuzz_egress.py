#!/usr/bin/env python
"""Fuzz the real egress broker over real sockets, in network namespaces that it makes: ``scripts/fuzz_egress.py --minutes 10``.

Requests are made from the parts that matter (hosts, ports, heads, bodies, ClientHellos, SOCKS5 messages) and then damaged. It
fails if the broker ends, prints anything, does not list a connection, resolves a name that no endpoint names, or if a server
gets a byte that it should not. The last line of what it prints is valid JSON with the figures.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Become the fuzzer, which shares its internet with the tests."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "tests")}
    os.execve(sys.executable, [sys.executable, "-m", "support.egress_fuzz", *sys.argv[1:]], environment)


if __name__ == "__main__":
    main()
