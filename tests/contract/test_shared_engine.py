"""Runs with the same model share one engine process: on other threads, in other processes, through its death, to the last."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import psutil
import pytest
from support.engines import until_gone, user
from support.tiny_models import TinyModels, picture

from edgeagent.cloud import worker
from edgeagent.cloud.engines import local
from edgeagent.cloud.worker import Orders
from edgeagent.engine import LlamaModel, open_model
from edgeagent.engine.host import SEQUENCES, EngineHost, HostedSeat, Seat, host
from edgeagent.engine.relay import Relay, RelayedSeats
from edgeagent.errors import EngineLost, ModelUnusable
from edgeagent.folders import HOME_VARIABLE
from edgeagent.runner import ModelChoice
from edgeagent_models.protocol import Complete, Completed, Load, Sampling

pytestmark = pytest.mark.llama
TALK = "Which of these buttons would you press, and why? " * 4
ASK = """
import asyncio, sys
from edgeagent.engine.relay import RelayedSeats
from edgeagent_models.protocol import ChatMessage, Complete, Load, Sampling, TextPart
async def main(path, model):
    async with RelayedSeats(path).taken(Load(0, model, context_tokens=2048), print, "far") as seat:
        said = ChatMessage("user", (TextPart(sys.stdin.read()),))
        told = []
        reply = await seat.request(Complete(0, "far", (said,), Sampling(max_tokens=24), stream=True), told.append)
        assert "".join(told) == reply.text
        print(reply.usage.cached_tokens, reply.text)
asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def load(tiny_models: TinyModels) -> Load:
    return Load(0, str(tiny_models.hybrid), str(tiny_models.mmproj), context_tokens=2048, threads=1)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))


@pytest.fixture
def relay() -> Iterator[Relay]:
    relay = Relay(host())
    yield relay
    relay.close()


async def said(seat: Seat, number: int = 1) -> str:
    request = Complete(0, seat.sequence, (user(TALK, picture(number), "Now?"),), Sampling(max_tokens=24))
    reply = await seat.request(request)
    assert isinstance(reply, Completed)
    return reply.text


@asynccontextmanager
async def seated(load: Load, count: int) -> AsyncGenerator[list[HostedSeat]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(host().taken(load, lambda _: None)) for _ in range(count)]


async def all_at(pid: int, load: Load) -> bool:
    """Whether all seats but one of that process are free."""
    async with seated(load, SEQUENCES - 1) as seats:
        return {seat.pid for seat in seats} == {pid}


def engines() -> int:
    """How many processes of ours hold a model."""
    count = 0
    for one in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it has just ended
            count += "edgeagent_models.serve" in one.cmdline()
    return count


def test_runs_on_threads_of_their_own_share_a_process_and_answer_as_alone(load: Load) -> None:
    async def alone() -> list[str]:
        texts: list[str] = []
        for number in (1, 2, 3):
            async with host().taken(load, lambda _: None) as seat:
                texts.append(await said(seat, number))
        return texts

    async def one(number: int) -> tuple[int, str]:
        async with host().taken(load, lambda _: None) as seat:
            text = await said(seat, number)
            await asyncio.to_thread(together.wait, 20)
            return seat.pid, text

    import threading

    together = threading.Barrier(3)
    expected = asyncio.run(alone())
    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(lambda number: asyncio.run(one(number)), (1, 2, 3)))
    assert len({pid for pid, _ in answers}) == 1
    assert [text for _, text in answers] == expected
    until_gone(answers[0][0])


async def test_models_opened_as_a_run_does_share_a_process(tiny_models: TinyModels) -> None:
    opened = (str(tiny_models.dense), str(tiny_models.mmproj), 0, lambda _why: None)
    async with open_model(*opened, session="s-1") as first, open_model(*opened, session="s-2") as second:
        seats = [model.engine for model in (first, second) if isinstance(model, LlamaModel)]
        pids = {seat.sequence: seat.pid for seat in seats if isinstance(seat, HostedSeat)}
        assert list(pids) == ["s-1", "s-2"]
        assert pids["s-1"] == pids["s-2"]


async def test_one_run_more_than_there_are_sequences_gets_a_process_of_its_own(load: Load) -> None:
    async with seated(load, SEQUENCES + 1) as seats:
        assert len({seat.pid for seat in seats}) == 2
        assert await said(seats[0]) == await said(seats[-1])


