"""A page or a hijacked browser that keeps the gate from knowing where it is gets past no rule by that, nor ends the run."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable

import pytest

from edgeagent.desktop.pages import PageWitness
from edgeagent.history import History
from edgeagent.policy.gate import gate_for
from edgeagent.policy.surroundings import DesktopSurroundings
from edgeagent_harness.policy.parse import parse
from edgeagent_harness.protocol.actions import Action, Click, OpenUrl, Type
from edgeagent_harness.protocol.geometry import Point
from edgeagent_harness.protocol.messages import WindowsTold
from edgeagent_harness.protocol.windows import WindowFacts

BROWSER = WindowFacts(2, 20, "chromium", "Chromium", "Bank")
EDITOR = WindowFacts(1, 10, "mousepad", "Mousepad", "a.txt - Mousepad")
RULES = "version: 1\ngate:\n  mode: auto\n  rules:\n    - {decision: DECISION, hosts: ['*.bank.example', bank.example]}\n"
CLICK, TYPE = Click(Point(5, 5)), Type("1000")


class Silent:
    """A desktop whose browser does not say which pages are open."""

    def __init__(self, window: WindowFacts | None) -> None:
        self._window = window

    async def windows(self, points: tuple[Point, ...] = ()) -> WindowsTold:
        return WindowsTold(0, self._window, (self._window,) * len(points))

    async def pages(self) -> None:
        return None


async def allowed(decision: str, window: WindowFacts | None, action: Action) -> bool:
    gate = gate_for(parse(RULES.replace("DECISION", decision)), "policy", None, None)
    gate.surroundings = DesktopSurroundings(Silent(window), ask_browser=True)
    return (await gate.judge(action, History())).allow


@pytest.mark.parametrize("decision", ["deny", "ask"])
@pytest.mark.parametrize("action", [CLICK, TYPE], ids=["click", "type"])
async def test_a_rule_on_hosts_holds_where_the_host_is_not_known(decision: str, action: Action) -> None:
    assert not await allowed(decision, BROWSER, action)
    assert not await allowed(decision, None, action)
    assert await allowed(decision, EDITOR, action)


async def test_an_address_that_is_opened_is_known_whatever_the_browser_says() -> None:
    assert await allowed("deny", BROWSER, OpenUrl("http://localhost/"))


DEEP = b'{"id":1,"x":' + b"[" * 100_000
ANSWERS: dict[str, Callable[[int], bytes]] = {
    "a deep nest": lambda _: DEEP,
    "no browser process": lambda number: json.dumps({"id": number, "result": {"processInfo": []}}).encode(),
    "no list": lambda number: json.dumps({"id": number, "result": {"processInfo": 7}}).encode(),
    "no result": lambda number: json.dumps({"id": number}).encode(),
    "no object": lambda _: b"[]",
    "no text": lambda _: b"\xff\xfe",
    "too long a number": lambda _: b'{"id":' + b"1" * 10_000 + b"}",
    "an endless message": lambda _: b"x" * (2 << 20),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_whatever_the_browser_answers_the_pages_are_not_known(answer: Callable[[int], bytes]) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(5)

        def browser() -> None:
            try:
                theirs.recv(4096)
                theirs.sendall(answer(1) + b"\0")
            except OSError:  # it has had enough
                return

        replying = asyncio.create_task(asyncio.to_thread(browser))
        assert await PageWitness(ours).pages() is None
        ours.close()
        await replying
