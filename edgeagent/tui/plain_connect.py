"""Connecting to a backend by questions, one line after the other, for the plain mode: what the form in the app asks."""

from __future__ import annotations

import contextlib
import sys
import termios
from collections import deque
from collections.abc import Callable, Iterator

from edgeagent.errors import EdgeAgentError, UsageError
from edgeagent.teleport.backends import Connected, backends, checked_name, checked_url, keep_backend
from edgeagent.teleport.meeting import checked_token, said_of, token_in
from edgeagent.tui.meeting import NOTES, MeetThread, MeetTold, Met, NotMet, shown_key
from edgeagent.words import printable

HELP = "  :connect [NAME]        a backend to move sessions to: asks for what it needs, and shows its key"
_QUESTIONS = {
    "name": "What is it to be called here? A word such as attic",
    "url": "Its address? https://ADDRESS:8470, or http://127.0.0.1:8470 on this machine",
    "token": "Its token? Paste it, which is not shown; or @ and the name of the file that holds it",
    "ca": "The file with its certificate's authority, PEM, where the certificate is of your own making? Enter alone: none",
}
_AGAIN = "Type what is to be changed (name, url, token or ca) and press Enter, or Enter alone to ask it again; :leave ends this"


class PlainConnect:
    """One backend: questions, the meeting, and the question whether its key is the right one."""

    def __init__(self, say: Callable[[str], None], name: str = "") -> None:
        """Raises `UsageError` for a name that cannot be one."""
        self._say = say
        self._said = {"name": checked_name(name)} if name else dict[str, str]()
        self._asked: Iterator[str] = iter(())
        self._now = ""
        """The question that is open; empty: it is met, or its key is looked at."""
        self._meeting: MeetThread | None = None
        self._told: deque[MeetTold] = deque()
        self._met: Connected | None = None
        self._again = False
        self._over = False

    def start(self) -> None:
        for line in NOTES:
            self._say(line)
        self._say(":leave ends this; nothing is remembered before you have seen its key")
        self._ask_all(name for name in _QUESTIONS if name not in self._said and not self._needless(name))

    def line(self, line: str) -> None:
        """An answer."""
        said = line.strip()
        _show_typed(True)
        if said == ":leave":
            self.stop()
        elif self._now:
            self._answer(said)
        elif self._met is not None:
            self._judge(said.casefold(), self._met)
        elif self._again:
            self._change(said.casefold())
        else:
            self._say("it is asked; :leave ends that")

    def stop(self) -> None:
        _show_typed(True)
        if self._meeting is not None:
            self._meeting.cancel()
        if not self._over:
            self._say("no backend was connected to")
        self._over = True

    def hear(self) -> bool:
        while self._told and not self._over:
            match self._told.popleft():
                case Met(found=found):
                    self._met = found
                    self._say(printable(shown_key(found)))
                    self._say("y keeps it, n does not")
                case NotMet(problem=problem, hint=hint):
                    self._wrong(problem, hint)
                    self._again = True
                    self._say(_AGAIN)
            self._meeting = None
        return not self._over

    # -- questions --------------------------------------------------------------------------------------------------------

    def _ask_all(self, names: Iterator[str]) -> None:
        self._asked = names
        self._next()

    def _needless(self, name: str) -> bool:
        """Without TLS there is no certificate."""
        return name == "ca" and self._said["url"].startswith("http:")

    def _next(self) -> None:
        self._now = next(self._asked, "")
        if self._now:
            self._ask()
        else:
            self._meet()

    def _ask(self) -> None:
        self._say(_QUESTIONS[self._now])
        _show_typed(self._now != "token")

    def _answer(self, said: str) -> None:
        try:
            self._said[self._now] = _checked(self._now, said)
        except UsageError as error:
            self._wrong(str(error), error.hint)
            self._ask()
            return
        if self._now == "name" and said in backends():
            self._say(f"{said} is known: it will be replaced")
        self._next()

    def _change(self, said: str) -> None:
        if said and said not in _QUESTIONS:
            self._say(_AGAIN)
            return
        self._again = False
        self._ask_all(iter((said,) if said else ()))

    def _meet(self) -> None:
        try:
            unknown = said_of(self._said["url"], self._said["token"], self._said.get("ca", ""))
        except UsageError as error:
            self._wrong(str(error), error.hint)
            self._again = True
            self._say(_AGAIN)
            return
        self._say(printable(f"asking {unknown.url}"))
        self._meeting = MeetThread(unknown)
        self._meeting.tell = self._told.append
        self._meeting.start()

    def _judge(self, said: str, met: Connected) -> None:
        if said not in ("y", "yes", "n", "no"):
            self._say("y keeps it, n does not")
            return
        if said in ("n", "no"):
            self.stop()
            return
        try:
            keep_backend(self._said["name"], met)
        except EdgeAgentError as error:
            self._wrong(str(error), error.hint)
            return
        self._say(f"connected to {self._said['name']}; :teleport moves a session there")
        self._over = True

    def _wrong(self, problem: str, hint: str) -> None:
        self._say(printable(f"error: {problem}: {hint}".removesuffix(": ")))


def _show_typed(shown: bool) -> None:
    """Whether the terminal shows what is typed, where it is one."""
    if not sys.stdin.isatty():
        return
    with contextlib.suppress(termios.error):
        mode = termios.tcgetattr(sys.stdin)
        mode[3] = mode[3] | termios.ECHO if shown else mode[3] & ~termios.ECHO
        termios.tcsetattr(sys.stdin, termios.TCSANOW, mode)


def _checked(name: str, said: str) -> str:
    """``said`` as an answer to the question ``name``. Raises `UsageError`."""
    match name:
        case "name":
            return checked_name(said)
        case "url":
            return checked_url(said)
        case "token":
            return token_in(said[1:]) if said.startswith("@") else checked_token(said)
        case _:
            return said
