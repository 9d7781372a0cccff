"""A session whose state had to leave the disk is resumed by a new process from the place behind it, and says the same."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from support.s3 import S3, s3
from support.tiny_models import TinyModels

from edgeagent import events
from edgeagent.cloud import worker
from edgeagent.cloud.engines import local
from edgeagent.cloud.engines.attendant import Attendant
from edgeagent.cloud.seat_names import seat_name
from edgeagent.cloud.serving import Settings, application
from edgeagent.cloud.worker import Orders
from edgeagent.engine import LlamaModel
from edgeagent.engine import open_model as opened
from edgeagent.engine.host import EngineHost
from edgeagent.errors import EnvironmentProblem
from edgeagent.folders import HOME_VARIABLE, leaving_folder, parked_folder
from edgeagent.history import History, Step
from edgeagent.ports import Prompt, Reply
from edgeagent.runner import ModelChoice
from edgeagent.screen import Screen
from edgeagent.settings import Settings as UserSettings
from edgeagent.settings import write
from edgeagent.state_store.log import log_path
from edgeagent.state_store.port import local_states
from edgeagent.state_store.settings import StoreSettings, carrier_for, checked
from edgeagent_harness.protocol.actions import Wait
from edgeagent_harness.protocol.effects import Effect
from edgeagent_harness.protocol.frames import FrameInfo
from edgeagent_models.protocol import PARKED_BYTES

pytestmark = pytest.mark.llama
INFO = FrameInfo(0, 320, 200, 0)
STEPS = 3
PAUSED = events.RunEnded("needs_user", "may I?")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))


def prompt(step: int, tone: int = 0) -> Prompt:
    steps = tuple(Step(number, Wait(1000), Effect("confirmed")) for number in range(1, step))
    return Prompt("do it", Screen(INFO, bytes([tone or step]) * INFO.size_bytes), History("do it", steps=steps))


class Process:
    """What a process of the app has: its engines, and who carries for them. Engines end with their last seat."""

    def __init__(self, settings: StoreSettings | None, model: Path, mmproj: Path) -> None:
        self._host = EngineHost(carrier_for(settings))
        self._files = str(model), str(mmproj)

    @asynccontextmanager
    async def session(self, name: str) -> AsyncGenerator[LlamaModel]:
        async with opened(*self._files, 0, print, "holo", session=name, seats=self._host) as made:
            assert isinstance(made, LlamaModel)
            made.recall(prompt(STEPS + 1).history)
            yield made
        self._host.settle(20.0)

    async def works_and_waits(self, name: str) -> None:
        """A run of the session that ends for its user."""
        async with self.session(name) as model:
            for step in range(1, STEPS + 1):
                await model.complete(prompt(step))
            await model.leave(replace(prompt(STEPS + 1).history, ended=PAUSED))

    async def goes_on(self, name: str) -> Reply:
        async with self.session(name) as model:
            return await model.complete(prompt(STEPS + 1))


def computed(reply: Reply) -> int:
    return reply.usage.prompt_tokens - reply.usage.cached_tokens


def log() -> str:
    return log_path().read_text() if log_path().exists() else ""


async def test_it_goes_out_when_the_disk_is_full_and_comes_back(
    tmp_path: Path, tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, place = tiny_models.dense, tmp_path / "place"
    place.mkdir()
    settings = StoreSettings(f"file://{place}")
    await Process(settings, model, tiny_models.mmproj).works_and_waits("s-1")
    (state,) = local_states(parked_folder(), "s-1")
    assert not list(place.iterdir()), "there is room for it"
    all_bytes = sum(path.stat().st_size for path in parked_folder().iterdir() if path.suffix == ".state")
    monkeypatch.setattr("edgeagent.engine.DISK_BYTES", all_bytes + state.stat().st_size // 2)
    await Process(settings, model, tiny_models.mmproj).works_and_waits("s-2")
    away = next(name for name in ("s-1", "s-2") if not local_states(parked_folder(), name))
    assert [path.name for path in place.iterdir()] == [away], "one of them, and no system prompt"
    assert not [path for path in leaving_folder().iterdir() if path.name != ".lock"]
    came = await Process(settings, model, tiny_models.mmproj).goes_on(away)
    assert f"{away}: " in log()
    assert "bytes came from" in log()
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "elsewhere"))
    scratch = await Process(None, model, tiny_models.mmproj).goes_on("s-1")
    assert scratch.usage.cached_tokens == 0
    assert computed(came) < computed(scratch) / 2


async def test_another_machine_goes_on_from_the_copy_of_the_first(
    tmp_path: Path, tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By S3, as a backend with several machines does: what stays on the first one is not needed."""
    model = tiny_models.hybrid
    with s3() as server:
        settings = _bucket(server, monkeypatch, tmp_path)
        await Process(settings, model, tiny_models.mmproj).works_and_waits("s-1")
        stayed = await Process(None, model, tiny_models.mmproj).goes_on("s-1")
        monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "there"))
        other = replace_key(settings, tmp_path / "another.age")
        foreign = await Process(other, model, tiny_models.mmproj).goes_on("s-1")
        assert foreign.usage.cached_tokens == 0, "without the key it is computed"
        monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "another"))
        moved = await Process(settings, model, tiny_models.mmproj).goes_on("s-1")
        assert "bytes came from" in log()
        assert (moved.text, computed(moved)) == (stayed.text, computed(stayed))
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "alone"))
    parked_folder().mkdir(parents=True)
    (parked_folder() / "s-1.memo").write_bytes((tmp_path / "home/cache/parked/s-1.memo").read_bytes())
    scratch = await Process(settings, model, tiny_models.mmproj).goes_on("s-1")  # the server is gone
    assert (scratch.text, scratch.usage.cached_tokens) == (moved.text, 0), "the same as from scratch"
    assert "computed again, nothing came" in log()


