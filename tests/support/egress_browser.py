"""Run as a program in a made-up internet: opens pages in the sandbox's real Chromium, and prints as JSON what it showed.

Arguments: the policy's text, then steps: ``open URL`` (text of the page), ``reload POLICY``, ``allow HOST``.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import msgspec

from edgeagent import errors
from edgeagent.desktop.browser_pipe import BrowserPipe
from edgeagent.desktop.client import SandboxDesktop
from edgeagent_harness.policy.types import Endpoint
from edgeagent_harness.protocol import messages

_BLANK = "data:text/html,<title>here</title>"
_TEXT = "document.title + '|' + (document.body ? document.body.innerText : '')"


async def step(desktop: SandboxDesktop, pipe: BrowserPipe, word: str, value: str) -> object:
    if word == "open":
        answer = await pipe.call("Page.navigate", url=value)
        await asyncio.sleep(0.7)
        return [answer.get("errorText", ""), await pipe.evaluate(_TEXT)]
    if word == "evaluate":
        return await pipe.evaluate(value, wait=True)
    try:
        await (desktop.reload(value) if word == "reload" else desktop.allow_endpoint(Endpoint(value, 80)))
    except errors.UsageError as error:
        return str(error)
    return "done"


async def main(policy: str, steps: list[str]) -> None:
    entries: list[Any] = []
    desktop = SandboxDesktop(messages.DesktopSpec(url=_BLANK, browser_debug_pipe=True, policy_yaml=policy))
    desktop.on_audited = lambda entry: entries.append(msgspec.to_builtins(entry))
    results: list[object] = []
    async with desktop:
        assert desktop.debug_socket is not None
        pipe = BrowserPipe(desktop.debug_socket)
        await pipe.attach()
        try:
            for word, value in zip(steps[::2], steps[1::2], strict=True):
                results.append(await step(desktop, pipe, word, value))
        except errors.DesktopLost as lost:
            results.append(f"lost: {await desktop.wait_lost() if desktop.is_lost else lost}")
        start_ms = desktop.start_ms
    print(json.dumps({"results": results, "entries": entries, "start_ms": start_ms}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:]))
