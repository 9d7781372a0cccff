"""Packet counters in the session's own network namespaces, for root where nftables is installed. No other firewall is touched.

A counter is set when everything is up, read after the last step, and vanishes with its namespace.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from edgeagent.prove.looking import Process

TABLE = "edgeagent_prober"
TIMEOUT_S = 10.0
_RULES = f"""
table inet {TABLE} {{
  chain output {{
    type filter hook output priority filter; policy accept;
    oifname != "lo" counter
  }}
}}
"""


@dataclass(slots=True)
class Counters:
    """What was counted."""

    unavailable: str = ""
    """Why there is no counter; empty: there is one in each namespace."""
    packets: dict[int, int] = field(default_factory=dict[int, int])
    """Inode of a namespace -> packets that left it by another device than loopback."""
    _counted: set[int] = field(default_factory=set[int])

    def start(self, processes: Iterable[Process], outside: int) -> None:
        """Set a counter in each namespace of ``processes`` but the one outside."""
        self.unavailable = _why_not()
        for process in processes if not self.unavailable else ():
            network = process.network.id
            if network == outside or network in self._counted:
                continue
            done = _nft(process.pid, ["-f", "-"], _RULES)
            if done.returncode != 0:
                self.unavailable = f"nft: {done.stderr.strip()[:200]}"
                return
            self._counted.add(network)

    def read(self, processes: Iterable[Process]) -> None:
        """Take what the counter of each namespace of ``processes`` says; one that cannot be read has been tampered with."""
        members = {process.network.id: process.pid for process in processes}
        for network in self._counted & members.keys():
            done = _nft(members[network], ["-j", "list", "table", "inet", TABLE], "")
            self.packets[network] = _packets(done.stdout) if done.returncode == 0 else -1


def _why_not() -> str:
    if os.geteuid() != 0:
        return "only root may count packets"
    missing = [name for name in ("nft", "nsenter") if not shutil.which(name)]
    return f"{' and '.join(missing)} not installed" if missing else ""


def _nft(pid: int, words: list[str], rules: str) -> subprocess.CompletedProcess[str]:
    command = ["nsenter", "-t", str(pid), "-n", "nft", *words]
    return subprocess.run(command, input=rules, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


def _packets(listing: str) -> int:
    objects: list[dict[str, Any]] = msgspec.json.decode(listing)["nftables"]
    expressions = [part for entry in objects if "rule" in entry for part in entry["rule"]["expr"]]
    return sum(part["counter"]["packets"] for part in expressions if "counter" in part)
