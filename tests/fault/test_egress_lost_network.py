"""A network that is gone without a word ends a connection in seconds; a server that only takes its time does not."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

from support.egress_client import Broker, started
from support.egress_requests import connect, real_hello
from support.egress_world import WEB, World, world

from edgeagent_harness.policy.types import Endpoint
from edgeagent_harness.protocol.egress_wire import Limits

SILENT_S = 3.0
HOST = "allowed.example"


def cable(made: World, state: str) -> None:
    """Plug the near end in or out: nobody is told."""
    into = ("nsenter", "-t", str(made.pid), "-n", *(() if os.geteuid() == 0 else ("-U", "--preserve-credentials")))
    subprocess.run([*into, "ip", "link", "set", "near", state], check=True)


async def tunnel(broker: Broker) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """To a server that has answered the handshake, and waits."""
    reader, writer = await asyncio.open_unix_connection(broker.path)
    writer.write(connect(f"{HOST}:443"))
    await reader.readuntil(b"\r\n\r\n")
    writer.write(real_hello(HOST))
    assert await reader.read(65536)
    return reader, writer


async def ended(reader: asyncio.StreamReader) -> None:
    try:
        while await reader.read(65536):
            pass
    except ConnectionError:
        pass


async def test_a_network_that_is_gone_ends_the_connection(tmp_path: Path) -> None:
    limits = Limits(silent_s=SILENT_S, idle_s=600)
    async with world(tmp_path, {HOST: [WEB]}) as made, started(made, (Endpoint(HOST, 443),), limits=limits) as broker:
        reader, writer = await tunnel(broker)
        reading = asyncio.create_task(ended(reader))
        await asyncio.sleep(2 * SILENT_S)
        assert not reading.done(), "a server that says nothing is waited for"
        cable(made, "down")
        async with asyncio.timeout(8 * SILENT_S):
            await reading
        entry = await broker.entry()
        assert "the other host does not answer any more" in entry.reason
        writer.close()


async def test_what_is_sent_into_a_network_that_is_gone_is_not_waited_for(tmp_path: Path) -> None:
    limits = Limits(silent_s=SILENT_S, idle_s=600)
    async with world(tmp_path, {HOST: [WEB]}) as made, started(made, (Endpoint(HOST, 443),), limits=limits) as broker:
        reader, writer = await tunnel(broker)
        cable(made, "down")
        writer.write(b"x" * 1000)
        async with asyncio.timeout(8 * SILENT_S):
            await ended(reader)
        writer.close()
