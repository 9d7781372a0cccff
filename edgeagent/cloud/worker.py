"""One session's turn at a backend, in a process of its own: the same runner as at home, on a sandboxed desktop of its own.

    python -m edgeagent.cloud.worker JSON

Each intent is written into the ledger, with this turn's number, before it is acted on. Whose turn is over is refused there and so
acts no more, however late it wakes up. It ends when whoever started it does: its standard input is closed then.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import msgspec
import tenacity

from edgeagent import events
from edgeagent.cloud.ledger import Ledger, Row
from edgeagent.cloud.ledger.database import open_database
from edgeagent.cloud.seat_names import seat_name
from edgeagent.errors import EdgeAgentError, LedgerLost, NotOwner
from edgeagent.interrupts import run_until_stopped
from edgeagent.ports import Model
from edgeagent.recording.log import LOG_NAME
from edgeagent.recording.log_reading import read_log
from edgeagent.remote_names import model_name
from edgeagent.runner import ModelChoice, Runner
from edgeagent.sessions.leaving import ask_to_leave
from edgeagent.sessions.store import SessionStore
from edgeagent.state_store.settings import StoreSettings
from edgeagent.teleport.plan import head_of
from edgeagent.teleport.wire import Command

BEAT_S = 1.0
PATIENCE_S = 20.0
"""A ledger that does not answer for so long ends the worker; the next one goes on after the last step recorded."""
_TOLD = 2000
_AGAIN_S = 0.3
_PR_SET_PDEATHSIG = 1

P = ParamSpec("P")
T = TypeVar("T")
RunnerFactory = Callable[[SessionStore], Runner]


class Orders(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a worker is told on its command line."""

    ledger: str
    root: str
    """Of the tenant's sessions."""
    owner: str
    tenant: str
    session: str
    epoch: int
    turn: int
    runner: str = ""
    """``module:function`` that makes the `Runner`; empty: the real one."""
    models: str = ""
    """Folder with this machine's model files; a session's own path to one is not looked at."""
    endpoints: dict[str, str] = {}
    """Name of a model -> the server that answers for it here; a session's own address of one is not looked at."""
    seats: str = ""
    """Socket of the process that shares its models' engines with all workers; empty: this one has its own."""
    states: StoreSettings | None = None
    """Place behind the disk of the machine that it runs on, for what engines hold; who starts it carries there."""
    tied: bool = False
    """It does not outlive the process that started it, not even for the step under way."""


class Turn:
    """What the ledger is told, and what it says."""

    def __init__(self, ledger: Ledger, row: Row, directory: Path) -> None:
        self._ledger = ledger
        self._row = row
        self._directory = directory
        self._untold: list[str] = []
        """Keys of the commands that are not in the log yet."""
        self.orphaned = False
        """Whoever started this worker is gone: another one will go on."""

    def listen(self, fact: events.EventData) -> None:
        """Called with each fact once it is in the log, and before anything is done on it. Raises `NotOwner`."""
        if isinstance(fact, events.UserMessage | events.Approved | events.RunEnded) and self._untold:
            _patiently(self._ledger.taken, self._row.tenant, self._row.session, self._untold)
            self._untold.clear()
        if isinstance(fact, events.Intent | events.Acted):
            _patiently(self._ledger.note_turn, self._row, {"last_step": fact.step})

    def inbox(self) -> tuple[events.EventData, ...]:
        """What the user has said since it was last asked."""
        said: list[str] = []
        for command in self.waiting():
            if command.kind == "say":
                said.append(command.text)
            elif command.kind == "stop":
                ask_to_leave(self._directory, command.text or "stopped from afar")
        return (events.UserMessage("\n".join(said)),) if said else ()

    def waiting(self) -> list[Command]:
        """What the client asked for and nobody has taken yet."""
        commands = _patiently(self._ledger.commands, self._row.tenant, self._row.session)
        self._untold = [command.key for command in commands]
        return commands

    def leave_with_parent(self) -> None:
        """Leave the session, after the step under way, when standard input ends: whoever started this process is gone."""
        os.read(0, 1)  # not through sys.stdin: this thread must not hinder the end of the process
        self.orphaned = True
        with contextlib.suppress(EdgeAgentError):
            ask_to_leave(self._directory, "the backend ended")

    async def beat(self) -> None:
        """Show that this worker lives, until its turn is over: then nothing more is to be done."""
        while True:
            await asyncio.sleep(BEAT_S)
            await asyncio.to_thread(_patiently, self._ledger.note_turn, self._row, {})

    def finish(self, outcome: str, message: str) -> None:
        if self.orphaned:
            return
        head = head_of(read_log(self._directory / LOG_NAME))
        _patiently(self._ledger.finish_turn, self._row, outcome, message, head)


