"""Which pages the browser in the sandbox has open, as the browser itself states it: never as painted on the screen.

The browser is inside and may be lying once a page has taken it over; it is the best witness there is. A page cannot make its
browser state another address.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from edgeagent.desktop.browser_pipe import BrowserPipe
from edgeagent.errors import DesktopError
from edgeagent_harness.policy.names import BadHost, canonical

_TIMEOUT_S = 1.0
_MAX_PAGES = 32
_ODD = (KeyError, TypeError, ValueError, AttributeError, RuntimeError)
"""What reading a hostile browser's answer may raise; the last for a deep nest, and where what must be there is not."""


@dataclass(frozen=True, slots=True)
class Pages:
    """Everything that is open at one moment."""

    hosts: frozenset[str]
    """Of every page and frame; one without a host (``data:``, ``file:``) is in it by its scheme and a colon."""
    browser_pid: int
    """In the sandbox's pid namespace."""


class PageWitness:
    """Asks the browser at the other end of a debugging pipe. The pipe is the desktop's to close."""

    def __init__(self, sock: socket.socket) -> None:
        self.pipe = BrowserPipe(sock)
        self._asking = asyncio.Lock()

    async def pages(self) -> Pages | None:
        """What is open now; None: the browser does not answer, or not in a way that can be understood."""
        try:
            async with self._asking, asyncio.timeout(_TIMEOUT_S):
                return await self._ask()
        except (DesktopError, TimeoutError, *_ODD):
            return None

    async def _ask(self) -> Pages | None:
        processes = (await self._call("SystemInfo.getProcessInfo"))["processInfo"]
        pid = next(int(process["id"]) for process in processes if process["type"] == "browser")
        targets = (await self._call("Target.getTargets"))["targetInfos"]
        hosts = {place_of(str(target["url"])) for target in targets if target["type"] in ("page", "iframe", "webview")}
        pages = [str(target["targetId"]) for target in targets if target["type"] == "page"]
        if not pages or len(pages) > _MAX_PAGES:
            return None
        for page in pages:
            hosts |= await self._frames(page)
        return Pages(frozenset(hosts), pid)

    async def _frames(self, page: str) -> set[str]:
        """Places of all frames of ``page`` that share its process; the others are targets of their own."""
        session = str((await self._call("Target.attachToTarget", targetId=page, flatten=True))["sessionId"])
        try:
            tree = (await self._call("Page.getFrameTree", session))["frameTree"]
            return set(_places(tree))
        finally:
            await self._call("Target.detachFromTarget", sessionId=session)

    async def _call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        return await self.pipe.call(method, _TIMEOUT_S, session, **params)


def place_of(url: str) -> str:
    """The host of ``url`` in its one spelling; ``scheme:`` for one that has none, so that it equals no host."""
    parts = urlsplit(url)
    if parts.scheme == "blob":
        return place_of(url.removeprefix("blob:"))
    try:
        return canonical(parts.hostname or "").name
    except (BadHost, ValueError):
        return f"{parts.scheme}:"


def _places(tree: dict[str, Any]) -> Iterator[str]:
    yield place_of(str(tree["frame"]["url"]))
    for child in tree.get("childFrames", ()):
        # An empty frame is filled by the page around it, which is listed by itself.
        if not str(child["frame"]["url"]).startswith("about:") or child.get("childFrames"):
            yield from _places(child)
