"""How many threads are fastest here: tried out once for each model on each machine, and remembered.

Single tokens are bound by memory, batches by arithmetic, so each has its own number. What is measured while the machine does
something else would be remembered for ever, so then it is not measured.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from edgeagent_models.gguf_header import GgufHeader

WORTH = 0.9
"""More threads must take at most this share of the time that fewer take."""
BUSY_SHARE = 0.5
"""Of the cores: with more runnable processes than that, over the last minute, nothing is measured."""
BATCH_TOKENS = 32
SINGLE_TOKENS = 4


class Threads(NamedTuple):
    """Threads for single tokens and for batches (and for pictures)."""

    single: int
    batch: int


def usual(asked: int = 0) -> Threads:
    """``asked`` of them, or as many as there are cores: half of these for single tokens."""
    cores = asked or len(os.sched_getaffinity(0))
    return Threads(max(1, cores // 2), max(1, cores))


def busy() -> bool:
    """Whether other work shares this machine."""
    return os.getloadavg()[0] > BUSY_SHARE * len(os.sched_getaffinity(0))


def tuned(measure_s: Callable[[Threads, int], float]) -> Threads:
    """The fastest. ``measure_s(threads, tokens)`` puts so many tokens through the model at once and says how long that took."""
    cores = len(os.sched_getaffinity(0))
    tried = sorted({1, max(1, cores // 2), cores})
    single = _fewest([(count, _single_s(measure_s, Threads(count, cores))) for count in tried])
    enough = [count for count in tried[-2:] if count >= single]  # what single tokens gain from, arithmetic does too
    batch = _fewest([(count, measure_s(Threads(single, count), BATCH_TOKENS)) for count in enough])
    return Threads(single, batch)


def remembered(file: str, header: GgufHeader) -> Threads | None:
    """What was found for this model on this machine, if it was."""
    try:
        return msgspec.json.decode(Path(file).read_bytes(), type=dict[str, Threads]).get(_key(header))
    except (OSError, msgspec.MsgspecError):
        return None


def remember(file: str, header: GgufHeader, threads: Threads) -> None:
    """Keep it. Where that cannot be done it is measured again the next time."""
    path = Path(file)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        known: dict[str, Threads] = {}
        if path.exists():
            known = msgspec.json.decode(path.read_bytes(), type=dict[str, Threads])
        path.write_bytes(msgspec.json.encode({**known, _key(header): threads}))
    except (OSError, msgspec.MsgspecError):
        path.unlink(missing_ok=True)


def _single_s(measure_s: Callable[[Threads, int], float], threads: Threads) -> float:
    measure_s(threads, 1)
    return min(measure_s(threads, 1) for _ in range(SINGLE_TOKENS))


def _fewest(taken_s: Sequence[tuple[int, float]]) -> int:
    """The least count than which no larger one is much faster."""
    best, best_s = taken_s[0]
    for count, seconds in taken_s[1:]:
        if seconds < best_s * WORTH:
            best, best_s = count, seconds
    return best


def _key(header: GgufHeader) -> str:
    return f"{_processor()}, {len(os.sched_getaffinity(0))} cores: {header.architecture} of {header.file_bytes} bytes"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return os.uname().machine
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), os.uname().machine)
