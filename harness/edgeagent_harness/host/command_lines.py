"""What `HostBox` tells the two programs of every driver on their command lines. A driver's programs add options of their own."""

from __future__ import annotations

import argparse


def for_executor(module: str, about: str | None) -> argparse.ArgumentParser:
    """Reads the command line of the executor ``edgeagent_harness.host.MODULE``; ``about`` is its docstring."""
    parser = _parser(module, about, "--control-fd", "--frame-fd", "--acting-fd")
    parser.add_argument("--region", type=int, nargs=4, required=True, metavar=("LEFT", "TOP", "RIGHT", "BOTTOM"))
    parser.add_argument("--window", type=int, default=0, help="id of the one window that may be seen and touched; 0: all")
    parser.add_argument("--border", action="store_true", help="frame what is seen, where the desktop has borders")
    return parser


def for_guardian(module: str, about: str | None) -> argparse.ArgumentParser:
    """Reads the command line of the guardian ``edgeagent_harness.host.MODULE``; ``about`` is its docstring."""
    parser = _parser(module, about, "--control-fd", "--acting-fd")
    parser.add_argument("--stop-key", default="", help="a chord such as ctrl+alt+escape; empty: none")
    return parser


def _parser(module: str, about: str | None, *descriptors: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"edgeagent_harness.host.{module}", description=about)
    for name in descriptors:
        parser.add_argument(name, type=int, required=True)
    return parser
