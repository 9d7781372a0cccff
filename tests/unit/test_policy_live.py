"""While a run goes on its policy file is watched: endpoints change at once, a broken edit changes nothing, the rest waits."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edgeagent.errors import DesktopLost, EnvironmentProblem, RecordingFull, UsageError
from edgeagent.policy.allowed import ALLOWED_NAME, allow_in
from edgeagent.policy.live import LivePolicy, _Watch, with_current_policy
from edgeagent_harness.policy.hosts import endpoint_text
from edgeagent_harness.policy.parse import parse
from edgeagent_harness.policy.types import Endpoint
from edgeagent_harness.protocol import audit
from edgeagent_harness.protocol.messages import DesktopSpec

WEB = "network: {egress: {mode: allowlist, endpoints: [{host: a.example, port: 443}]}}\n"
TWO = WEB.replace("443}]", "443}, {host: b.example, port: 443}]")
A, B = Endpoint("a.example", 443), Endpoint("b.example", 443)
_WAIT_S = 10.0


@dataclass
class Box:
    """A sandbox that notes what it is asked to permit."""

    changed: asyncio.Event
    reloaded: list[tuple[Endpoint, ...]] = field(default_factory=list[tuple[Endpoint, ...]])
    allowed: list[Endpoint] = field(default_factory=list[Endpoint])
    lost: bool = False

    async def reload(self, policy_yaml: str) -> None:
        if self.lost:
            raise DesktopLost("gone")
        self.reloaded.append(parse(policy_yaml, "policy").egress.endpoints)
        self.changed.set()

    async def allow_endpoint(self, endpoint: Endpoint) -> None:
        self.allowed.append(endpoint)
        self.changed.set()


class Session:
    """A session's directory, a policy file, and what the audit was told."""

    def __init__(self, directory: Path, text: str) -> None:
        self.file = directory / "policy.yaml"
        self.file.write_text(text)
        self.directory = directory / "session"
        self.directory.mkdir()
        self.spec = DesktopSpec(policy_yaml=text, policy_name=str(self.file))
        self.entries: list[audit.Entry] = []
        self.changed = asyncio.Event()
        self.live = LivePolicy(self.spec, self.directory, self.audited)
        self.box = Box(self.changed)

    def audited(self, entry: audit.Entry) -> None:
        self.entries.append(entry)
        self.changed.set()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Box]:
        async with self.live.watching(self.box):
            await asyncio.sleep(0.6)  # the first looks are over
            yield self.box

    def replace(self, text: str) -> None:
        """As an editor does."""
        new = self.file.with_suffix(".new")
        new.write_text(text)
        os.replace(new, self.file)

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(_WAIT_S):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    async def told(self, count: int) -> list[audit.PolicyChanged]:
        await self.until(lambda: len(self.entries) >= count)
        return [entry for entry in self.entries if isinstance(entry, audit.PolicyChanged)]


async def test_endpoints_change_while_running(tmp_path: Path) -> None:
    session = Session(tmp_path, WEB)
    async with session.running() as box:
        assert box.reloaded == []
        session.replace(TWO)
        await session.until(lambda: box.reloaded)
        session.file.write_text(WEB)  # in place, as some editors do
        await session.until(lambda: len(box.reloaded) == 2)
    assert box.reloaded == [(A, B), (A,)]
    assert session.entries == []


async def test_a_broken_edit_keeps_the_old_ones_and_says_so_once(tmp_path: Path) -> None:
    session = Session(tmp_path, WEB)
    async with session.running() as box:
        session.replace(WEB.replace("allowlist", "allow"))
        (broken,) = await session.told(1)
        session.file.touch()
        await asyncio.sleep(0.6)
        session.replace(WEB)
        again = (await session.told(2))[1]
    assert broken == audit.PolicyChanged(False, broken.reason, endpoints=("a.example:443",))
    assert f"{session.file}, line 1: network.egress.mode must be" in broken.reason
    assert again == audit.PolicyChanged(True, "it can be read again; the endpoints are as before", endpoints=("a.example:443",))
    assert box.reloaded == []


async def test_a_file_that_is_gone_keeps_the_old_ones(tmp_path: Path) -> None:
    session = Session(tmp_path, WEB)
    async with session.running() as box:
        session.file.unlink()
        (gone,) = await session.told(1)
    assert (gone.accepted, box.reloaded) == (False, [])
    assert "cannot be read: No such file" in gone.reason


async def test_anything_else_waits_for_the_next_start(tmp_path: Path) -> None:
    session = Session(tmp_path, WEB)
    async with session.running() as box:
        session.replace(TWO + "resource_limits: {max_pids: 99}\nsystem_calls: {deny: [sync]}\n")
        (told,) = await session.told(1)
    assert told.reason == "resource_limits, system_calls: takes effect at the next start"
    assert box.reloaded == [(A, B)]
    assert session.live.policy.limits.max_pids == 1024
    assert "max_pids: 99" in with_current_policy(session.spec).policy_yaml


async def test_a_stricter_mode_closes_what_it_can_at_once(tmp_path: Path) -> None:
    session = Session(tmp_path, WEB)
    async with session.running() as box:
        session.replace("network: {egress: {mode: deny}}\n")
        (told,) = await session.told(1)
    assert (box.reloaded, told.reason) == ([()], "network: takes effect at the next start")


