"""The ``edgeagent`` command. ``--help`` must stay quick: subcommands are named here and imported only when called."""

from __future__ import annotations

import contextlib
import difflib
import errno
import importlib
import os
import stat
import sys
from typing import ClassVar

import click

from edgeagent.cli.exits import EXIT_CODES_HELP, Exit
from edgeagent.cli.stdout import abandon, guard
from edgeagent.entry import work_begins
from edgeagent.errors import EdgeAgentError, EnvironmentProblem, OutputLost, ReaderGone, UsageError

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("edgeagent.cli.run:run", "Do a task on a sandboxed desktop with a local model."),
    "sessions": ("edgeagent.cli.sessions:sessions", "List, show, resume, replay, export, import and remove recorded sessions."),
    "models": ("edgeagent.cli.models:models", "Which models there are, and what one needs."),
    "agents": ("edgeagent.cli.agents:agents", "Ways of working of your own, as small files: list, show, check, make."),
    "policy": ("edgeagent.cli.policy:policy", "Check, explain and extend policies: what a sandbox may do."),
    "sandbox": ("edgeagent.cli.sandbox:sandbox", "Check the sandbox, or run a command inside it."),
    "audit": ("edgeagent.cli.audit:audit", "Show and verify what a session's policy permitted and denied."),
    "teleport": ("edgeagent.cli.teleport:teleport", "Move a session to another machine and back; preview what leaves."),
    "cloud": ("edgeagent.cli.cloud:cloud", "Serve sessions that move to this machine."),
    "governor": ("edgeagent.cli.governor:governor", "Watch all running sessions; stop those that break common rules."),
    "prove": ("edgeagent.cli.prove:prove", "Prove that a run had no way off this machine; a signed statement."),
    "bench": ("edgeagent.cli.bench:bench", "Measure: task suites and steps."),
    "doctor": ("edgeagent.cli.doctor:doctor", "Everything a bug report needs; each failing line with its fix."),
}
"""Name -> where its click command is defined, and its line in ``--help``."""


_REFUSED_BY_THE_SYSTEM = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM
}  # fmt: skip
"""No bug, wherever it surfaces: the state of a disk, of permissions, of the machine."""
_MOST_SHOWN = 60


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, never for ``--help``."""

    catalogue: ClassVar[dict[str, tuple[str, str]]] = COMMANDS

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.catalogue)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.catalogue:
            return None
        module, _, attribute = self.catalogue[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        work_begins()
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] in self.catalogue:
            check_system()
            from edgeagent.cli.offline import begin

            begin(args[0], bool(ctx.params.get("offline")))  # first: afterwards there may be threads
        elif args and args[0].isalpha():
            near = difflib.get_close_matches(args[0], self.catalogue, n=1)
            ctx.fail(f"No such command {args[0]!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self.catalogue.items()])


def check_system() -> None:
    """Raise `EnvironmentProblem` where no command could work: before anything is imported that would only say what it misses."""
    if sys.platform != "win32":
        return
    reason = "edgeagent does not run on Windows: its processes hand descriptors to each other, which Windows has no way for"
    raise EnvironmentProblem(reason, "run it in a Linux virtual machine, such as WSL 2")


@click.command(
    cls=LazyGroup, invoke_without_command=True, epilog=EXIT_CODES_HELP, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="edgeagent", message="edgeagent %(version)s")
@click.option("--offline", is_flag=True, help="Nothing of this command, helpers included, gets a network. See docs/offline.md.")
@click.option("--plain", is_flag=True, help="Line by line, for screen readers and simple terminals: no windows, no colours.")
@click.pass_context
def cli(ctx: click.Context, offline: bool, plain: bool) -> None:
    """Run a computer-use model on this machine: it sees a sandboxed desktop, acts on it, and every step is recorded.

    Without a command: the terminal app.
    """
    if ctx.invoked_subcommand is None:
        _open_terminal_app(ctx, offline, plain)


def _open_terminal_app(ctx: click.Context, offline: bool, plain: bool) -> None:
    """The app on a terminal; else, as there is nobody to look at it, the help."""
    if not plain and not (sys.stdin.isatty() and sys.stdout.isatty()):
        click.echo(ctx.get_help())
        return
    check_system()
    from edgeagent.cli.offline import begin

    begin("", offline)  # first: afterwards there are threads
    if plain:
        from edgeagent.tui.plain import main as plain_app

        work_begins()
        sys.exit(plain_app())
    from edgeagent.tui.app import main as terminal_app

    work_begins()
    terminal_app()


def main() -> None:
    """Entry point of the console script: errors of ours become one clear message and their exit code."""
    guard()
    os.umask(os.umask(0o077) | stat.S_IWOTH)  # what other users could write is nothing to go by: settings, agents, recordings
    try:
        require_text(sys.argv[1:])
        cli.main(standalone_mode=False)
        if sys.stdout is not None:  # pyright: ignore[reportUnnecessaryComparison]  # it is, where descriptor 1 is closed
            sys.stdout.flush()
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.UsageError as error:
        _told(error)
    except click.Abort:
        sys.exit(Exit.INTERRUPTED)
    except click.ClickException as error:
        _told(error)
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
    except EdgeAgentError as error:
        sys.exit(_say(error))
    except OSError as error:
        if error.errno not in _REFUSED_BY_THE_SYSTEM:
            raise
        where = f"{error.filename}: " if error.filename else ""
        sys.exit(_say(EnvironmentProblem(f"{where}{error.strerror}", "`edgeagent doctor` says what this machine lacks")))


def require_text(arguments: list[str]) -> None:
    """Raise `UsageError` for an argument that is no text: it could be neither told to a model nor recorded."""
    for argument in arguments:
        if not argument.isascii() and any("\ud800" <= char <= "\udfff" for char in argument):
            shown = argument.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
            raise UsageError(
                f"the argument '{shown[:_MOST_SHOWN]}' is no UTF-8 text", "write it in UTF-8, with LANG=C.UTF-8 if need be"
            )


def _told(error: click.ClickException) -> None:
    with contextlib.suppress(OSError):  # nobody can be told that nothing can be told
        error.show()
    sys.exit(Exit.USAGE)


def _say(error: EdgeAgentError) -> int:
    """Print what ``error`` says; its exit code."""
    from edgeagent.words import printable

    if isinstance(error, OutputLost):
        abandon()
    if not isinstance(error, ReaderGone):
        with contextlib.suppress(OSError):
            click.echo(f"edgeagent: {printable(str(error))}", err=True)
            if error.hint:
                click.echo(f"  {printable(error.hint)}", err=True)
    return error.exit_code


if __name__ == "__main__":
    main()
