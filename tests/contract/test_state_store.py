"""States behind the disk come back as they went, from a folder and from S3, or not at all: nothing half or foreign is used."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from support.s3 import S3, free_port, s3

from edgeagent.folders import HOME_VARIABLE, forget_parked, leaving_folder, parked_folder
from edgeagent.state_store import sending
from edgeagent.state_store.carrier import Carrier
from edgeagent.state_store.log import log_path, state_rates
from edgeagent.state_store.objects import ObjectStates
from edgeagent.state_store.port import StateStore, Stored, local_states
from edgeagent.state_store.rates import Rates
from edgeagent.state_store.settings import StoreSettings
from edgeagent_models.protocol import Completed, Fetch, Load, Park, Parked, Usage
from edgeagent_models.state_header import LENGTH, MAGIC

MADE_OF = "ab" * 16
LOAD = Load(0, "m.gguf", "v.gguf", parked_folder="parked")
TOKENS = 1000


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    with s3() as made:
        made.make_bucket("states")
        yield made


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.setattr("edgeagent.state_store.carrier.fingerprint_of", lambda load: MADE_OF)  # the load names no files
    leaving_folder().mkdir(parents=True)


@pytest.fixture(params=["folder", "s3"])
def url(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "folder":
        (tmp_path / "place").mkdir()
        return f"file://{tmp_path / 'place'}"
    for name, value in request.getfixturevalue("server").environment.items():
        monkeypatch.setenv(name, value)
    return f"s3://states/{tmp_path.name}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "place").mkdir(exist_ok=True)
    return tmp_path / "place"


def state(folder: Path, session: str = "s-1", size: int = 50_000, priority: int = 50, made_of: str = MADE_OF) -> bytes:
    """A file as an engine leaves it, with its memo, and what is in it."""
    hints = {"priority": priority, "expires_s": time.time() + 3600, "pinned": False}
    header = msgspec.msgpack.encode({"fingerprint": made_of, "hints": hints, "units": [0] * TOKENS})
    whole = MAGIC + LENGTH.pack(len(header)) + header + os.urandom(size)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{session}.state").write_bytes(whole)
    (parked_folder() / f"{session}.memo").write_bytes(b"memo of " + session.encode())
    return whole


def carrier(url: str, max_bytes: int = 1 << 30, copies: bool = False, store: StateStore | None = None) -> Carrier:
    return Carrier(StoreSettings(url, max_bytes, copies=copies), store or ObjectStates(url))


async def sent(carrier: Carrier) -> None:
    carrier.carry_soon()
    await carrier.settled()


def log() -> str:
    return log_path().read_text() if log_path().exists() else ""


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("size", [50_000, 20_000_000])
async def test_what_left_the_disk_comes_back_as_it_was(url: str, size: int) -> None:
    """In one request, and in parts."""
    whole = state(leaving_folder(), size=size)
    await sent(carrier(url))
    assert not local_states(leaving_folder(), "s-1"), log()
    assert [path.name for path in files(leaving_folder())] == [".lock"]
    (one,) = await ObjectStates(url).all()
    assert (one.session, one.fingerprint, one.cost_tokens, one.priority) == ("s-1", MADE_OF, TOKENS, 50)
    (parked_folder() / "s-1.memo").unlink()
    again = carrier(url)
    await again.bring(LOAD, "s-1")
    came = parked_folder() / "s-1.moved"
    assert came.read_bytes() == whole, "for its own session alone"
    assert (parked_folder() / "s-1.memo").read_bytes() == b"memo of s-1"
    assert {path.stat().st_mode & 0o077 for path in files(parked_folder())} == {0}
    assert await ObjectStates(url).all() == [], "it moved back"
    assert [line.split(" ", 1)[1].split(" in ")[0].split(" bytes ")[1] for line in log().splitlines()] == [
        f"went to {ObjectStates(url).where}", f"came from {ObjectStates(url).where}",
    ]  # fmt: skip


async def test_nothing_of_it_can_be_read_there(folder: Path) -> None:
    whole = state(leaving_folder())
    await sent(carrier(f"file://{folder}"))
    (kept,) = files(folder)
    assert kept.read_bytes().startswith(b"age-encryption.org/v1")
    assert whole[-200:] not in kept.read_bytes()
    assert ((parked_folder().parent / "states.age").stat().st_mode & 0o077) == 0


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "another's", "another session's"])
async def test_what_is_damaged_or_foreign_is_not_used(folder: Path, damage: str) -> None:
    state(leaving_folder())
    state(leaving_folder(), "s-2")
    await sent(carrier(f"file://{folder}"))
    (kept,), (other,) = files(folder / "s-1"), files(folder / "s-2")
    data = bytearray(kept.read_bytes())
    if damage == "flipped":
        data[len(data) // 2] ^= 1
    if damage == "another's":
        (parked_folder().parent / "states.age").unlink()
    replaced = {"cut": data[:-100], "emptied": b"", "another session's": other.read_bytes()}
    kept.write_bytes(replaced.get(damage, data))
    await carrier(f"file://{folder}").bring(LOAD, "s-1")
    assert not local_states(parked_folder(), "s-1")
    assert {path.suffix for path in files(parked_folder())} == {".memo", ""}, "nothing half lies about"
    assert log().count("s-1: computed again, nothing came from") == 1
    await carrier(f"file://{folder}").bring(LOAD, "s-2")
    assert bool(local_states(parked_folder(), "s-2")) == (damage != "another's")


async def test_whoever_has_only_the_public_key_makes_nothing_that_is_believed(folder: Path) -> None:
    """Encrypting takes the public half alone: the mark inside takes the secret one."""
    state(leaving_folder())
    await sent(carrier(f"file://{folder}"))
    (kept,) = files(folder)
    from edgeagent.state_store import sealing
    from edgeagent.teleport.sealing import Identity

    own = Identity.of((parked_folder().parent / "states.age").read_text().strip())
    forged = leaving_folder() / "forged"
    source = parked_folder() / "forged.state"
    source.write_bytes(b"anything")

    class Half(Identity):
        @property
        def recipient(self) -> object:  # type: ignore[override]
            return own.recipient

    sealing.seal(source, source.with_suffix(".none"), forged, "s-1", MADE_OF, Half(Identity.new().text))
    kept.write_bytes(forged.read_bytes())
    await carrier(f"file://{folder}").bring(LOAD, "s-1")
    assert not local_states(parked_folder(), "s-1")
    assert "without the key" in log()


async def test_another_models_is_left_alone(folder: Path) -> None:
    state(leaving_folder(), made_of="cd" * 16)
    await sent(carrier(f"file://{folder}"))
    await carrier(f"file://{folder}").bring(LOAD, "s-1")
    assert not local_states(parked_folder(), "s-1")
    assert "another model's" in log()


async def test_a_place_that_is_gone_costs_a_line_and_what_is_left_waits(tmp_path: Path) -> None:
    url = f"file://{tmp_path / 'unmounted'}"
    state(leaving_folder())
    gone = carrier(url)
    await sent(gone)
    assert local_states(leaving_folder(), "s-1"), "for the next time"
    assert not (tmp_path / "unmounted").exists(), "nothing is made on the disk beneath"
    await gone.bring(LOAD, "s-2")
    assert log().count("is its disk mounted?") == 2
    (tmp_path / "unmounted").mkdir()
    await sent(gone)
    assert len(files(tmp_path / "unmounted")) == 1


async def test_s3_that_does_not_answer_costs_a_line(server: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setattr("edgeagent.state_store.carrier.LIST_S", 0.5)
    began_s = time.monotonic()
    await carrier("s3://states/gone").bring(LOAD, "s-1")
    assert time.monotonic() - began_s < 5
    assert log().count("computed again, nothing came from s3://states/gone") == 1


class Slow:
    """A place that takes its time."""

    def __init__(self, store: StateStore, get_s: float = 0.0) -> None:
        self._store, self._get_s, self.gets = store, get_s, 0
        self.where = store.where
        self.put, self.all, self.delete = store.put, store.all, store.delete

    async def get(self, name: str, file: Path, max_bytes: int) -> None:
        self.gets += 1
        await asyncio.sleep(self._get_s)
        await self._store.get(name, file, max_bytes)


async def test_one_that_is_slower_than_computing_is_not_waited_for_nor_asked_again(folder: Path) -> None:
    url = f"file://{folder}"
    state(leaving_folder())
    await sent(carrier(url))
    slow = Slow(ObjectStates(url), get_s=30.0)
    asking = carrier(url, store=slow)
    await asking.bring(LOAD, "unknown")
    computed = Completed(0, "", "eos", Usage(TOKENS), {"prefill_ms": 800.0, "encode_ms": 200.0})
    await asking.after(LOAD, Fetch(0, "s-1"), computed)
    began_s = time.monotonic()
    await asking.bring(LOAD, "s-1")
    assert 0.5 < time.monotonic() - began_s < 5, "as long as computing it takes: a second"
    assert "it took too long" in log()
    await asking.bring(LOAD, "s-1")
    assert slow.gets == 1, "it is known to be slow now"
    assert "takes less than fetching" in log()


async def test_what_takes_longer_than_computing_is_not_sent(folder: Path) -> None:
    rates = Rates(str(folder))
    rates.moved("there", 1000, 1.0)
    rates.computed(MADE_OF, TOKENS, 1.0)
    rates.keep(state_rates())
    state(leaving_folder())
    await sent(carrier(f"file://{folder}"))
    assert (files(folder), local_states(leaving_folder(), "s-1")) == ([], [])
    assert "not sent, computing it again takes less" in log()
    assert Rates.kept(state_rates(), "elsewhere").ways == {}, "another place is another rate"


async def test_its_room_is_kept_by_worth(folder: Path) -> None:
    keeping = carrier(f"file://{folder}", max_bytes=130_000)
    for session, priority in (("low", 10), ("high", 90), ("middle", 50)):
        state(leaving_folder(), session, priority=priority)
        await sent(keeping)
    assert {one.session for one in await ObjectStates(f"file://{folder}").all()} == {"high", "middle"}
    state(leaving_folder(), "low", priority=10)
    await sent(keeping)
    assert "low: not sent, what is at" in log()
    assert {one.session for one in await ObjectStates(f"file://{folder}").all()} == {"high", "middle"}
    assert not local_states(leaving_folder(), "low")


async def test_a_copy_is_sent_where_another_machine_may_go_on_and_the_newest_counts(folder: Path, tmp_path: Path) -> None:
    url = f"file://{folder}"
    first, whole = carrier(url, copies=True), b""
    for _ in range(2):
        whole = state(parked_folder())
        await first.after(LOAD, Park(0, "s-1", to_disk=True), Parked(0, "disk", 1))
        await first.settled()
        await asyncio.sleep(0.01)
    assert len(files(folder)) == 1, "the older one went"
    assert local_states(parked_folder(), "s-1")
    await first.bring(LOAD, "s-1")
    assert [path.suffix for path in local_states(parked_folder(), "s-1")] == [".state"], "its own is as new"
    os.utime(parked_folder() / "s-1.state", (0, 0))
    await first.bring(LOAD, "s-1")
    assert (parked_folder() / "s-1.moved").read_bytes() == whole
    assert len(files(folder)) == 1, "it stays for whoever goes on after this one"


async def test_a_session_that_is_forgotten_is_forgotten_there(folder: Path) -> None:
    state(leaving_folder())
    state(leaving_folder(), "s-2")
    keeping = carrier(f"file://{folder}")
    await sent(keeping)
    forget_parked("s-1")
    await sent(keeping)
    assert [one.session for one in await ObjectStates(f"file://{folder}").all()] == ["s-2"]


async def test_it_is_fetched_back_when_its_user_types(folder: Path) -> None:
    """Its seat is open all the time; only its state had to leave meanwhile."""
    keeping = carrier(f"file://{folder}")
    state(leaving_folder())
    await sent(keeping)
    await keeping.before(LOAD, Fetch(0, "s-2"))
    await keeping.before(LOAD, Fetch(0, "s-1"))
    assert local_states(parked_folder(), "s-1")
    state(leaving_folder(), "s-3")
    await keeping.before(LOAD, Fetch(0, "s-3"))
    assert local_states(parked_folder(), "s-3"), "it had not gone yet"
    assert not local_states(leaving_folder(), "s-3")


async def test_a_full_disk_costs_a_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sending, "seal", full)
    state(leaving_folder())
    await sent(carrier(f"file://{folder}"))
    assert "No space left" in log()
    assert files(folder) == []


def test_killed_while_sending_nothing_half_is_believed(folder: Path) -> None:
    """SIGKILL at several moments of it; then another process sends it, or it is there already and whole."""
    program = (
        "import asyncio\n"
        "from edgeagent.state_store.settings import StoreSettings, carrier_for\n"
        "async def main():\n"
        f"    carrier = carrier_for(StoreSettings('file://{folder}'))\n"
        "    print('ready', flush=True)\n"
        "    carrier.carry_soon()\n"
        "    await carrier.settled()\n"
        "asyncio.run(main())\n"
    )
    halves = 0
    for delay_s in (0.0, 0.02, 0.05, 0.1, 0.2):
        whole = state(leaving_folder(), size=30_000_000)
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        time.sleep(delay_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        halves += bool(local_states(leaving_folder(), "s-1"))
        keeping = carrier(f"file://{folder}")
        asyncio.run(sent(keeping))
        keeping = carrier(f"file://{folder}")
        asyncio.run(keeping.bring(LOAD, "s-1"))
        assert (parked_folder() / "s-1.moved").read_bytes() == whole
        (parked_folder() / "s-1.moved").unlink()
    assert halves, "at least one was killed before it was done"
    assert not [path for path in leaving_folder().iterdir() if path.name != ".lock"]


def test_names_say_what_they_are_and_others_are_passed_over() -> None:
    one = Stored("s-1.2_x", MADE_OF, 5, 7.0, 50, 99, 1234)
    assert Stored.of(one.name, 1234) == one
    for name in ("x", "a/b", f"a/{MADE_OF}-1-2-3.sealed", f"a/b/{MADE_OF}-1-2-3-4.sealed", f"a/{MADE_OF}-1-2-x-4.sealed"):
        assert Stored.of(name, 1) is None
    assert Stored.of(replace(one, size_bytes=5).name, 5) == replace(one, size_bytes=5)
