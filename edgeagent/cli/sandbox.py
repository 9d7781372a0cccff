"""``edgeagent sandbox``: hands over to the supervisor's own program, which alone may touch the kernel's layers."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from edgeagent import offline
from edgeagent.cli.choices import POLICY_CHOICES, POLICY_HELP


@click.group()
def sandbox() -> None:
    """Check the sandbox, or run a command inside it."""


@sandbox.command()
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def check(as_json: bool) -> None:
    """Say which containment layers this machine gives, and how to mend what is missing."""
    _become("check", *(["--json"] if as_json else []))


@sandbox.command("exec", context_settings={"ignore_unknown_options": True})
@click.option("--policy", default="", metavar=POLICY_CHOICES, help=POLICY_HELP)
@click.option("--home", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Host directory as home.")
@click.option("--audit", type=click.Path(dir_okay=False, path_type=Path), help="Append what was denied to this audit log.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_(policy: str, home: Path | None, audit: Path | None, command: tuple[str, ...]) -> None:
    """Run COMMAND as an app would run; its output and exit code pass through."""
    _become("exec", *_policy(policy), *_option("--home", home), *_option("--audit", audit), "--", *command)


@sandbox.command()
@click.option("--policy", default="", metavar=POLICY_CHOICES, help=POLICY_HELP)
@click.option("--home", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Host directory as home.")
def shell(policy: str, home: Path | None) -> None:
    """Open a shell inside, for looking around."""
    _become("shell", *_policy(policy), *_option("--home", home))


def _option(name: str, value: Path | None) -> list[str]:
    return [name, str(value.resolve())] if value else []


def _policy(choice: str) -> list[str]:
    return ["--policy", choice] if choice else []


def _become(*arguments: str) -> None:
    if offline.is_offline() and arguments[0] in ("exec", "shell"):
        arguments = (arguments[0], "--offline", *arguments[1:])
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-P", "-m", "edgeagent_harness.outside", *arguments])
