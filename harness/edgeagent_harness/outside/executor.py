"""The supervisor's end of the executor's socket. What comes from there is size-capped, schema-checked and matched by id."""

from __future__ import annotations

import asyncio
import socket
from typing import TypeVar

import msgspec

from edgeagent_harness.errors import PeerMisbehaved, SandboxGone
from edgeagent_harness.isolation.canary import Canary, Targets
from edgeagent_harness.protocol import actions as act
from edgeagent_harness.protocol import executor_wire as wire
from edgeagent_harness.protocol.channel import Channel
from edgeagent_harness.protocol.geometry import Point
from edgeagent_harness.protocol.windows import PlacedWindow
from edgeagent_harness.protocol.wire import WireError

R = TypeVar("R", wire.Grabbed, wire.Did, wire.HeldNow, wire.CanaryRan, wire.WindowsTold, wire.Arranged)
_WARM_UP_TIMEOUT_S = 20.0
_ANSWER_TIMEOUT_S = 20.0
"""For a request that takes milliseconds, on a machine that is badly overloaded."""
_ACTION_TIMEOUT_S = 120.0
"""For an action's own work, such as typing 20,000 characters, beyond the time that it asks to take."""


class Executor:
    """Requests to the executor; each awaits its one reply. Raises `SandboxGone` when the socket ends."""

    def __init__(self, sock: socket.socket) -> None:
        decoder: msgspec.msgpack.Decoder[wire.ExecutorReply] = msgspec.msgpack.Decoder(wire.ExecutorReply)
        self._channel: Channel[wire.ExecutorReply] = Channel(sock, decoder, wire.MAX_EXECUTOR_MESSAGE_BYTES, max_fds=0)
        self._pending: dict[int, asyncio.Future[wire.ExecutorReply]] = {}
        self._next_id = 0
        self._lost: Exception | None = None
        self._reader: asyncio.Task[None] | None = None

    async def greet(self, width: int, height: int) -> None:
        """Wait until the executor is warm, and accept it if it speaks this version about a screen of this size."""
        try:
            async with asyncio.timeout(_WARM_UP_TIMEOUT_S):
                first = await self._channel.receive()
        except TimeoutError as error:
            raise PeerMisbehaved(f"the executor was not warm within {_WARM_UP_TIMEOUT_S:g} s") from error
        except WireError as error:
            raise PeerMisbehaved(f"the executor: {error}") from error
        if first is None:
            raise SandboxGone("the executor ended before it was warm")
        expected = (wire.EXECUTOR_PROTOCOL_VERSION, width, height)
        if not isinstance(first, wire.Ready) or (first.version, first.width, first.height) != expected:
            raise PeerMisbehaved(f"the executor began with {first}, not with version {expected[0]} and {width}x{height}")
        await self._channel.send(wire.Begin())
        self._reader = asyncio.create_task(self._read())

    async def grab(self) -> wire.Grabbed:
        """Capture the screen into the shared memory."""
        return await self._request(wire.Grab(self._new_id()), wire.Grabbed)

    async def do(self, action: act.Action, seen: wire.SeenRegion | None, focus: int = 0) -> wire.Did:
        """Perform ``action``, if ``seen`` still holds and the window ``focus`` (0: any) has and keeps the keyboard."""
        return await self._request(wire.Do(self._new_id(), action, seen, focus), wire.Did, _ACTION_TIMEOUT_S + _asked_s(action))

    async def cancel(self) -> wire.HeldNow:
        """Stop the action under way, if any, and release what is held."""
        return await self._request(wire.Cancel(self._new_id()), wire.HeldNow)

    async def release_all(self) -> wire.HeldNow:
        """Release everything that is down."""
        return await self._request(wire.ReleaseAll(self._new_id()), wire.HeldNow)

    async def windows(self, points: tuple[Point, ...]) -> wire.WindowsTold:
        """Which window has the keyboard, and which ones lie under ``points``."""
        return await self._request(wire.AskWindows(self._new_id(), points), wire.WindowsTold)

    async def arrange(self, windows: tuple[PlacedWindow, ...]) -> wire.Arranged:
        """Put ``windows`` where they say, and tell all that there are."""
        return await self._request(wire.Arrange(self._new_id(), windows), wire.Arranged)

    async def canary(self, targets: Targets) -> Canary:
        """Have it try to reach the prober's listeners."""
        ran = await self._request(wire.RunCanary(self._new_id(), targets), wire.CanaryRan)
        return msgspec.structs.replace(ran.canary, process="executor")

    async def close(self) -> None:
        if self._reader:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        self._channel.close()

    def _new_id(self) -> int:
        self._next_id += 1
        return self._next_id

    async def _request(
        self,
        request: wire.Grab | wire.Do | wire.Cancel | wire.ReleaseAll | wire.RunCanary | wire.AskWindows | wire.Arrange,
        expected: type[R],
        timeout_s: float = _ANSWER_TIMEOUT_S,
    ) -> R:
        if self._lost:
            raise self._lost
        answer: asyncio.Future[wire.ExecutorReply] = asyncio.get_running_loop().create_future()
        self._pending[request.id] = answer
        try:
            async with asyncio.timeout(timeout_s):
                await self._channel.send(request)
                reply = await answer
        except TimeoutError as error:
            raise PeerMisbehaved(f"the executor did not answer {type(request).__name__} within {timeout_s:g} s") from error
        except (BrokenPipeError, ConnectionResetError) as error:
            raise SandboxGone("the executor closed its socket") from error
        finally:
            self._pending.pop(request.id, None)
        if isinstance(reply, wire.ExecutorFailed):
            raise SandboxGone(f"the executor failed: {reply.message}")
        if not isinstance(reply, expected):
            raise PeerMisbehaved(f"the executor answered {type(request).__name__} with {type(reply).__name__}")
        return reply

    async def _read(self) -> None:
        lost: Exception = SandboxGone("the executor ended")
        try:
            while (reply := await self._channel.receive()) is not None:
                answer = None if isinstance(reply, wire.Ready) else self._pending.get(reply.id)
                if answer is None:
                    raise PeerMisbehaved(f"the executor sent {type(reply).__name__} that nobody asked for")
                if not answer.done():
                    answer.set_result(reply)
        except WireError as error:
            lost = PeerMisbehaved(f"the executor: {error}")
        except PeerMisbehaved as error:
            lost = error
        finally:
            # Also when this task is cancelled: whoever still waits must not wait for ever.
            self._lost = lost
            for answer in self._pending.values():
                if not answer.done():
                    answer.set_exception(lost)


def _asked_s(action: act.Action) -> float:
    """How long ``action`` itself says that it takes."""
    match action:
        case act.Batch(actions=actions):
            return sum(map(_asked_s, actions))
        case act.Wait(duration_ms=ms) | act.HoldKey(duration_ms=ms) | act.Drag(duration_ms=ms) | act.LongPress(duration_ms=ms):
            return ms / 1000
        case _:
            return 0.0
