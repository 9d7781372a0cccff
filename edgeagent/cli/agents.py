"""``edgeagent agents``: ways of working of one's own, as small TOML files."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from edgeagent.agents.agent import Agent
from edgeagent.agents.applying import Said, completed
from edgeagent.agents.reading import agents_folder, load, own_file, own_names, read
from edgeagent.agents.telling import in_words
from edgeagent.errors import EnvironmentProblem, UsageError
from edgeagent.small_files import read_text, why, write_new
from edgeagent.words import printable

_TEMPLATE = """\
# An agent of yours. Every key may be left away; `edgeagent agents check {name}` says whether all is sound.
# Use it: edgeagent run TASK --agent {name}. All keys: docs/agents.md.
description = "Fills in forms, and asks before it opens anything"

# Goes behind the model's system prompt. The embedded model does not read it: it goes by the task alone.
prompt = '''
Write dates as 2026-11-30. Leave fields empty that the task does not name.
'''

# Which mode it starts from, at the least: plan, ask, bounded or auto.
mode = "auto"

# The only kinds of action that it may do (docs/actions.md), and those that you are asked before.
actions = ["click", "move", "scroll", "type", "key", "open_url"]
ask = ["open_url"]

[limits]
max_steps = 40
timeout_s = 300

# [start]
# apps = ["mousepad"]
"""


@click.group()
def agents() -> None:
    """Ways of working of your own: prompt, model, policy, what may be done, limits. NAME: one of yours; FILE: any file."""


@agents.command("list")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_(output: str) -> None:
    """Your agents."""
    found = [(name, *_as_it_is(name)) for name in own_names()]
    if output == "json":
        keys = ("name", "description", "problem")
        click.echo(json.dumps([dict(zip(keys, one, strict=True)) for one in found]))
        return
    for name, description, problem in found:
        click.echo(f"{name:16} {printable(description)}" if not problem else click.style(f"{name:16} {problem}", fg="red"))
    if not found:
        click.echo(f"none in {agents_folder()}; make one: edgeagent agents new NAME")


@agents.command()
@click.argument("choice", metavar="NAME|FILE")
def show(choice: str) -> None:
    """What an agent means, in words."""
    for what, how in in_words(_needed(choice)):
        first, *others = printable(how).split("\n")
        click.echo(f"{what:14}{first}")
        for line in others:
            click.echo(f"{'':14}{line}")


@agents.command()
@click.argument("choices", metavar="[NAME|FILE]...", nargs=-1)
def check(choices: tuple[str, ...]) -> None:
    """Say whether agents are sound and what they name is there, as a run would; all of yours if none is named.

    Exit code 2 if one is not.
    """
    broken = 0
    for choice in choices or own_names():
        try:
            check_as_a_run_does(_needed(choice))
            click.echo(f"{choice}: sound")
        except UsageError as error:
            broken += 1
            click.secho(printable(f"{choice}: {error}. {error.hint}".rstrip(". ")), fg="red", err=True)
    sys.exit(2 if broken else 0)


@agents.command()
@click.argument("name")
@click.option("--from", "source", default="", metavar="FILE", help="Take this file over: what it asks for becomes your word.")
def new(name: str, source: str) -> None:
    """Make an agent of yours to edit."""
    path = own_file(name)
    text = _TEMPLATE.format(name=name)
    if source:
        given = Path(source).expanduser().absolute()
        read(given)
        text = read_text(given, "the agent")
    try:
        write_new(path, text)
    except FileExistsError as error:
        raise UsageError(f"{path} is there already", "edit it, or take another name") from error
    except OSError as error:
        raise EnvironmentProblem(f"{path} cannot be written: {why(error)}", "make room there, or have it writable") from error
    click.echo(str(path))


def check_as_a_run_does(agent: Agent) -> None:
    """Raise `UsageError` unless a run could begin with what ``agent`` asks for."""
    from edgeagent.cli.run import application, chosen, existing, page
    from edgeagent.policy.checking import require_sound
    from edgeagent.policy.loading import load_policy

    said = completed(Said(), agent)
    chosen(said.model or "embedded", said.mmproj, said.family)
    if said.policy:
        found, _ = load_policy(said.policy)
        require_sound(found.text, found.name)
    page(said.url)
    existing(said.home, "start.home", "directory")
    for command in said.applications:
        application(command)


def _as_it_is(name: str) -> tuple[str, str]:
    """Description of the user's agent ``name``, and what is wrong with it."""
    try:
        return read(own_file(name)).description, ""
    except UsageError as error:
        return "", printable(str(error))


def _needed(choice: str) -> Agent:
    agent = load(choice)
    if agent is None:
        raise UsageError("name an agent", "see `edgeagent agents list`")
    return agent
