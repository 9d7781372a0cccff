"""Moving and following sessions in lines, for the plain mode: the same threads as the screens', told one line after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from edgeagent import events
from edgeagent.errors import UsageError
from edgeagent.recording.log import LOG_NAME
from edgeagent.recording.log_reading import read_log
from edgeagent.sessions.summary import human_bytes
from edgeagent.sessions.whereabouts import whereabouts
from edgeagent.teleport.backends import name_of
from edgeagent.teleport.progress import Entered, Moved, Progress
from edgeagent.teleport.pushing import require_permitted
from edgeagent.teleport.telling import STAGES, plan_lines, whose
from edgeagent.teleport.wire import Standing
from edgeagent.tui.following import Followed, FollowThread, FollowTold, Left, NotFollowing, Ordered, Stood
from edgeagent.tui.moving import MayLeave, MoveThread, MoveTold, Over, Progressed, Way
from edgeagent.tui.rows import Timeline
from edgeagent.words import printable

Say = Callable[[str], None]
HELP = """\
Elsewhere:
  :teleport [ID] [NAME]  move it to a backend; while it runs: :teleport [NAME], after the step under way
  :follow [ID]           watch it there; lines are said to it, :approve, :stop, :leave
  :pull [ID]             take it back; :resume goes on"""


class Attended(Protocol):
    """Something that goes on while lines are read."""

    def start(self) -> None: ...

    def hear(self) -> bool:
        """Say what was told since; whether it goes on."""
        ...

    def line(self, line: str) -> None:
        """A line that was typed meanwhile."""
        ...

    def stop(self) -> None:
        """Ctrl+C, or the end of the input."""
        ...


class PlainMove:
    """A move, with the question before anything leaves."""

    def __init__(self, say: Say, directory: Path, name: str, way: Way) -> None:
        self._say, self._directory, self._name = say, directory, name
        self._told: deque[MoveTold] = deque()
        self._asking = False
        self._thread = MoveThread(directory, name, way)
        self._thread.tell = self._told.append

    def start(self) -> None:
        self._thread.start()

    def line(self, line: str) -> None:
        """An answer, where one is waited for."""
        said = line.strip().casefold()
        if not self._asking or said not in ("y", "yes", "n", "no"):
            self._say("y sends it, n does not" if self._asking else "it is under way; Ctrl+C lets go")
            return
        self._asking = False
        self._thread.answer(said in ("y", "yes"))

    def stop(self) -> None:
        self._thread.cancel()

    def hear(self) -> bool:
        while self._told:
            match self._told.popleft():
                case Progressed(progress=progress):
                    self._progress(progress)
                case MayLeave(plan=plan):
                    for line in plan_lines(plan):
                        self._say(line.text)
                    self._asking = True
                    self._say(f"Send this to {self._name}? y or n")
                case Over() as over:
                    self._over(over)
                    return False
        return True

    def _progress(self, progress: Progress) -> None:
        match progress:
            case Entered(stage=stage):
                self._say(f"{STAGES[stage]} {self._name}")
            case Moved(done=done, total=total) if done == total:
                self._say(f"{human_bytes(total)} went over")
            case _:
                pass

    def _over(self, over: Over) -> None:
        now = whereabouts(self._directory)
        if not over.moved and over.problem != "cancelled":
            self._say(printable(f"error: {over.problem}. {over.hint}".rstrip()))
        goes_on = {"there": ":follow watches it, :pull takes it back", "here": ":resume goes on"}
        self._say(f"{whose(now)} {goes_on.get(now.phase, '')}".rstrip())


class PlainFollow:
    """A session that is at a backend, watched; lines are said to it."""

    def __init__(self, say: Say, directory: Path) -> None:
        """Raises `UsageError` for one that is here."""
        now = whereabouts(directory)
        if now.phase not in ("there", "returning"):
            raise UsageError(f"session {directory.name} is at no backend", ":teleport moves it to one")
        self._say, self._remote = say, now.remote
        self._told: deque[FollowTold] = deque()
        self._timeline = Timeline()
        self._waits = False
        self._trouble = ""
        contents = read_log(directory / LOG_NAME)
        for event in contents.events:
            self._timeline.advance(event.data)
        self._thread = FollowThread(directory, now.remote, contents.next_seq)
        self._thread.tell = self._told.append

    def start(self) -> None:
        self._say(f"following it at {self._remote}; :leave ends that, and changes nothing there")
        self._thread.start()

    def line(self, line: str) -> None:
        """Something for the run there."""
        match line.strip():
            case "":
                pass
            case ":leave":
                self.stop()
            case ":approve":
                self._thread.order("approve")
            case ":stop":
                self._thread.order("stop", "stopped from the terminal app")
            case said if said.startswith(":"):
                self._say("while it is followed: :approve, :stop, :leave; any other line is said to it")
            case said:
                self._thread.order("say", said)

    def stop(self) -> None:
        self._thread.stop()

    def hear(self) -> bool:
        while self._told:
            match self._told.popleft():
                case Followed(event=event):
                    self._fact(event.data)
                case Stood(standing=standing):
                    self._stood(standing)
                case NotFollowing(why=why):
                    self._say(printable(f"not followed at the moment: {why}"))
                case Ordered(problem=problem):
                    self._say(printable(problem) or "taken")
                case Left(problem=problem, hint=hint):
                    self._say(printable(f"error: {problem}. {hint}") if problem else "followed no more; :pull takes it back")
                    return False
        return True

    def _fact(self, fact: events.EventData) -> None:
        row = self._timeline.advance(fact)
        if row is not None and not row.pending:
            self._say(row.spoken)

    def _stood(self, standing: Standing) -> None:
        waits = (standing.state, standing.outcome) == ("idle", "needs_user")
        if waits and not self._waits:
            self._say(printable(f"It waits for you: {standing.message}. :approve permits it once; any other line is said to it"))
        elif standing.trouble and standing.trouble != self._trouble:
            self._say(printable(f"it cannot go on there: {standing.trouble}"))
        elif standing.state == "idle" and not waits:
            self._say(printable(f"ended there: {standing.outcome} {standing.message}".rstrip()))
            self.stop()
        self._waits, self._trouble = waits, standing.trouble


def plain_push(say: Say, directory: Path, name: str) -> PlainMove:
    """Raises `TeleportRefused`, and `UsageError` without a backend."""
    require_permitted(directory)
    return PlainMove(say, directory, name_of(name or whereabouts(directory).remote), "push")


def plain_pull(say: Say, directory: Path) -> PlainMove:
    """Raises `UsageError` without a backend."""
    return PlainMove(say, directory, name_of(whereabouts(directory).remote), "pull")


def session_and_name(words: str, latest: str, known: Callable[[str], bool]) -> tuple[str, str]:
    """``[ID] [NAME]``: the session and the backend; the latest session and no name where they are left out."""
    first, _, rest = words.strip().partition(" ")
    return (first, rest.strip()) if first and known(first) else (latest, words.strip())
