"""``edgeagent run``: one task, from words to a verified end."""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import unquote, urlsplit

import click

from edgeagent import events, offline
from edgeagent.agents.applying import Said, completed
from edgeagent.agents.reading import load
from edgeagent.cli.choices import MODE_HELP, MODES, POLICY_CHOICES, POLICY_HELP
from edgeagent.cli.exits import EXIT_CODES_HELP, exit_for
from edgeagent.cli.host_options import refuse_what_a_host_lacks, with_host_options
from edgeagent.cli.models import describe_gguf
from edgeagent.cli.offline import settle_offline
from edgeagent.cli.output import OutputFormat, Renderer, renderer_for
from edgeagent.cli.remote_notice import tell_what_leaves
from edgeagent.cli.seconds import Seconds
from edgeagent.cli.task_text import task_in
from edgeagent.errors import UsageError
from edgeagent.hub.shelf import find
from edgeagent.interrupts import run_until_stopped
from edgeagent.policy.loading import load_policy
from edgeagent.remote_names import is_remote, remote_name
from edgeagent.runner import ModelChoice, Runner, RunRequest
from edgeagent_harness.policy.types import HOME_INSIDE
from edgeagent_harness.protocol.messages import Application, DesktopSpec, HostSpec
from edgeagent_models.families.registry import NoSuchFamily, by_name

MODEL_HELP = "embedded, the name of a model on this machine, a GGUF file, or openai:URL#NAME for a server."
AGENT_HELP = "What it works as: one of your agents, or a file. What is said here beside it goes before. See docs/agents.md."
SKIP_UNCHANGED_HELP = (
    "Send no screenshot of a screen that stays as it was: the model is told so. Quicker; untried with real models."
)


FORESEE_HELP = "Let a GGUF model's engine see the screen while it still settles: quicker steps on a machine with cores to spare."


@click.command(epilog=EXIT_CODES_HELP)
@click.argument("task")
@click.option("--app", "apps", multiple=True, metavar="CMD", help="Application to start first; may be given again.")
@click.option("--url", default="", help="Page to open in Chromium, after the applications.")
@click.option("--agent", default="", metavar="NAME|FILE", help=AGENT_HELP)
@click.option("--model", default="", metavar="MODEL", help=f"{MODEL_HELP} Default: embedded, or the agent's.")
@click.option("--mmproj", default="", metavar="PATH", help="The GGUF's vision part.")
@click.option("--family", default="", metavar="NAME", help="How the GGUF is spoken to, if its own header misleads.")
@click.option("--skip-unchanged", is_flag=True, help=SKIP_UNCHANGED_HELP)
@click.option("--foresee", is_flag=True, help=FORESEE_HELP)
@with_host_options
@click.option("--home", default="", metavar="DIR", help="Host directory that becomes the sandbox's home.")
@click.option("--max-steps", type=click.IntRange(1, 10_000), help="Actions at most; default: 60, or the agent's.")
@click.option("--timeout", "timeout_s", type=Seconds(), metavar="S", help="Seconds at most; default: 600, or the agent's.")
@click.option("--mode", type=click.Choice(MODES), help=MODE_HELP)
@click.option("--policy", default="", metavar=POLICY_CHOICES, help=POLICY_HELP)
@click.option("--offline", "be_offline", is_flag=True, help="No network for anything of this run, this program included.")
@click.option("--output", type=click.Choice(["text", "json", "stream-json"]), default="text", show_default=True)
@click.option("--seed", type=int, default=None, metavar="N", help="Seed of the model's sampling.")
def run(
    task: str, apps: tuple[str, ...], url: str, agent: str, model: str, mmproj: str, family: str, skip_unchanged: bool, home: str,
    max_steps: int | None, timeout_s: float | None, mode: events.GateModeName | None, policy: str, be_offline: bool,
    output: OutputFormat, seed: int | None, host: HostSpec | None, foresee: bool,
) -> None:  # fmt: skip
    """Do TASK on a sandboxed desktop, or with --host on your own. Ctrl-C stops at once and leaves the session resumable.

    TASK: words, @FILE with them in it, or - for standard input.
    """
    task = task_in(task)
    works_as = load(agent)
    said = completed(Said(apps, url, home, model, mmproj, family, policy, max_steps, timeout_s), works_as)
    page(said.url)
    require_file(said.url, said.home, said.applications)
    refuse_what_a_host_lacks(host, said.home, said.policy, be_offline)
    rules_text, rules = load_policy(said.policy)
    settle_offline(be_offline, rules.egress, rules_text.name, said.url)
    spec = DesktopSpec(
        home=existing(said.home, "--home", "directory"),
        applications=tuple(application(command, wait_window=not said.url) for command in said.applications),
        url=said.url,
        policy_yaml=rules_text.text,
        policy_name=rules_text.name,
        offline=offline.is_offline(),
        host=host,
    )
    choice = chosen(said.model or "embedded", said.mmproj, said.family, skip_unchanged)
    if foresee and not choice.mmproj:
        raise UsageError("--foresee is for GGUF files", "name one with --model, or leave --foresee out")
    tell_what_leaves(choice.model)
    request = RunRequest(task, spec, choice, said.limits, seed, mode or "", works_as)
    renderer = renderer_for(output)
    sys.exit(asyncio.run(_run(request, renderer, foresee)))


