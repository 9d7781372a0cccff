"""``edgeagent policy``: judge, explain and extend policy files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from edgeagent.cli.choices import POLICY_CHOICES
from edgeagent.errors import UsageError
from edgeagent.policy.checking import require_sound
from edgeagent.policy.loading import load_policy, read_policy
from edgeagent.words import printable
from edgeagent_harness.policy.files import PROFILES, PolicyText, profile_text
from edgeagent_harness.policy.hosts import endpoint_text, parse_endpoint
from edgeagent_harness.policy.types import Endpoint

_CHECK_TIMEOUT_S = 30.0
_MARKS = {"yes": ("allowed", "green"), "no": ("denied ", "red"), "if": ("   ·   ", None)}


@click.group()
def policy() -> None:
    """Check, explain and extend policies: what a sandbox may do."""


@policy.command("list")
def list_() -> None:
    """The profiles that come with edgeagent."""
    for name, purpose in PROFILES.items():
        click.echo(f"{name:8} {purpose}")
    click.echo("Read one: edgeagent policy explain web. Start from one: edgeagent policy show web > my.yaml")


@policy.command()
@click.argument("profile", type=click.Choice(list(PROFILES)))
def show(profile: str) -> None:
    """Print PROFILE as a file to start from."""
    click.echo(profile_text(profile), nl=False)


@policy.command()
@click.argument("choice", metavar=POLICY_CHOICES)
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def check(choice: str, as_json: bool) -> None:
    """Say whether a policy is sound and can be honoured on this machine; exit code 2 if not."""
    problem, notes = "", ()
    try:
        found, rules = load_policy(choice)
        notes = rules.notes
        problem = _machine_problem(found)
        require_sound(found.text, found.name)
    except UsageError as error:
        problem = str(error)
    if as_json:
        click.echo(json.dumps({"ok": not problem, "policy": choice, "problem": problem or None, "notes": notes}, indent=2))
        sys.exit(2 if problem else 0)
    if problem:
        raise UsageError(problem, "docs/policy.md tells every key; `edgeagent policy show locked` is a file to start from")
    _notes(notes)
    click.echo(f"{choice}: sound")


@policy.command()
@click.argument("choice", metavar=POLICY_CHOICES)
def explain(choice: str) -> None:
    """Say in plain words what a policy allows, what not, and which layer sees to it."""
    from edgeagent_harness.policy.explain import explain as chapters_of

    _, rules = load_policy(choice)
    click.secho(f"Policy {printable(rules.profile)}", bold=True)
    for chapter in chapters_of(rules):
        click.secho(f"\n{chapter.title}", bold=True)
        for mark, sentence, layer in chapter.lines:
            word, colour = _MARKS[mark]
            by = click.style(f"  [{layer}]", dim=True) if layer else ""
            click.echo(f"  {click.style(word, fg=colour)}  {printable(sentence)}{by}")
    _notes(rules.notes)


@policy.command()
@click.argument("place", metavar="HOST:PORT")
@click.option("--session", default="", metavar="ID", help="For this session: at once if it is running, and when it goes on.")
@click.option("--policy", "file", default="", metavar="FILE", help="For good, in this file; runs that use it notice.")
def allow(place: str, session: str, file: str) -> None:
    """Permit HOST:PORT, for one session or for good. Only a person can: nothing in a sandbox reaches either file."""
    if bool(session) == bool(file):
        raise UsageError("say for how long", "--session ID for one session, or --policy FILE for good")
    try:
        endpoint = parse_endpoint(place)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if file:
        _allow_for_good(Path(file), endpoint)
    else:
        _allow_for_session(session, endpoint)


def _allow_for_good(file: Path, endpoint: Endpoint) -> None:
    from edgeagent.policy.editing import add_endpoint

    if str(file) in PROFILES and not file.exists():
        raise UsageError(f"{file} is a profile of edgeagent's own", f"copy it first: edgeagent policy show {file} > my.yaml")
    added = add_endpoint(file, endpoint)
    words = "is permitted from now on, in runs under way too" if added else "was permitted already"
    click.echo(f"{file}: {endpoint_text(endpoint)} {words}")


def _allow_for_session(prefix: str, endpoint: Endpoint) -> None:
    from edgeagent.policy.allowed import allow_in
    from edgeagent.sessions.lock import is_locked
    from edgeagent.sessions.store import SessionStore
    from edgeagent.sessions.summary import desktop_of

    directory = SessionStore().find(prefix)
    spec = desktop_of(directory)
    mode = read_policy(spec.policy_yaml, spec.policy_name).egress.mode
    if mode != "allowlist":
        raise UsageError(
            f"session {directory.name} has no way out that could be widened (network.egress.mode is {mode!r})",
            "start a new one with --policy web, or with a policy of mode allowlist",
        )
    allow_in(directory, endpoint)
    when = "from now on" if is_locked(directory) else "when it goes on: it is not running"
    click.echo(f"session {directory.name}: {endpoint_text(endpoint)} is permitted {when}")


def _notes(notes: Sequence[str]) -> None:
    """Where a translated policy means something else than in its own form."""
    for note in notes:
        click.secho(f"note: {printable(note)}", fg="yellow")


def _machine_problem(found: PolicyText) -> str:
    """What this machine cannot honour, as told by the harness's own program; empty: nothing."""
    argv = [sys.executable, "-P", "-m", "edgeagent_harness.outside", "check-policy", found.name]
    done = subprocess.run(
        argv, input=found.text, capture_output=True, text=True, timeout=_CHECK_TIMEOUT_S, check=False, env=os.environ
    )
    return done.stderr.removeprefix("edgeagent sandbox: ").strip() if done.returncode else ""
