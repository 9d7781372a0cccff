"""The console script. Until a command's own work begins, Ctrl+C ends it quietly: there is nothing yet that would have to be put
back, and Python would show where in which import it was. Imports nothing before it hears Ctrl+C.
"""

import os
import signal

_INTERRUPTED = 130
"""As `edgeagent.cli.exits.Exit`, which takes longer to import."""


def main() -> None:
    """As `edgeagent.cli.main.main`. Who started this with Ctrl+C ignored keeps that."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    from edgeagent.cli.main import main as command_line

    command_line()


def work_begins() -> None:
    """From here on Ctrl+C raises `KeyboardInterrupt`, or is what the work itself makes of it."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave(_number: int, _frame: object) -> None:
    os._exit(_INTERRUPTED)
