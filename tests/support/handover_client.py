"""One hand-over in a process of its own, to be killed, or with a clock that is wrong: ``push|pull SESSION BACKEND JUMP_S``."""

from __future__ import annotations

import asyncio
import sys
import time

import msgspec
from support.teleporting import silent

from edgeagent.sessions.store import SessionStore
from edgeagent.teleport.api import connect
from edgeagent.teleport.backends import Connected
from edgeagent.teleport.pulling import pull
from edgeagent.teleport.pushing import push


async def main(way: str, session: str, known: Connected) -> None:
    store = SessionStore()
    async with connect(known) as api:
        if way == "push":
            await push(store, session, "cloud", known, api, silent, lambda plan: True)
        else:
            await pull(store, session, "cloud", known, api, silent)


if __name__ == "__main__":
    jump_s, real = float(sys.argv[4]), time.time
    time.time = lambda: real() + jump_s
    asyncio.run(main(sys.argv[1], sys.argv[2], msgspec.json.decode(sys.argv[3].encode(), type=Connected)))
