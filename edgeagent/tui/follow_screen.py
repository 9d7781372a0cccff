"""A session that is at a backend, as it goes on there: its steps and screens as they come, and the user's word to it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.message import Message

from edgeagent import events
from edgeagent.sessions.whereabouts import whereabouts
from edgeagent.teleport.wire import CommandKind, Standing
from edgeagent.tui.dialog import Choice, ChoiceScreen
from edgeagent.tui.following import Followed, FollowThread, FollowTold, Left, NotFollowing, Ordered, Stood
from edgeagent.tui.rows import Row
from edgeagent.tui.watching import WatchScreen
from edgeagent.words import describe, printable

_ENDS_S = 5.0
"""For the connection to be let go of before the session is fetched over another."""
_TAKEN: dict[CommandKind, str] = {
    "say": "It is told before its next decision there.",
    "approve": "Permitted, once: it goes on there.",
    "stop": "It ends there after the step under way; the session stays there.",
}


class FollowSaid(Message):
    """Something that the follower's thread said."""

    def __init__(self, thread: FollowThread, told: FollowTold) -> None:
        super().__init__()
        self.thread = thread
        self.told = told


class FollowScreen(WatchScreen):
    """Watch it there, answer, steer, stop it there, take it back."""

    TITLE = "A session elsewhere"
    HELP = (
        "The session belongs to a backend and goes on there; what it does appears here as it comes, and the copy here is read "
        "only. Esc goes back and changes nothing there. T takes it back, after the step under way there; it can then be resumed "
        "here. What waits for you is asked here, and Y asks again."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f4", "close_up", "Close-up", show=False),
        Binding("f6", "steer", "Say"),
        Binding("y", "permit", "Answer"),
        Binding("s", "stop_there", "Stop there"),
        Binding("t", "take_back", "Take back"),
    ]

    def __init__(self, directory: Path) -> None:
        """Raises `RecordingDamaged`."""
        super().__init__(directory)
        self.remote = whereabouts(directory).remote
        self.standing: Standing | None = None
        self._follower: FollowThread | None = None
        self._trouble = ""
        """Why it is not followed at the moment."""
        self._next_seq = 0
        self._may: events.Verdict | None = None
        """What it waits for the user to permit."""
        self._asked_at = -1
        """How many events there were when the user was asked last."""

    def loaded(self, rows: list[Row], name: str, next_seq: int) -> None:
        """What is here already is shown; from there on it is followed."""
        super().loaded(rows, name, next_seq)
        self._next_seq = next_seq
        if self.is_attached:
            self._start_following()

    def on_unmount(self) -> None:
        super().on_unmount()
        if self._follower is not None:
            self._follower.stop()

    def _start_following(self) -> None:
        assert self.directory is not None
        follower = FollowThread(self.directory, self.remote, self._next_seq)
        follower.tell = lambda told: self._said(follower, told)
        self._follower = follower
        follower.start()

    def _said(self, follower: FollowThread, told: FollowTold) -> None:
        self.post_message(FollowSaid(follower, told))

    # -- what it tells ----------------------------------------------------------------------------------------------------

    @on(FollowSaid)
    def _hear_of_it(self, message: FollowSaid) -> None:
        if message.thread is self._follower:
            self.hear(message.told)

    def hear(self, told: FollowTold) -> None:
        """Show what the follower tells."""
        match told:
            case Followed(event=event):
                self._next_seq = event.seq + 1
                self.take_fact(event.data)
            case Stood(standing=standing):
                self._stood(standing)
            case NotFollowing(why=why):
                self._trouble = f"not followed at the moment: {why}"
            case Ordered(kind=kind, problem=problem):
                self.app.notify(printable(problem or _TAKEN[kind]), severity="error" if problem else "information", markup=False)
            case Left(problem=problem, hint=hint):
                gone = f"It is not at {self.remote} any more. T asks, and fetches what there is."
                self._trouble = f"{problem}. {hint}" if problem else gone
        self.show_status()

    def notice(self, fact: events.EventData) -> None:
        """Keep what it waits for; whatever comes after it makes it no longer so."""
        match fact:
            case events.Verdict():
                self._may = fact if fact.action is not None else None
            case events.Intent() | events.Rewound():
                self._may = None
            case _:
                pass

    @property
    def waits(self) -> bool:
        """Whether the run there has ended for its user's answer."""
        return self.standing is not None and (self.standing.state, self.standing.outcome) == ("idle", "needs_user")

    def _stood(self, standing: Standing) -> None:
        self.standing, self._trouble = standing, ""
        if self.waits and self._asked_at != standing.events and self.app.screen is self:
            self._asked_at = standing.events
            self.action_permit()

    def now_words(self) -> str:
        """Where it is, and how it stands there."""
        if self._trouble:
            return f"at {self.remote}: {printable(self._trouble)}"
        if self.standing is None:
            return f"at {self.remote}: asking how it stands …"
        if self.waits:
            return f"at {self.remote}: WAITS FOR YOU (Y, or F6): {printable(self.standing.message)}"
        if self.standing.state == "idle":
            return f"at {self.remote}: {self.standing.outcome or 'idle'}: {printable(self.standing.message)}".rstrip(": ")
        if self.standing.trouble:
            return f"at {self.remote}: {self.standing.state}, but cannot go on: {printable(self.standing.trouble)}"
        return f"at {self.remote}: {self.standing.state}: {self.timeline.doing}"

    # -- the user's word --------------------------------------------------------------------------------------------------

    @work(group="permit", exclusive=True)
    async def action_permit(self) -> None:
        """What it waits for: permit it once, or say something instead."""
        if not self.waits or self.standing is None:
            self.app.notify("It waits for nothing.")
            return
        said = await self.app.push_screen_wait(question_there(self.remote, self.standing, self._may))
        if said == "approve":
            self._order("approve", "")
        elif said == "say":
            self.action_steer()

    def _order(self, kind: CommandKind, text: str) -> None:
        if self._follower is not None:
            self._follower.order(kind, text)

    def say(self, text: str) -> None:
        self._order("say", text)

    def action_stop_there(self) -> None:
        """End the run there after the step under way."""
        self._order("stop", "stopped from the terminal app")

    @work(group="take back", exclusive=True)
    async def action_take_back(self) -> None:
        """Have the session here again; the step under way there finishes first."""
        from edgeagent.tui.session_screen import SessionScreen
        from edgeagent.tui.teleporting import taken_back

        directory, follower = self.directory, self._follower
        if directory is None or follower is None:
            return
        follower.stop()
        await asyncio.to_thread(follower.join, _ENDS_S)
        if await taken_back(self.app, directory, self.remote):
            self.app.switch_screen(SessionScreen(directory))
            self.app.notify("It is here again. F7 goes on.")
        else:
            self._start_following()


def question_there(remote: str, standing: Standing, may: events.Verdict | None) -> ChoiceScreen:
    """What the run at ``remote`` waits for: ``may``, if it is an action, else an answer. The cursor is on letting it wait."""
    question = f"May this be done? {describe(may.action)}" if may is not None and may.action else standing.message
    permit = (Choice("approve", "yes, this once", may.reason),) if may is not None else ()
    choices = (*permit, Choice("say", "say something" + (" instead" if permit else "")), Choice("wait", "let it wait"))
    return ChoiceScreen(f"{remote} asks: {question}", choices, "wait")
