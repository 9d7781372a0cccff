"""Two parts of `reuse_benchmark.py`: a session that waited is gone on with by a new process, from this disk or from behind it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from reuse_subject import SCREEN_PX, Figures, Session, Subject, answered, question, started

from edgeagent.bench.step.fitting import noise
from edgeagent.bench.step.resources import cpu_ms
from edgeagent.bench.step.variants import ENDLESS
from edgeagent.engine.host import EngineHost, HostedSeat
from edgeagent.engine.process import EngineProcess
from edgeagent.folders import HOME_VARIABLE, parked_folder
from edgeagent.state_store.log import log_path
from edgeagent.state_store.settings import StoreSettings, carrier_for
from edgeagent_models.protocol import ChatMessage, Completed, Load, LoadState, OpenSequence, Park, SaveState

SESSION = "waiting"
TAKEN = 3
"""Times that each is taken."""


async def park(subject: Subject) -> Figures:
    """A session in mid-work is written to disk, its process ends, and another one goes on with it."""
    session = Session(subject, lambda step: noise(step, *SCREEN_PX))
    last: tuple[ChatMessage, ...] = ()
    with tempfile.TemporaryDirectory(prefix="edgeagent-park-") as scratch:
        file = os.path.join(scratch, "a.state")
        engine = await started(subject)
        try:
            for step in range(1, 4):
                last = session.prompt(step)
                await answered(engine, question(last, 8, ENDLESS))
            began_s = time.perf_counter()
            await engine.request(SaveState(0, "a", file))
            save_ms = (time.perf_counter() - began_s) * 1000
        finally:
            await engine.close()
        walls: list[Figures] = [await _fetched_back(subject, file, last) for _ in range(5)]
        size_mb = await asyncio.to_thread(os.path.getsize, file) / 1e6
    return {
        "parking: save ms": save_ms,
        "parking: file MB": size_mb,
        **{name: statistics.median(one[name] for one in walls) for name in walls[0]},
    }


async def _fetched_back(subject: Subject, file: str, messages: tuple[ChatMessage, ...]) -> Figures:
    began_s = time.perf_counter()
    process = await EngineProcess.start("llama")
    try:
        await process.request(subject.load())
        loaded_s = time.perf_counter()
        await process.request(OpenSequence(0, "a"))
        await process.request(LoadState(0, "a", file))
        restored_s = time.perf_counter()
        reply, _ = await answered(process, question(messages, 1, ENDLESS))
        first_s, processor_ms = time.perf_counter(), cpu_ms(process.pid)
        computed = reply.usage.prompt_tokens - reply.usage.cached_tokens
    finally:
        await process.close()
    return {
        "parking: new process and model ms": (loaded_s - began_s) * 1000,
        "parking: state ms": (restored_s - loaded_s) * 1000,
        "parking: new process to first token ms": (first_s - began_s) * 1000,
        "parking: processor ms of the new process": processor_ms,
        "parking: tokens computed": computed,
    }


async def stored(subject: Subject) -> Figures:
    """A session that left a copy behind the disk is gone on with by a process of another machine, in turns with one that has its
    disk, and one that has nothing. What sending took is as the log has it."""
    session = Session(subject, lambda step: noise(step, *SCREEN_PX))
    prompts = [session.prompt(step) for step in range(1, 4)]
    figures: Figures = {}
    taken: dict[str, list[Figures]] = {}
    with tempfile.TemporaryDirectory(prefix="edgeagent-stored-") as scratch, moto() as bucket:
        place, home = os.path.join(scratch, "place"), os.path.join(scratch, "home")
        os.mkdir(place)
        stores = {
            name: StoreSettings(url, key=os.path.join(scratch, "states.age"), copies=True)
            for name, url in (("a folder", f"file://{place}"), ("S3 on loopback", bucket))
        }
        for name, settings in stores.items():
            await _left(subject, settings, home, prompts)
            figures[f"stored, {name}: sent MB"], figures[f"stored, {name}: sending s"] = _sent(home)
        for _ in range(TAKEN):
            for name, settings in stores.items():
                taken.setdefault(name, []).append(await _gone_on(subject, settings, "", prompts[-1]))
            taken.setdefault("its own disk", []).append(await _gone_on(subject, None, home, prompts[-1]))
            taken.setdefault("nothing", []).append(await _gone_on(subject, None, "", prompts[-1]))
    for name, several in taken.items():
        figures |= {f"stored, {name}: {one}": statistics.median(each[one] for each in several) for one in several[0]}
    return figures


async def _left(subject: Subject, settings: StoreSettings, home: str, prompts: list[tuple[ChatMessage, ...]]) -> None:
    os.environ[HOME_VARIABLE] = home
    host = EngineHost(carrier_for(settings))
    async with host.taken(_load(subject), print, SESSION) as seat:
        for prompt in prompts:
            await seat.request(question(prompt, 8, ENDLESS, SESSION))
        began_s = time.perf_counter()
        await seat.request(Park(0, SESSION, to_disk=True))
        size_mb = (parked_folder() / f"{SESSION}.state").stat().st_size / 1e6
        parked_s = time.perf_counter()
        await asyncio.to_thread(host.settle, 120.0)
        sent_s = time.perf_counter() - parked_s
        print(f"{size_mb:.1f} MB: to disk {parked_s - began_s:.2f} s, sealed and sent {sent_s:.2f} s", flush=True)


def _sent(home: str) -> tuple[float, float]:
    """MB and seconds, as the log has them."""
    words = Path(home, "cache", log_path().name).read_text().splitlines()[-1].split()
    return int(words[2]) / 1e6, float(words[-2])


async def _gone_on(subject: Subject, settings: StoreSettings | None, home: str, prompt: tuple[ChatMessage, ...]) -> Figures:
    """``home`` empty: on a machine with nothing."""
    with tempfile.TemporaryDirectory(prefix="edgeagent-there-") as there:
        os.environ[HOME_VARIABLE] = shutil.copytree(home, os.path.join(there, "home")) if home else there
        began_s = time.perf_counter()
        host = EngineHost(carrier_for(settings))
        async with host.taken(_load(subject), print, SESSION) as seat:
            opened_s = time.perf_counter()
            reply, first_s = await _first_token(seat, prompt)
            return {
                "new process to first token ms": (opened_s - began_s + first_s) * 1000,
                "of it the model and the state ms": (opened_s - began_s) * 1000,
                "tokens computed": reply.usage.prompt_tokens - reply.usage.cached_tokens,
            }


async def _first_token(seat: HostedSeat, prompt: tuple[ChatMessage, ...]) -> tuple[Completed, float]:
    began_s = time.perf_counter()
    reply = await seat.request(question(prompt, 1, ENDLESS, SESSION))
    assert isinstance(reply, Completed)
    return reply, time.perf_counter() - began_s


def _load(subject: Subject) -> Load:
    return msgspec.structs.replace(subject.load(), parked_folder=str(parked_folder()))


@contextmanager
def moto() -> Generator[str]:
    """A bucket of an S3 server on loopback, which keeps everything in memory."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    argv = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            time.sleep(0.2)
        with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/states", method="PUT"), timeout=30):
            pass
        os.environ |= {
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        }  # fmt: skip
        yield "s3://states/benchmark"
    finally:
        server.kill()
        server.wait()
