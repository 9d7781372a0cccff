"""``edgeagent sessions replay``: recorded actions, a fresh sandbox, and a line for each screen compared."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import click
import msgspec

from edgeagent import events
from edgeagent.cli.sessions_text import echo_json
from edgeagent.counts import counted
from edgeagent.desktop import open_desktop
from edgeagent.errors import RecordingError, UsageError
from edgeagent.recording.reader import SessionReader
from edgeagent.recording.replay import Replayed, replay
from edgeagent.remote_names import model_name
from edgeagent.sessions.start_home import start_home
from edgeagent.words import describe
from edgeagent_harness.protocol.actions import action_kind
from edgeagent_harness.protocol.messages import DesktopSpec

_COLOURS = {"same": "green", "differs": "red"}


async def replay_session(directory: Path, home: Path | None, as_json: bool) -> bool:
    """Replay the session in ``directory``; whether all screens came out the same."""
    results: list[Replayed] = []
    async with aclosing(replayed(directory, home)) as screens:
        async for result in screens:
            results.append(result)
            _tell(result, as_json)
    differing = sum(result.verdict == "differs" for result in results)
    if not as_json:
        click.secho(f"{counted(len(results), 'screen')}, different: {differing}", bold=True)
    return differing == 0


async def replayed(directory: Path, home: Path | None = None) -> AsyncGenerator[Replayed]:
    """Replay the session in ``directory`` from the home that it began with, or from a copy of ``home``."""
    with SessionReader.open(directory) as reader, tempfile.TemporaryDirectory(prefix="edgeagent-replay-") as scratch:
        fresh_home = Path(scratch) / "home"
        recorded = _spec(reader)
        if recorded.host is not None:
            reason = "it worked on your own desktop: doing its actions again there would do them to what is there now"
            raise UsageError(f"session {directory.name} cannot be replayed: {reason}", "`sessions export --format html` shows it")
        first_home = home or start_home(directory)
        if first_home is not None:
            shutil.copytree(first_home, fresh_home, symlinks=True)
        else:
            fresh_home.mkdir(mode=0o700)
            if Path(recorded.home).parent.name != directory.name:
                click.secho(
                    f"the files that were in {recorded.home} are not kept; --home DIR starts from a copy of DIR", err=True
                )
        spec = msgspec.structs.replace(recorded, home=str(fresh_home))
        async with aclosing(replay(reader, spec, open_desktop)) as screens:
            async for result in screens:
                yield result


def _spec(reader: SessionReader) -> DesktopSpec:
    for event in reader.events():
        if isinstance(event.data, events.SessionCreated):
            return event.data.desktop
    raise RecordingError(
        f"{reader.directory} does not say what desktop it ran on", "its first event is missing; it cannot be replayed"
    )


def replayed_words(result: Replayed) -> tuple[str, str]:
    """What was done again, and how its screen compares."""
    what = describe(result.action) if result.action else "the first screen"
    what += f" (decided by {model_name(result.model)})" if result.model else ""
    share = f" ({result.changed:.1%} of the tiles)" if result.verdict == "differs" else ""
    return what, result.verdict.replace("_", " ") + share


def _tell(result: Replayed, as_json: bool) -> None:
    if as_json:
        kind = action_kind(result.action) if result.action else None
        whose = {"model": result.model} if result.model else {}
        echo_json({"step": result.step, "action": kind, "verdict": result.verdict, "changed": round(result.changed, 6), **whose})
        return
    what, verdict = replayed_words(result)
    click.echo(f"{result.step:3}  {what} → " + click.style(verdict, fg=_COLOURS.get(result.verdict)))