async def test_all_are_told_when_it_dies_and_all_are_answered(load: Load) -> None:
    told: list[str] = []
    async with host().taken(load, told.append) as one, host().taken(load, told.append) as other:
        expected = [await said(one, 1), await said(other, 2)]
        dead = one.pid
        asking = asyncio.gather(said(one, 1), said(other, 2))
        await asyncio.sleep(0)
        os.kill(dead, signal.SIGKILL)
        assert await asking == expected
        assert one.pid == other.pid != dead
    assert len(told) == 2
    assert "SIGKILL" in told[0]


async def test_a_run_that_is_cancelled_leaves_its_seat(load: Load) -> None:
    async def hold(taken: asyncio.Event) -> None:
        async with host().taken(load, lambda _: None):
            taken.set()
            await asyncio.sleep(60)

    async with host().taken(load, lambda _: None) as staying:
        for _ in range(SEQUENCES + 1):
            taken = asyncio.Event()
            holding = asyncio.create_task(hold(taken))
            await taken.wait()
            holding.cancel()
            await asyncio.gather(holding, return_exceptions=True)
        impatient = [asyncio.create_task(hold(asyncio.Event())) for _ in range(SEQUENCES)]
        await asyncio.sleep(0.01)
        for task in impatient:
            task.cancel()
        await asyncio.gather(*impatient, return_exceptions=True)
        async with asyncio.timeout(30):
            while not await all_at(staying.pid, load):  # noqa: ASYNC110 - they are given back on the engines' own loop
                await asyncio.sleep(0.05)


async def test_what_is_no_model_is_said_to_be_none(tmp_path: Path) -> None:
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"GGUF nonsense")
    with pytest.raises(ModelUnusable):
        async with EngineHost().taken(Load(0, str(bad)), lambda _: None):
            pass


class TestOtherProcesses:
    async def test_they_share_it_and_what_it_holds(self, load: Load, tiny_models: TinyModels, relay: Relay) -> None:
        load = Load(0, load.path, context_tokens=2048)
        async with host().taken(load, lambda _: None) as near:
            reply = await near.request(Complete(0, near.sequence, (user(TALK),), Sampling(max_tokens=24)))
            assert isinstance(reply, Completed)
            command = [sys.executable, "-c", ASK, relay.path(), load.path]
            done = await asyncio.to_thread(
                subprocess.run, command, input=TALK, text=True, capture_output=True, timeout=60, check=False
            )
            assert done.returncode == 0, done.stderr
            cached, _, text = done.stdout.rstrip("\n").partition(" ")
            assert text == reply.text.rstrip("\n")
            assert int(cached) == reply.usage.prompt_tokens - 1

    async def test_a_restart_and_a_cancelled_request_travel(self, load: Load, relay: Relay) -> None:
        told: list[str] = []
        async with RelayedSeats(relay.path()).taken(load, told.append, "far") as far, host().taken(load, print) as near:
            expected = await said(far)
            endless = Complete(0, "far", (user(TALK),), Sampling(max_tokens=1500), "root ::= [a-z]{1500}")
            asking = asyncio.create_task(far.request(endless))
            await asyncio.sleep(0.2)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            os.kill(near.pid, signal.SIGKILL)
            assert await said(far) == expected
        assert "SIGKILL" in told[0]

    async def test_failures_travel(self, load: Load, relay: Relay, tmp_path: Path) -> None:
        bad = tmp_path / "bad.gguf"
        bad.write_bytes(b"GGUF nonsense")
        with pytest.raises(ModelUnusable):
            async with RelayedSeats(relay.path()).taken(Load(0, str(bad)), print, "far"):
                pass
        async with RelayedSeats(relay.path()).taken(load, print, "far") as far:
            relay.close()
            assert await said(far)
        with pytest.raises(EngineLost, match="nobody shares"):
            async with RelayedSeats(str(tmp_path / "none")).taken(load, print, "far"):
                pass

    async def test_a_backend_s_workers_have_one_process_for_each_model(
        self, tiny_models: TinyModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given: list[Orders] = []
        monkeypatch.setattr(local, "LocalWorker", given.append)
        backend = local.LocalEngine()
        for session in ("s-1", "s-2"):
            backend.start(Orders("", "", "cloud", "t", session, 1, 1, models=str(tiny_models.hybrid.parent)))
        choice = ModelChoice(str(tmp_path / tiny_models.hybrid.name), tiny_models.mmproj.name, "holo")
        first, second = given
        async with worker._own_model(first, choice, 0, print):
            before = engines()
            async with worker._own_model(second, choice, 0, print):
                assert engines() <= before
        backend.close()