async def test_without_a_way_out_none_appears(tmp_path: Path) -> None:
    session = Session(tmp_path, "network: {egress: {mode: deny}}\n")
    async with session.running() as box:
        session.replace(WEB)
        (told,) = await session.told(1)
        allow_in(session.directory, B)
        refused = (await session.told(2))[1]
    assert (box.reloaded, box.allowed) == ([], [])
    assert told.reason == "network: takes effect at the next start"
    assert refused.accepted is False
    assert "b.example:443 cannot be allowed: network.egress.mode is 'deny'" in refused.reason


async def test_comments_change_nothing(tmp_path: Path) -> None:
    session = Session(tmp_path, WEB)
    async with session.running() as box:
        session.replace(f"# a word\n{WEB}")
        await asyncio.sleep(1)
    assert (box.reloaded, session.entries) == ([], [])


async def test_what_the_user_allows_is_handed_on_now_and_after_each_start(tmp_path: Path) -> None:
    session = Session(tmp_path, WEB)
    async with session.running() as box:
        allow_in(session.directory, B)
        await session.until(lambda: box.allowed)
        allow_in(session.directory, Endpoint("::1", 80))
        await session.until(lambda: len(box.allowed) == 2)
    assert box.allowed == [B, Endpoint("::1", 80)]
    async with session.running() as box:
        await session.until(lambda: len(box.allowed) == 4)
    assert (session.directory / ALLOWED_NAME).stat().st_mode & 0o777 == 0o600


async def test_a_damaged_list_allows_nothing_and_says_so(tmp_path: Path) -> None:
    session = Session(tmp_path, WEB)
    async with session.running() as box:
        (session.directory / ALLOWED_NAME).write_text("b.example:443\nhttps://c.example\n")
        (told,) = await session.told(1)
    assert (box.allowed, told.accepted) == ([], False)
    assert "line 2: " in told.reason


async def test_a_resumed_session_whose_file_is_broken_goes_on_as_before_and_says_so(tmp_path: Path) -> None:
    session = Session(tmp_path, WEB)
    session.replace("network: {}\nnetwork: {}\n")
    assert with_current_policy(session.spec) == session.spec
    async with session.running():
        (told,) = await session.told(1)
    assert "given twice" in told.reason


async def test_a_program_with_a_network_does_not_go_on_offline(tmp_path: Path) -> None:
    session = Session(tmp_path, WEB)
    session.replace("network: {egress: {mode: offline}}\n")
    with pytest.raises(EnvironmentProblem, match="says offline now"):
        with_current_policy(session.spec)


async def test_a_session_keeps_its_audit_log(tmp_path: Path) -> None:
    session = Session(tmp_path, WEB)
    session.replace(f"{WEB}audit: {{path: other.jsonl}}\n")
    with pytest.raises(UsageError, match=r"audit.path is 'other.jsonl' now; this session is audited in audit.jsonl"):
        with_current_policy(session.spec)


async def test_the_next_sandbox_of_a_run_is_brought_up_to_date(tmp_path: Path) -> None:
    session = Session(tmp_path, WEB)
    async with session.running() as box:
        session.replace(TWO)
        await session.until(lambda: box.reloaded)
    async with session.running() as box:
        await session.until(lambda: len(box.reloaded) == 2)
    assert box.reloaded == [(A, B), (A, B)]


async def test_a_lost_sandbox_ends_the_watch_alone(tmp_path: Path) -> None:
    session = Session(tmp_path, WEB)
    async with session.running() as box:
        box.lost = True
        session.replace(TWO)
        await asyncio.sleep(1)
    assert session.entries == []


async def test_what_cannot_be_audited_ends_the_run(tmp_path: Path) -> None:
    session = Session(tmp_path, WEB)

    def full(_entry: audit.Entry) -> None:
        raise RecordingFull("no room")

    session.live = LivePolicy(session.spec, session.directory, full)
    session.replace("nonsense: 1\n")
    with pytest.raises(RecordingFull):
        async with session.live.watching(session.box):
            await asyncio.sleep(_WAIT_S)


def test_a_profile_has_no_file_to_read_anew() -> None:
    spec = DesktopSpec(policy_yaml=WEB, policy_name="web")
    assert with_current_policy(spec) == spec


def test_an_endpoint_reads_as_it_is_written() -> None:
    assert endpoint_text(Endpoint("::1", 80)) == "[::1]:80"


def test_a_recorded_policy_that_this_version_cannot_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown key 'old'"):
        LivePolicy(DesktopSpec(policy_yaml="old: 1", policy_name="web"), tmp_path, lambda _: None)


async def test_half_a_file_is_not_looked_at(tmp_path: Path) -> None:
    """An editor that writes in two goes: only what has stood for one look counts."""
    path, told = tmp_path / "file", list[str]()

    async def changed() -> None:
        told.append(path.read_text())

    watch = _Watch(path, changed)
    for text in ("", "half", "half and half"):
        path.write_text(text)
        await watch.look()
    assert told == []
    await watch.look()
    await watch.look()
    assert told == ["half and half"]
