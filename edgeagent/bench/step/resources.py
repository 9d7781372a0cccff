"""Memory and energy, read from /proc and /sys; nothing is assumed where they cannot be read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")


def memory_mb(pid: int | str = "self") -> tuple[float, float]:
    """Resident memory of a process now and at its highest, in MB (zeros if it is gone). Source: /proc/PID/status."""
    found = {"VmRSS": 0.0, "VmHWM": 0.0}
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in found:
                found[name] = float(value.split()[0]) * 1024 / 1e6
    except OSError:
        return 0.0, 0.0
    return found["VmRSS"], found["VmHWM"]


def cpu_ms(pid: int | str = "self") -> float:
    """Processor time that all threads of a process took so far, in ms (0 if it is gone). Source: /proc/PID/stat."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class _Zone:
    """A processor package whose consumption is counted. The counter starts anew after ``range_uj``."""

    counter: Path
    range_uj: int

    def read_uj(self) -> int:
        return int(self.counter.read_text())


class EnergyMeter:
    """Energy that the processor packages took, by RAPL: of everything that ran, not of the engine alone."""

    def __init__(self, root: Path = POWERCAP) -> None:
        self.why_not = ""
        """Why it cannot be read on this machine; empty where it can."""
        self._zones: list[_Zone] = []
        try:
            for directory in sorted(root.glob("intel-rapl:[0-9]")):
                zone = _Zone(directory / "energy_uj", int((directory / "max_energy_range_uj").read_text()))
                zone.read_uj()
                self._zones.append(zone)
        except (OSError, ValueError) as error:
            self._zones = []
            self.why_not = f"the RAPL counters cannot be read: {error}"
        if not self._zones and not self.why_not:
            self.why_not = f"this machine has no RAPL counters ({root}/intel-rapl:*)"
        self._last = self._read()

    def lap_j(self) -> float | None:
        """Joules since the last call (or since this was made); None where it cannot be read."""
        if not self._zones:
            return None
        before, self._last = self._last, self._read()
        return sum(
            (now - then) % zone.range_uj for zone, then, now in zip(self._zones, before, self._last, strict=True)
        ) / 1e6  # fmt: skip

    def _read(self) -> list[int]:
        return [zone.read_uj() for zone in self._zones]