def replace_key(settings: StoreSettings, path: Path) -> StoreSettings:
    return StoreSettings(settings.url, key=str(path), copies=True)


def test_a_backend_s_workers_leave_copies_and_go_on_from_them(
    tmp_path: Path, tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two machines of one backend as Ray has them: an attendant each, which carries for its worker; that has no credentials."""
    replies: list[Reply] = []

    class Worker:
        """The model's part of a turn, through the seat that the attendant serves."""

        def __init__(self, orders: Orders) -> None:
            assert orders.seats
            asyncio.run(self._turn(orders))

        async def _turn(self, orders: Orders) -> None:
            choice = ModelChoice(tiny_models.dense.name, tiny_models.mmproj.name, "holo")
            async with worker._own_model(orders, choice, 0, print) as model:
                assert isinstance(model, LlamaModel)
                model.recall(prompt(STEPS + 1).history)
                steps = (STEPS + 1,) if replies else range(1, STEPS + 1)
                replies.extend([await model.complete(prompt(step)) for step in steps])
                await model.leave(replace(prompt(STEPS + 1).history, ended=PAUSED))

        def ended(self, timeout_s: float = 0.0) -> bool:
            return True

        def last_words(self) -> str:
            return "exit code 0"

    monkeypatch.setattr(local, "LocalWorker", Worker)
    (tmp_path / "root" / "session").mkdir(parents=True)
    with s3() as server:
        states = _bucket(server, monkeypatch, tmp_path)
        orders = Orders(
            "", str(tmp_path / "root"), "cloud", "t", "session", 1, 1, models=str(tiny_models.dense.parent), states=states
        )  # fmt: skip
        for machine in ("one", "two"):
            monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / machine))
            assert Attendant().attend(msgspec.json.encode(orders)) == "exit code 0"
    assert f"{seat_name('t', 'session')}: " in log()
    assert "bytes came from s3://states/ours" in log()
    assert computed(replies[-1]) < replies[-1].usage.prompt_tokens / 2


def _bucket(server: S3, monkeypatch: pytest.MonkeyPatch, root: Path) -> StoreSettings:
    server.make_bucket("states")
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return StoreSettings("s3://states/ours", key=str(root / "states.age"), copies=True)


@pytest.mark.parametrize(("url", "said"), [("s3://states/ours", "credentials"), ("/nowhere/at/all", "is its disk mounted")])
def test_a_backend_does_not_begin_with_a_place_that_it_cannot_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, said: str
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    with pytest.raises(EnvironmentProblem, match="state store") as refused:
        application(Settings(tmp_path, workers=0, state_store=checked(url)))
    assert said in str(refused.value)


PROGRAM = """
import asyncio, sys
import edgeagent.engine
from test_state_store_run import PAUSED, STEPS, prompt
from dataclasses import replace

async def main(model, mmproj, session, steps, disk_bytes):
    edgeagent.engine.DISK_BYTES = int(disk_bytes)
    async with edgeagent.engine.open_model(model, mmproj, 0, print, "holo", session=session) as opened:
        opened.recall(prompt(STEPS + 1).history)
        for step in map(int, steps.split(",")):
            reply = await opened.complete(prompt(step))
        print(reply.usage.cached_tokens, reply.usage.prompt_tokens)
        await opened.leave(replace(prompt(STEPS + 1).history, ended=PAUSED))

asyncio.run(main(*sys.argv[1:]))
"""


def test_by_the_user_s_settings_alone_in_processes_that_end(
    tmp_path: Path, tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "place").mkdir()
    write(UserSettings(state_store=str(tmp_path / "place"), state_store_room="100 MB"))

    def run(session: str, steps: str, disk_bytes: int = PARKED_BYTES) -> list[int]:
        argv = [sys.executable, "-c", PROGRAM, str(tiny_models.dense), str(tiny_models.mmproj), session, steps, str(disk_bytes)]
        path = {**os.environ, "PYTHONPATH": os.pathsep.join((str(Path(__file__).parent), str(Path(__file__).parents[1])))}
        found = subprocess.run(argv, capture_output=True, text=True, env=path, check=False, timeout=120)
        assert (found.returncode, found.stderr) == (0, "")
        return [int(word) for word in found.stdout.split()]

    run("s-1", "1,2,3")
    sizes = [path.stat().st_size for path in parked_folder().glob("*.state")]
    run("s-2", "1,2,3", sum(sizes) + max(sizes) // 2)
    (away,) = (path.name for path in (tmp_path / "place").iterdir())
    assert not local_states(parked_folder(), away)
    cached, tokens = run(away, "4")
    assert cached > tokens / 2
    assert f"{away}: " in log().splitlines()[-1]
    assert "bytes came from" in log()
