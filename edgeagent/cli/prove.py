"""``edgeagent prove``: an offline run, watched from outside, and a signed statement of what was seen."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import click
import msgspec

from edgeagent.cli.exits import EXIT_CODES_HELP, Exit
from edgeagent.cli.proof_text import print_statement, print_verified, verified_object
from edgeagent.cli.sessions_text import echo_json
from edgeagent.errors import UsageError

DEMO = "editor"
_AS_THE_RUN = {Exit.USAGE, Exit.NEEDS_USER, Exit.STOPPED, Exit.INTERRUPTED}
"""A run that never began: whoever asked for it sees why by the same code as without the prober."""


@click.command(epilog=EXIT_CODES_HELP, context_settings={"allow_interspersed_args": False})
@click.option("--json", "as_json", is_flag=True, help="Machine-readable; what the run prints goes to standard error.")
@click.option("--public-key", is_flag=True, help="Print the public key that statements of this user are signed with.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Draws the demo task anew.")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[SESSION | run TASK ...]")
def prove(as_json: bool, public_key: bool, seed: int, words: tuple[str, ...]) -> None:
    """Prove that a run had no way off this machine: a demo task, or `run TASK ...` with the options of `edgeagent run`.

    With SESSION: verify the statement that is recorded with it. Exit code 0 if it is PROVEN, 1 if not.
    """
    if public_key:
        from edgeagent.prove.keys import public_text, signing_key

        click.echo(public_text(signing_key().verify_key))
        return
    if not words:
        _prove_demo(seed, as_json)
    elif words[0] == "run":
        _prove_run(words[1:], as_json)
    elif len(words) == 1:
        _verify(words[0], as_json)
    else:
        raise UsageError(f"prove {' '.join(words)}: more than one session", "write prove SESSION, or prove run TASK …")


def _verify(session: str, as_json: bool) -> None:
    from edgeagent.prove.statement import STATEMENT_NAME
    from edgeagent.prove.verifying import verify
    from edgeagent.sessions.store import SessionStore

    path = SessionStore().find(session) / STATEMENT_NAME
    if not path.is_file():
        raise UsageError(
            f"{path.parent.name} has no statement: a session can be proven only while it runs",
            "do it again, watched: edgeagent prove run TASK …",
        )
    found = verify(path)
    if as_json:
        echo_json(verified_object(path, found))
    else:
        print_statement(found.statement)
        print_verified(path, found)
    sys.exit(Exit.DONE if found.ok else Exit.NOT_DONE)


def _prove_demo(seed: int, as_json: bool) -> None:
    from edgeagent.demo import GENERATORS
    from edgeagent.demo.play import CLI, command

    with tempfile.TemporaryDirectory(prefix="edgeagent-prove-", ignore_cleanup_errors=True) as scratch:
        home = Path(scratch) / "home"
        home.mkdir()
        task = GENERATORS[DEMO](seed)
        task.prepare(home)
        click.echo(f"demo task: {task.instruction}", err=as_json)
        arguments = command(task, home)[len(CLI) + 1 :]
        code = _prove(arguments[: arguments.index("--output")], as_json, lambda: task.verify(home).detail)
    sys.exit(code)


def _prove_run(arguments: tuple[str, ...], as_json: bool) -> None:
    sys.exit(_prove(list(arguments), as_json, lambda: ""))


def _prove(arguments: list[str], as_json: bool, outcome: Callable[[], str]) -> Exit:
    from edgeagent.prove.proving import offline_run, prove

    proof = prove(offline_run(arguments), stdout=2 if as_json else None)
    if proof.path is None and proof.exit_code:
        click.echo(f"edgeagent: nothing to prove: the run ended with exit code {proof.exit_code} before it began", err=True)
        return Exit(proof.exit_code) if proof.exit_code in _AS_THE_RUN else Exit.ENVIRONMENT
    if as_json:
        click.echo(msgspec.json.encode(proof.statement).decode())
    else:
        print_statement(proof.statement)
        if told := outcome():
            click.echo(f"the task: {told}")
        click.echo(f"signed statement: {proof.path}")
        click.echo("check it elsewhere: edgeagent audit verify FILE --key KEY_FILE (KEY_FILE: edgeagent prove --public-key)")
    return Exit.DONE if proof.statement.verdict == "PROVEN" else Exit.NOT_DONE