async def work(orders: Orders) -> None:
    """The whole turn; how it ends is in the ledger."""
    ledger = Ledger(open_database(orders.ledger))
    row = ledger.find(orders.tenant, orders.session)
    if (row.epoch, row.turn) != (orders.epoch, orders.turn):
        raise NotOwner("this turn is over already")
    store = SessionStore(Path(orders.root), orders.owner)
    turn = Turn(ledger, row, store.root / row.session)
    threading.Thread(target=turn.leave_with_parent, daemon=True).start()
    first = turn.waiting()
    runner = _runner(orders, store)
    runner.listeners.append(turn.listen)
    runner.inbox = turn.inbox
    said = "\n".join(command.text for command in first if command.kind == "say")
    approve = any(command.kind == "approve" for command in first)
    run = asyncio.ensure_future(run_until_stopped(runner.resume(row.session, said, approve=approve), runner.brake))
    beats = asyncio.ensure_future(turn.beat())
    try:
        await asyncio.wait([run, beats], return_when=asyncio.FIRST_COMPLETED)
        if not run.done():
            runner.brake.pull()  # the turn is over
            run.cancel()
        result = await run
        turn.finish(result.ended.outcome, result.ended.answer or result.ended.message)
    except (NotOwner, LedgerLost):
        raise
    except EdgeAgentError as error:
        turn.finish("error", str(error)[:_TOLD])
    finally:
        beats.cancel()
        with contextlib.suppress(asyncio.CancelledError, EdgeAgentError):
            await beats


def _patiently(ask: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Ask the ledger, again while it does not answer: each of these questions may be asked twice. Raises `LedgerLost`."""
    attempts = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(LedgerLost), stop=tenacity.stop_after_delay(PATIENCE_S),
        wait=tenacity.wait_fixed(_AGAIN_S), reraise=True,
    )  # fmt: skip
    return attempts(ask, *arguments, **named)


def _runner(orders: Orders, store: SessionStore) -> Runner:
    module, _, name = orders.runner.partition(":")
    runner = cast("RunnerFactory", getattr(import_module(module), name))(store) if module else Runner(store)
    runner.open_model = runner.open_model or partial(_own_model, orders)
    return runner


def _own_model(
    orders: Orders, choice: ModelChoice, seed: int, restarted: Callable[[str], None]
) -> AbstractAsyncContextManager[Model]:  # fmt: skip
    """The session's model: the server that answers for it here, or the file in this machine's own folder."""
    from edgeagent.engine import open_model
    from edgeagent.engine.relay import RelayedSeats
    from edgeagent.engine.tagging import Tags

    if endpoint := orders.endpoints.get(model_name(choice.model)):
        tags = Tags.of(orders.tenant, orders.session)
        return open_model(endpoint, "", seed, restarted, choice.family, choice.skip_unchanged, tags=tags)
    model, mmproj = (_here(Path(orders.models), path) for path in (choice.model, choice.mmproj))
    seats = RelayedSeats(orders.seats) if orders.seats else None
    name = seat_name(orders.tenant, orders.session)
    return open_model(
        model, mmproj, seed, restarted, choice.family, choice.skip_unchanged, session=name, seats=seats
    )  # fmt: skip


def _here(models: Path, path: str) -> str:
    return path if path in ("", "embedded") else str(models / Path(path).name)


def main() -> None:
    """Entry point."""
    orders = msgspec.json.decode(sys.argv[1].encode(), type=Orders)
    if orders.tied:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    try:
        asyncio.run(work(orders))
    except EdgeAgentError as error:
        print(f"worker of {orders.session}: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
