"""The process shell that both engines share: ``python -m edgeagent_models.serve --engine llama|embedded --fd N``.

A thread reads requests from the inherited socket, so that `Abort` and `Health` overtake work under way; the main thread owns
the engine. The process ends when the socket closes. It has no network: see `edgeagent_models.isolation`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import queue
import socket
import sys
import threading
import traceback
from collections.abc import Sequence

import msgspec

from edgeagent_harness.isolation import canary
from edgeagent_harness.protocol.wire import HEADER, WireError, body_length, pack
from edgeagent_models.admission import Admission
from edgeagent_models.errors import EngineProblem
from edgeagent_models.handler import EngineHandler
from edgeagent_models.isolation import isolate
from edgeagent_models.protocol import (
    MAX_ENGINE_MESSAGE_BYTES,
    Abort,
    CanaryRan,
    CloseSequence,
    Complete,
    Decide,
    Delta,
    EngineFailed,
    EngineReply,
    EngineRequest,
    Fetch,
    Health,
    Healthy,
    Load,
    LoadState,
    Ok,
    OpenSequence,
    Park,
    Perceive,
    Prime,
    RunCanary,
    SaveState,
    Shutdown,
)

_DECODER = msgspec.msgpack.Decoder(EngineRequest)
MAX_FAILURE_CHARS = 4000


class _JustId(msgspec.Struct):
    """What can be read from a request that is otherwise invalid."""

    id: int = 0


class Shell:
    """One engine on one socket."""

    def __init__(self, connection: socket.socket, handler: EngineHandler, missing_layers: Sequence[str] = ()) -> None:
        self._socket = connection
        self._handler = handler
        self._missing_layers = tuple(missing_layers)
        self._admission = Admission()
        self._inbox: queue.SimpleQueue[EngineRequest | None] = queue.SimpleQueue()
        self._send_lock = threading.Lock()
        self._pending: set[int] = set()
        self._closing = threading.Event()

    def run(self) -> None:
        """Serve until the app closes the socket or asks to shut down."""
        threading.Thread(target=self._read, name="requests", daemon=True).start()
        try:
            self._serve()
        finally:
            self._handler.close()

    # -- the reading thread

    def _read(self) -> None:
        try:
            while (body := self._receive()) is not None:
                self._accept(body)
        except (OSError, WireError) as error:
            self._send(EngineFailed(0, "usage", f"the connection is closed: {error}"))
        self._end()

    def _receive(self) -> bytes | None:
        """One message body; None when the app has gone."""
        header = self._receive_exactly(HEADER.size)
        return None if header is None else self._receive_exactly(body_length(header, MAX_ENGINE_MESSAGE_BYTES))

    def _receive_exactly(self, count: int) -> bytes | None:
        buffer = bytearray(count)
        view, have = memoryview(buffer), 0
        while have < count:
            got = self._socket.recv_into(view[have:])
            if got == 0:
                return None
            have += got
        return bytes(buffer)

    def _accept(self, body: bytes) -> None:
        try:
            request = _DECODER.decode(body)
        except msgspec.MsgspecError as error:
            self._send(EngineFailed(_id_of(body), "usage", f"not a valid request: {error}"))
            return
        match request:
            case Abort(id=number, target=target):
                if target in self._pending:
                    self._handler.abort(target)
                self._send(Ok(number))
            case Health(id=number):
                self._send(Healthy(number, _rss_bytes(), self._admission.sequences, bool(self._pending)))
            case Shutdown(id=number):
                self._send(Ok(number))
                self._end()
            case _:
                self._pending.add(request.id)
                self._inbox.put(request)

    def _end(self) -> None:
        self._closing.set()
        for target in tuple(self._pending):
            self._handler.abort(target)
        self._inbox.put(None)

    # -- the engine's thread

    def _serve(self) -> None:
        working = False
        while not self._closing.is_set():
            try:
                request = self._inbox.get_nowait() if working else self._inbox.get()
            except queue.Empty:
                working = self._handler.work()
                continue
            if request is None:
                return
            self._handle(request)
            working = True

    def _handle(self, request: EngineRequest) -> None:
        try:
            self._admission.check(request)
            reply = self._answer(request)
            self._admission.served(request)
        except EngineProblem as problem:
            reply = EngineFailed(request.id, problem.code, str(problem)[:MAX_FAILURE_CHARS])
        except Exception as error:
            traceback.print_exc()
            reply = EngineFailed(request.id, "internal", f"{type(error).__name__}: {error}"[:MAX_FAILURE_CHARS])
        if reply is not None:
            self._send(reply)

    def _answer(self, request: EngineRequest) -> EngineReply | None:
        """The reply to ``request``; None where the engine sends it itself, later."""
        handler = self._handler
        match request:
            case Load():
                return msgspec.structs.replace(handler.load(request), missing_layers=self._missing_layers)
            case OpenSequence(sequence=name):
                handler.open_sequence(name)
            case CloseSequence(sequence=name):
                handler.close_sequence(name)
            case Complete():
                handler.complete(request, self._send)
                return None
            case Prime():
                handler.prime(request, self._send)
                return None
            case Decide():
                return handler.decide(request)
            case Perceive():
                return handler.perceive(request)
            case SaveState():
                handler.save_state(request)
            case LoadState():
                handler.load_state(request)
            case Park():
                return handler.park(request)
            case Fetch():
                handler.fetch(request)
            case RunCanary(targets=targets):
                return CanaryRan(request.id, canary.run("engine", targets))
            case _:
                raise EngineProblem("usage", f"{type(request).__name__} is not served here")
        return Ok(request.id)

    # -- both

    def _send(self, reply: EngineReply) -> None:
        if not isinstance(reply, Delta):
            self._pending.discard(reply.id)
        # The app may be gone; the reading thread then ends the process.
        with self._send_lock, contextlib.suppress(OSError):
            self._socket.sendall(pack(reply, MAX_ENGINE_MESSAGE_BYTES))


def _id_of(body: bytes) -> int:
    try:
        return msgspec.msgpack.decode(body, type=_JustId).id
    except msgspec.MsgspecError:
        return 0


def _rss_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def make_handler(engine: str) -> EngineHandler:
    """The engine called ``engine``; its libraries are imported here, after the network is gone."""
    if engine == "embedded":
        from edgeagent_models.embedded.handler import EmbeddedHandler

        return EmbeddedHandler()
    from edgeagent_models.llama.handler import LlamaHandler

    return LlamaHandler()


def main() -> int:
    parser = argparse.ArgumentParser(prog="edgeagent_models.serve", description="An engine process on an inherited socket.")
    parser.add_argument("--engine", choices=["llama", "embedded"], required=True)
    parser.add_argument("--fd", type=int, required=True, help="a connected stream socket")
    arguments = parser.parse_args()
    missing_layers = isolate()
    with socket.socket(fileno=arguments.fd) as connection:
        Shell(connection, make_handler(arguments.engine), missing_layers).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
