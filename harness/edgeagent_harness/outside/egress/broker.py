"""The broker itself: accepts connections, serves each in a task of its own, and takes new endpoints while running."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import traceback

from edgeagent_harness.outside.egress import http, socks, tunnel
from edgeagent_harness.outside.egress.case import Case
from edgeagent_harness.outside.egress.outcomes import Denied, Malformed, PastLimit, Refusal
from edgeagent_harness.outside.egress.peer import Peer
from edgeagent_harness.outside.egress.resolve import Resolver
from edgeagent_harness.policy.types import Egress, Endpoint
from edgeagent_harness.protocol import egress_wire
from edgeagent_harness.protocol.audit import Connection
from edgeagent_harness.protocol.channel import Channel
from edgeagent_harness.protocol.wire import WireError

_ENTRIES_WAITING = 256
"""Beyond that many entries that nobody took, connections wait with theirs: a flood of requests becomes slow, not large."""
_LAST_ENTRIES_S = 1.0
_CHANGED = "closed: the endpoints changed and permit it no longer"
_ENDED = "closed: the session ended"


class Broker:
    """Serves a listener as ``settings`` and later messages say, until its control channel ends. Is a `case.Rules`."""

    def __init__(self, settings: egress_wire.Configure, resolver: Resolver) -> None:
        self.settings = settings
        self.resolver = resolver
        self.total_bytes = 0
        self._endpoints = settings.endpoints
        self._allowed: tuple[Endpoint, ...] = ()
        self._cases: dict[asyncio.Task[None], Case] = {}
        self._entries: asyncio.Queue[Connection] = asyncio.Queue(_ENTRIES_WAITING)

    @property
    def egress(self) -> Egress:
        """See `case.Rules`."""
        return Egress("allowlist", (*self._endpoints, *self._allowed))

    async def run(self, listener: socket.socket, control: Channel[egress_wire.Request]) -> None:
        """Serve until the other end of ``control`` is closed. Raises `WireError`."""
        server = await asyncio.start_unix_server(self._accept, sock=listener)
        listing = asyncio.create_task(self._list(control))
        obeying = asyncio.create_task(self._obey(control))
        try:
            await control.send(egress_wire.Serving())
            await asyncio.wait([listing, obeying], return_when=asyncio.FIRST_COMPLETED)
        finally:
            server.close()
            self._close(_ENDED, list(self._cases.items()))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_ENTRIES_S):
                    await asyncio.gather(*self._cases, return_exceptions=True)
                    await self._entries.join()
            listing.cancel()
            await asyncio.gather(listing, return_exceptions=True)
        await obeying

    def take(self, request: egress_wire.Replace | egress_wire.Allow) -> int:
        """Let ``request`` hold from now on; returns how many connections it ended."""
        match request:
            case egress_wire.Replace(endpoints=endpoints):
                self._endpoints = endpoints
            case egress_wire.Allow(endpoint=endpoint):
                self._allowed = (*self._allowed, endpoint)
        return self._close(_CHANGED, [(task, case) for task, case in self._cases.items() if not case.still_permitted()])

    def _close(self, reason: str, cases: list[tuple[asyncio.Task[None], Case]]) -> int:
        closed = 0
        for task, case in cases:
            if not case.ended_because:
                case.ended_because = reason
                task.cancel()
                closed += 1
        return closed

    async def _obey(self, control: Channel[egress_wire.Request]) -> None:
        while (request := await control.receive()) is not None:
            if isinstance(request, egress_wire.Configure):
                raise WireError("a broker is configured once")
            await control.send(egress_wire.Replaced(request.id, self.take(request)))

    async def _list(self, control: Channel[egress_wire.Request]) -> None:
        while True:
            await control.send(egress_wire.Listed(await self._entries.get()))
            self._entries.task_done()

    # -- one connection ---------------------------------------------------------------------------------------------------

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        case = Case(self)
        client = Peer(reader, writer, case.active, case.active)
        task = asyncio.current_task()
        assert task is not None
        if len(self._cases) >= case.limits.connections:
            client.abort()
            case.refused(f"more than {case.limits.connections} connections at once")
        else:
            self._cases[task] = case
            await self._serve_to_its_end(case, client)
        try:
            await self._entries.put(case.entry())
        finally:
            self._cases.pop(task, None)

    async def _serve_to_its_end(self, case: Case, client: Peer) -> None:
        try:
            await self._serve(case, client)
        except asyncio.CancelledError:
            if not case.ended_because:
                raise
            case.failed(case.ended_because)
        for peer in filter(None, (client, case.upstream)):
            if case.ended_because:
                peer.abort()
            else:
                await peer.close()

    async def _serve(self, case: Case, client: Peer) -> None:
        """Serve it and note on ``case`` what came of it."""
        try:
            async with case.watch_idleness():
                await self._serve_protocol(case, client)
        except (Denied, Malformed, PastLimit) as refusal:
            note = case.failed if case.bytes_out else case.refused
            note(refusal.reason)
            case.address = case.address or refusal.address
        except Refusal as refusal:
            case.failed(refusal.reason)
        except TimeoutError as error:  # ours, or the kernel's, which has a number
            case.failed(
                f"the other host does not answer any more: {error}" if error.errno else f"no byte for {case.limits.idle_s:g} s"
            )
        except OSError as error:
            case.failed(f"broken off: {error}")
        except Exception as error:  # a bug must not leave a connection open, nor unlisted
            traceback.print_exc()
            case.refused(f"internal error: {type(error).__name__}")

    async def _serve_protocol(self, case: Case, client: Peer) -> None:
        try:
            async with asyncio.timeout(case.limits.head_s):
                if not await client.more():
                    raise Malformed("nothing was asked for")
        except TimeoutError as error:
            raise PastLimit(f"nothing was asked for within {case.limits.head_s:g} s") from error
        speak = socks.serve if client.pending[0] == socks.VERSION else http.serve
        wanted = await speak(case, client)
        if wanted and case.upstream:
            await tunnel.serve(case, client, wanted, case.upstream)
        for peer in filter(None, (client, case.upstream)):
            await peer.flush()