async def _run(request: RunRequest, renderer: Renderer, foresee: bool) -> int:
    runner = Runner(listeners=[renderer.fact], audit_listeners=[renderer.audited], asker=renderer.asker)
    runner.attendance.foresees = foresee
    with renderer.alive():
        result = await run_until_stopped(runner.start(request), runner.brake)
    renderer.result(result)
    return exit_for(result.ended.outcome)


def application(command: str, wait_window: bool = True) -> Application:
    """``command`` as the shell would split it. A page waits for its server, so that needs no window to wait for."""
    try:
        argv = tuple(shlex.split(command))
    except ValueError as error:
        raise UsageError(f"--app {command!r}: {error}", "quote it as for a shell") from error
    if not argv:
        raise UsageError("--app is empty", "name a command, for example --app mousepad")
    return Application(argv, wait_window)


def page(url: str) -> str:
    """``url`` as it is; `UsageError` if Chromium would take it for something else than a page. Empty stays empty."""
    parts = urlsplit(url)
    remote = parts.scheme in ("http", "https")
    if url and (not url.isprintable() or not (parts.netloc if remote else parts.scheme in ("file", "data", "about"))):
        raise UsageError(f"{url!r} is no address of a page", "write it with http://, https:// or file://")
    return url


def require_file(url: str, home: str, applications: Sequence[str]) -> None:
    """Raise `UsageError` if ``url`` is a file of the sandbox's home that ``home`` lacks and that no application could write."""
    parts = urlsplit(url)
    inside = PurePosixPath(unquote(parts.path))
    if parts.scheme != "file" or applications or not inside.is_relative_to(HOME_INSIDE):
        return
    if not home:
        raise UsageError(f"--url {url}: the sandbox's home is empty", "name the directory that the page is in with --home DIR")
    there = Path(home).expanduser() / inside.relative_to(HOME_INSIDE)
    if not there.exists():
        raise UsageError(f"--url {url}: there is no {there}", f"{HOME_INSIDE} inside is --home outside")


def existing(path: str, option: str, kind: Literal["file", "directory"]) -> str:
    """``path`` made absolute; `UsageError` if it is not there or of another kind. Empty stays empty."""
    if not path:
        return ""
    found = Path(path).expanduser()
    if not (found.is_dir() if kind == "directory" else found.is_file()):
        raise UsageError(f"{option} {path}: no such {kind}")
    if kind == "directory" and found.is_symlink():  # an earlier sandbox may have left it in place of what was there
        raise UsageError(f"{option} {path} is a symlink to {found.resolve()}", "if that is what you mean, name it")
    return str(found.resolve())


def chosen(model: str, mmproj: str, family: str, skip_unchanged: bool = False) -> ModelChoice:
    """The embedded model, a GGUF file or a server, spoken to as ``family`` (empty: as its header or name suggests)."""
    if model == "embedded":
        for option, given in (("--family", family), ("--skip-unchanged", skip_unchanged)):
            if given:
                raise UsageError(f"{option} is for GGUF files", f"name one with --model, or leave {option} out")
        return ModelChoice()
    try:
        if is_remote(model):
            return remote(model, mmproj, family, skip_unchanged)
        return replace(gguf(model, mmproj), family=by_name(family).name if family else "", skip_unchanged=skip_unchanged)
    except NoSuchFamily as error:
        raise UsageError(f"--family: {error}", "see docs/families.md") from error


def remote(model: str, mmproj: str, family: str, skip_unchanged: bool) -> ModelChoice:
    """``openai:URL#NAME``, which is refused in offline mode."""
    if mmproj:
        raise UsageError("--mmproj is for GGUF files", "the server has its own vision part: leave --mmproj out")
    offline.require_network(f"the model {model}")
    remote_name(model)
    return ModelChoice(model, family=by_name(family).name if family else "", skip_unchanged=skip_unchanged)


def gguf(model: str, mmproj: str) -> ModelChoice:
    """The GGUF file ``model`` with its vision part, or the model of that name among those that were pulled or imported."""
    if (kept := find(model)) is not None and not mmproj:
        return ModelChoice(str(kept.model_path), str(kept.mmproj_path or ""))
    if not Path(model).expanduser().is_file():
        raise UsageError(f"--model {model}: neither 'embedded' nor a file", "see `edgeagent models list`")
    choice = ModelChoice(existing(model, "--model", "file"), existing(mmproj, "--mmproj", "file"))
    if describe_gguf(Path(choice.model)).vision:
        raise UsageError(f"--model {model} is a vision part (mmproj)", "give it with --mmproj, and the text model with --model")
    if choice.mmproj and not describe_gguf(Path(choice.mmproj)).vision:
        raise UsageError(f"--mmproj {mmproj} is no vision part", "the file's architecture must be clip")
    return choice
