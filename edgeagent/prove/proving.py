"""From a command line to a signed statement beside the recording."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from edgeagent.machine import describe_machine
from edgeagent.prove import checks, statement
from edgeagent.prove.heads import audit_head, event_head
from edgeagent.prove.keys import signing_key
from edgeagent.prove.looking import Process
from edgeagent.prove.probing import Evidence, probe
from edgeagent.prove.rules import FILTER_MODE
from edgeagent.prove.statement import LogHead, Looks, SeenProcess, Statement
from edgeagent.sessions.store import SessionStore

DISTRIBUTIONS = ("edgeagent", "edgeagent-harness", "edgeagent-models")
LIMITS = (
    "It speaks of this session's processes from their start to their end, and of nothing else on the machine.",
    "Processes are looked at several times a second: what came and went between two looks is known by what its parents could do.",
    "What the run prints goes to the terminal or file that it was started with; a terminal may be shown on another machine.",
    "The home directory, the recording and the exports stay on the machine; who carries them off later is not known.",
    "A program that the session's own user runs, and that has a network, could be asked by files that the session leaves.",
    "The kernel, Python and edgeagent itself are taken to be what they say; the machine's administrator can change all three.",
    "Light, sound, power and timing are not looked at.",
)


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of it."""

    statement: Statement
    path: Path | None
    """The signed file; None if the run did not get as far as a session."""
    exit_code: int
    """Of the run itself."""


def offline_run(arguments: Sequence[str]) -> list[str]:
    """The command line of ``edgeagent --offline run ARGUMENTS``."""
    # -P: a file in the current directory must not stand in for a module.
    return [sys.executable, "-P", "-m", "edgeagent", "--offline", "run", *arguments]


def prove(command: Sequence[str], stdout: int | None = None, env: dict[str, str] | None = None) -> Proof:
    """Run ``command``, watch it, and sign what was seen; see `probe`. The key is made first, so that it cannot fail last."""
    key = signing_key()
    evidence = probe(command, stdout, env)
    session = evidence.moments[0].session if evidence.moments else ""
    directory = SessionStore().find(session) if session else None
    stated = _state(evidence, session, directory)
    if directory is None:
        return Proof(stated, None, evidence.exit_code)
    path = directory / statement.STATEMENT_NAME
    statement.write(path, stated, key)
    return Proof(stated, path, evidence.exit_code)


def _state(evidence: Evidence, session: str, directory: Path | None) -> Statement:
    found = checks.check(evidence)
    watch = evidence.watch
    return Statement(
        format=statement.FORMAT,
        verdict=checks.verdict(found),
        session=session,
        began_s=evidence.began_s,
        ended_s=evidence.ended_s,
        events=event_head(directory) if directory else LogHead(0, ""),
        audit=audit_head(directory) if directory else LogHead(0, ""),
        versions=_versions(),
        machine=describe_machine(),
        prober_user=os.getuid(),
        outside_network=watch.outside,
        checks=tuple(found),
        processes=tuple(map(_seen, watch.seen.values())),
        canaries=(*evidence.controls, *(canary for moment in evidence.moments for canary in moment.canaries)),
        looks=Looks(watch.looks, round(watch.longest_gap_s, 3)),
        limits=LIMITS,
    )


def _seen(process: Process) -> SeenProcess:
    return SeenProcess(
        process.pid, process.kind, process.name, process.network.id, process.network.devices,
        process.seccomp == FILTER_MODE, len(process.sockets),
    )  # fmt: skip


def _versions() -> dict[str, str]:
    found = {name: version(name) for name in DISTRIBUTIONS}
    bwrap = subprocess.run(["bwrap", "--version"], capture_output=True, text=True, check=False)
    return {**found, "python": platform.python_version(), "kernel": platform.release(), "bubblewrap": bwrap.stdout.split()[-1]}
