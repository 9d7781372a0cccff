"""How many simulated sessions a backend's API and ledger carry, without desktops: ``scripts/cloud_benchmark.py --sessions 2000``.

Each session is announced, asks which of ten chunks are missing, sends one, is looked at three times, and gets a command that is
refused, as it is still the client's. Prints requests a second and latencies by route, as one JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psutil

from edgeagent.cloud.serving import Settings, open_ledger
from edgeagent.cloud.tokens import make_token
from edgeagent.teleport.manifest import chunk_id
from edgeagent.teleport.sealing import Identity, Recipient
from edgeagent.teleport.wire import frame

SIGNER, ATTEMPT, CHUNK_BYTES = "a" * 64, "b" * 32, 4096


class Load:
    """The simulated clients; latencies by route, in seconds."""

    def __init__(self, client: httpx2.AsyncClient, recipient: Recipient, mine: str) -> None:
        self._client, self._recipient, self._mine = client, recipient, mine
        self.took_s: defaultdict[str, list[float]] = defaultdict(list)
        self.statuses: defaultdict[int, int] = defaultdict(int)

    async def session(self, number: int) -> None:
        here = f"/v1/sessions/simulated-{number}"
        prepare = {"epoch": 0, "signer": SIGNER, "attempt": ATTEMPT, "recipient": self._mine}
        await self._ask("announce", "PUT", here, json=prepare)
        data = os.urandom(CHUNK_BYTES)
        names = [chunk_id(data), *(chunk_id(os.urandom(16)) for _ in range(9))]
        await self._ask("which are missing", "POST", "/v1/chunks/missing", json={"ids": names})
        await self._ask("send a chunk", "POST", "/v1/chunks", content=frame(names[0], self._recipient.seal(data)))
        for _ in range(3):
            await self._ask("whose is it", "GET", here)
        await self._ask("command", "POST", f"{here}/commands", json={"key": f"key-{number:08}", "kind": "say", "text": "go on"})

    async def _ask(self, route: str, method: str, url: str, json: object = None, content: bytes | None = None) -> None:
        began_s = time.perf_counter()
        response = await self._client.request(method, url, json=json, content=content)
        self.took_s[route].append(time.perf_counter() - began_s)
        self.statuses[response.status_code] += 1


@contextmanager
def backend(data: Path) -> Generator[tuple[str, str, psutil.Process]]:
    """Its address, a token, and its process."""
    engine = open_ledger(Settings(data))
    token = make_token(engine, "load", ("read", "write"), 1)
    engine.dispose()
    argv = [
        sys.executable, "-m", "edgeagent", "cloud", "serve", "--data", str(data), "--port", "0", "--workers", "0",
        "--rate", "1000000", "--max-sessions", "1000000",
    ]  # fmt: skip
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split(": ", 1)[1].strip(), token, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


async def measure(sessions: int, clients: int) -> dict[str, object]:
    """All sessions, at most ``clients`` at once."""
    with tempfile.TemporaryDirectory(prefix="edgeagent-load-") as scratch:
        with backend(Path(scratch)) as (url, token, process):
            limits = httpx2.Limits(max_connections=clients)
            headers = {"Authorization": f"Bearer {token}"}
            async with httpx2.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=120, trust_env=False) as client:
                recipient = Recipient((await client.get("/v1/backend")).json()["recipient"])
                load, room = Load(client, recipient, Identity.new().recipient.text), asyncio.Semaphore(clients)

                async def one(number: int) -> None:
                    async with room:
                        await load.session(number)

                began_s, cpu_s = time.perf_counter(), sum(process.cpu_times()[:2])
                await asyncio.gather(*map(one, range(sessions)))
                wall_s, cpu_s = time.perf_counter() - began_s, sum(process.cpu_times()[:2]) - cpu_s
                rss_mb = process.memory_info().rss / 1e6
        ledger_mb = _size_mb(Path(scratch) / "ledger.sqlite")
    requests = sum(map(len, load.took_s.values()))
    routes = {
        route: {
            "p50_ms": round(1000 * statistics.median(took), 1),
            "p99_ms": round(1000 * statistics.quantiles(took, n=100)[98], 1),
        }
        for route, took in load.took_s.items()
    }
    return {
        "sessions": sessions, "clients": clients, "requests": requests, "requests_per_s": round(requests / wall_s, 1),
        "server_cpu_ms_per_request": round(1000 * cpu_s / requests, 2), "rss_mb": round(rss_mb, 1),
        "ledger_mb": round(ledger_mb, 2),
        "statuses": dict(load.statuses), "routes": routes, "load_average": os.getloadavg()[0],
    }  # fmt: skip


def _size_mb(path: Path) -> float:
    return path.stat().st_size / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--sessions", type=int, default=2000)
    parser.add_argument("--clients", type=int, default=32, help="sessions at once")
    arguments = parser.parse_args()
    print(json.dumps(asyncio.run(measure(arguments.sessions, arguments.clients))))


if __name__ == "__main__":
    main()
