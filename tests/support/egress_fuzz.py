"""The fuzzer behind ``scripts/fuzz_egress.py``: the real broker, real sockets, and servers that watch what arrives."""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from fault.egress_cases import ENDPOINTS, NAMES
from support.egress_client import Broker, exchange, started
from support.egress_mutants import Attempt, attempt
from support.egress_oracle import problems
from support.egress_requests import get
from support.egress_world import Arrived, World, world

from edgeagent_harness.protocol.egress_wire import Limits

LIMITS = Limits(connections=64, header_bytes=8192, head_s=0.4, idle_s=1.0, resolve_s=5.0, connection_bytes=1 << 20)
BATCH = 48
_ANSWER_S = 20.0


class Fuzzer:
    """One broker under fire."""

    def __init__(self, made: World, broker: Broker, chance: random.Random) -> None:
        self._made = made
        self._broker = broker
        self._chance = chance
        self._before: list[Arrived] = []
        """What arrived in the batch before: its last bytes may come late."""
        self.decisions: collections.Counter[str] = collections.Counter()
        self.reasons: collections.Counter[str] = collections.Counter()
        self.found: list[str] = []
        self.sent = 0

    async def batch(self) -> None:
        """Send some attempts at once, and look at everything that came of them."""
        attempts = [attempt(self._chance) for _ in range(BATCH)]
        await asyncio.gather(*(self._send(one) for one in attempts))
        self.sent += len(attempts)
        for _ in attempts:
            entry = await self._broker.entry()
            self.decisions[f"{entry.protocol} {entry.decision}"] += 1
            self.reasons[entry.reason.split(":")[0][:60]] += 1
        self.found += problems(self._before, self._made.asked)
        self._before = list(self._made.arrived)
        self._made.forget()

    async def control(self) -> None:
        """An honest request still gets through."""
        answer = await exchange(self._broker.path, get("http://allowed.example/fine"))
        await self._broker.entry()
        if not answer.endswith(b"GET /fine HTTP/1.1"):
            self.found.append(f"the control was answered {answer[:200]!r}")

    async def _send(self, one: Attempt) -> None:
        reader, writer = await asyncio.open_unix_connection(self._broker.path)
        with contextlib.suppress(ConnectionError, TimeoutError):
            for number, piece in enumerate(one.pieces):
                if number:
                    await asyncio.sleep(0.002)
                writer.write(piece)
                await writer.drain()
            if one.half_close:
                writer.write_eof()
            async with asyncio.timeout(_ANSWER_S):
                while not one.abort and await reader.read(65536):
                    pass
        writer.transport.abort() if one.abort else writer.close()


async def fuzz(minutes: float, seed: int) -> int:
    """Fuzz for ``minutes``; returns the exit code."""
    directory = Path(tempfile.mkdtemp(prefix="fuzz-egress-"))
    printed = directory / "stderr"
    keep = os.dup(2)
    os.dup2(os.open(printed, os.O_WRONLY | os.O_CREAT, 0o600), 2)
    async with world(directory, dict(NAMES)) as made, started(made, ENDPOINTS, limits=LIMITS) as broker:
        fuzzer = Fuzzer(made, broker, random.Random(seed))
        began, first = time.monotonic(), _memory(broker.process.pid)
        while time.monotonic() - began < minutes * 60 and not fuzzer.found:
            await fuzzer.batch()
            if fuzzer.sent % (BATCH * 20) == 0:
                await fuzzer.control()
        await fuzzer.batch()
        await asyncio.sleep(2)
        alive = not broker.process.gone.done()
        seconds, last = time.monotonic() - began, _memory(broker.process.pid) if alive else (0, 0)
    os.dup2(keep, 2)
    complaints = printed.read_text()
    report = {
        "seed": seed, "seconds": round(seconds), "requests": fuzzer.sent, "per_second": round(fuzzer.sent / seconds, 1),
        "decisions": dict(fuzzer.decisions.most_common()), "kinds_of_reasons": len(fuzzer.reasons),
        "broker_alive": alive, "broker_printed": complaints[-2000:], "wrong": fuzzer.found[:20],
        "resident_mb_first_last": [first[0], last[0]], "descriptors_first_last": [first[1], last[1]],
    }  # fmt: skip
    print(json.dumps(report, indent=2))
    return 0 if alive and not complaints and not fuzzer.found else 1


def _memory(pid: int) -> tuple[float, int]:
    """Resident MB and the number of open descriptors."""
    status = Path(f"/proc/{pid}/status").read_text()
    resident_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return round(resident_kb / 1024, 1), len(os.listdir(f"/proc/{pid}/fd"))


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzz the egress broker in a made-up internet.")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    return asyncio.run(fuzz(options.minutes, options.seed))


if __name__ == "__main__":
    sys.exit(main())
