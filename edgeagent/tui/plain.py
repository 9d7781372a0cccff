"""The app line by line: what a screen reader can follow, on any terminal. No windows, no colours, nothing is written over.

What is typed before a task runs is a task or a command (``:help``). While it runs, a line is said to the model, or is a command;
Ctrl+C stops at once.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace

from edgeagent.agents.reading import agents_folder, load, own_names
from edgeagent.agents.telling import in_words
from edgeagent.counts import counted
from edgeagent.errors import EdgeAgentError, UsageError
from edgeagent.policy.asking import Answer, Instead, Question, Said
from edgeagent.policy.grants import GRANT_S
from edgeagent.remote_names import is_remote, model_name, remote_name
from edgeagent.runner import Runner, RunResult
from edgeagent.runner.deciding import refuse_unusable
from edgeagent.sessions.leaving import ask_to_leave
from edgeagent.sessions.summary import summarize
from edgeagent.settings import Settings, read
from edgeagent.tui import plain_connect
from edgeagent.tui import plain_teleport as teleport
from edgeagent.tui.choices import model_choice
from edgeagent.tui.editing import as_text, from_text
from edgeagent.tui.plain_teleport import Attended
from edgeagent.tui.request import giving_way, run_request
from edgeagent.tui.rows import Row, Timeline
from edgeagent.tui.wanted import MODE_WORDS, Wanted, gate_mode
from edgeagent.tui.working import Asked, Audited, Broken, Fact, Finished, ModelKept, ModelLoading, Opened, RunThread, Told
from edgeagent.words import printable

_HELP = """\
Type a task and press Enter. Before it, these say on what:
  :app COMMAND    application to start      :page ADDRESS   page to open
  :folder PATH    the sandbox's home        :model FILES    embedded, or a GGUF file and its mmproj
  :policy NAME    profile or file           :mode MODE      plan, ask, bounded or auto
  :agent NAME     what to work as           :agents         your agents
Sessions:
  :sessions       the latest ones           :show ID        its steps
  :resume ID      take it up again          :quit           leave
While a task runs:
  Ctrl+C          stop at once: hands off, keys and buttons released; :resume goes on
  :pause  :go     before the next action    :step           let one action pass
  :mode MODE      from the next action on   :model FILES    from the next step on
  any other line is said to the model"""
_ANSWERS: dict[str, Said] = {"y": "yes", "yes": "yes", "a": "always", "always": "always", "n": "no", "no": "no"}
_LATEST = 10
_SIZE_PX = (1280, 800)


_NO_TASKS = frozenset({"help", "quit", "exit", "q", "?"})
"""What is typed by habit, and would begin a run."""
_FIELDS = {":app": "applications", ":page": "url", ":folder": "home", ":model": "model", ":policy": "policy"}
"""Command -> the field of `Wanted` that it fills."""


@dataclass(slots=True)
class Plain:
    """Reads lines, writes lines."""

    say: Callable[[str], None]
    make_runner: Callable[[], Runner] = Runner
    wanted: Wanted = field(default_factory=Wanted)
    begun: Wanted = field(default_factory=Wanted)
    """What the settings say: gives way to an agent."""
    next: Attended | None = None
    """What is to be attended to as soon as nothing runs."""
    _told: deque[Told] = field(default_factory=deque[Told])
    _timeline: Timeline = field(default_factory=Timeline)
    _question: Question | None = None
    _editing: bool = False
    _session: str = ""

    # -- before and between tasks -----------------------------------------------------------------------------------------

    def line(self, line: str) -> RunThread | None:
        """Take one line; a run that it begins. Raises `EdgeAgentError` for what cannot be done."""
        command, _, rest = line.strip().partition(" ")
        match command:
            case "":
                return None
            case ":help":
                self.say(f"{_HELP}\n{teleport.HELP}\n{plain_connect.HELP}")
            case _ if line.strip().casefold() in _NO_TASKS:
                raise UsageError(f"{line.strip()!r} alone is no task", ":help lists the commands, :quit leaves")
            case ":mode":
                self._want_mode(rest.strip())
            case _ if command in _FIELDS:
                self._want(command, rest.strip())
            case ":agent":
                self._want_agent(rest.strip())
            case ":agents":
                for name in own_names():
                    self.say(name)
                self.say(f"in {agents_folder()}; :agent NAME works as one and says what it means")
            case ":sessions":
                self._list()
            case ":show":
                self._show(rest.strip())
            case ":resume":
                session = self.make_runner().store.find(rest.strip() or self._session).name
                return self._begin(lambda runner: runner.resume(session))
            case ":connect":
                self.next = plain_connect.PlainConnect(self.say, rest.strip())
            case ":teleport" | ":follow" | ":pull":
                self.next = self._elsewhere(command, rest)
            case _ if command.startswith(":"):
                raise UsageError(f"unknown command {command}", ":help lists them")
            case _:
                wanted = giving_way(self.wanted, self.begun, load(self.wanted.agent))
                request = run_request(line.strip(), wanted)
                self._tell_what_leaves(request.model.model)
                return self._begin(lambda runner: runner.start(request))
        return None

    def _want(self, command: str, value: str) -> None:
        self.wanted = replace(self.wanted, **{_FIELDS[command]: value})
        self.say(f"{command[1:]}: {value or 'none'}")

    def _want_agent(self, choice: str) -> None:
        agent = load(choice)
        self.wanted = replace(self.wanted, agent=choice)
        self.say(f"agent: {choice or 'none'}")
        for what, how in in_words(agent) if agent else ():
            self.say(printable(f"  {what}: {how}" if what else f"  {how}"))

    def _want_mode(self, said: str) -> None:
        mode = gate_mode(said)
        if mode is None:
            raise UsageError(f"no mode is called {said!r}", f"choose one of {', '.join(MODE_WORDS)}")
        self.wanted = replace(self.wanted, mode=mode)
        self.say(f"mode: {mode}")

    def _list(self) -> None:
        store = self.make_runner().store
        for known in store.ids()[-_LATEST:]:
            summary = summarize(store.root / known)
            how = f"{summary.where or summary.status}, {counted(summary.steps, 'step')}"
            self.say(f"{summary.id}: {how}: {printable(' '.join(summary.task.split()))}")

    def _elsewhere(self, command: str, words: str) -> Attended:
        store = self.make_runner().store
        known = store.ids()
        session, name = teleport.session_and_name(words, self._session, lambda word: any(one.startswith(word) for one in known))
        directory = store.find(session)
        if command == ":follow":
            return teleport.PlainFollow(self.say, directory)
        push = command == ":teleport"
        return teleport.plain_push(self.say, directory, name) if push else teleport.plain_pull(self.say, directory)

    def _show(self, prefix: str) -> None:
        from edgeagent.recording.reader import SessionReader

        timeline = Timeline()
        with SessionReader.open(self.make_runner().store.find(prefix or self._session)) as reader:
            for event in reader.events():
                self._say_row(timeline.advance(event.data))

    # -- while a task runs ------------------------------------------------------------------------------------------------

    def _begin(self, work: Callable[[Runner], object]) -> RunThread:
        async def run(runner: Runner) -> RunResult:
            return await work(runner)  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]

        self._timeline, self._question = Timeline(), None
        thread = RunThread(run, self.make_runner, live=False)
        thread.tell = self._told.append
        return thread

    def run_line(self, run: RunThread, line: str) -> None:
        """A line that was typed while ``run`` goes on."""
        said = line.strip()
        command, _, rest = said.partition(" ")
        if self._question is not None:
            self._answer(run, self._question, said)
        elif command == ":pause":
            run.hold(True)
            self.say("paused before the next action; :go goes on")
        elif command == ":go":
            run.hold(False)
        elif command == ":step":
            run.one_step()
        elif command == ":mode" and (mode := gate_mode(rest.strip())) is not None:
            run.set_mode(mode)
            self.say(f"from the next action on: {mode}")
        elif command == ":model" and rest.strip():
            self._change_model(run, rest.strip())
        elif command == ":teleport" and self._session:
            self._leave_for(rest.strip())
        elif command.startswith(":"):
            self.say(f"unknown command {command}; :help lists them")
        elif said:
            run.steer(said)
            self.say("it is told before its next decision")

    def _change_model(self, run: RunThread, said: str) -> None:
        choice = model_choice(said)
        refuse_unusable(choice, run.room_mb())
        self._tell_what_leaves(choice.model)
        run.set_model(choice)
        self.say(printable(f"after the step under way: {model_name(choice.model)} decides, in the same sandbox"))

    def _tell_what_leaves(self, model: str) -> None:
        if is_remote(model):
            self.say(f"from here on {remote_name(model).notice()}")

    def _leave_for(self, name: str) -> None:
        directory = self.make_runner().store.root / self._session
        self.next = teleport.plain_push(self.say, directory, name)
        ask_to_leave(directory, "the session moves")
        self.say("the step under way finishes first; then you are asked")

    def _answer(self, run: RunThread, question: Question, said: str) -> None:
        answer: Answer | None = _ANSWERS.get(said.casefold())
        if self._editing and answer != "no":
            try:
                answer = Instead(from_text(said, _SIZE_PX))
            except UsageError as error:
                self.say(f"{error}. Type the whole action on one line, or n")
                return
        elif said.casefold() in ("e", "edit") and question.proposed is not None:
            self._editing = True
            self.say(f"type the action to do instead, on one line; now it is: {' '.join(as_text(question.proposed).split())}")
            return
        if answer is None:
            self.say(f"y yes, n no{_always(question)}, e edit")
            return
        self._question, self._editing = None, False
        run.answer(answer)

    def hear(self) -> bool:
        """Say what the run has told since; whether it goes on."""
        while self._told:
            match self._told.popleft():
                case Opened(session=session):
                    self._session = session
                    self.say(f"session {session}")
                case Fact(data=data):
                    self._say_row(self._timeline.advance(data))
                case Audited(entry=entry):
                    self._say_row(self._timeline.audited(entry))
                case Asked(question=question):
                    self._question = question
                    places = f" in {', '.join(question.places)}" if question.places else ""
                    self.say(
                        printable(
                            f"May this be done? {question.action}{places}. Asked because of {question.rule}. "
                            f"y yes, n no{_always(question)}, e edit?"
                        )
                    )
                case ModelLoading(model=model):
                    self.say(printable(f"loading {model_name(model)}"))
                case ModelKept(model=model, why=why):
                    self._say_row(self._timeline.model_kept(model, why))
                case Finished(result=result):
                    self.say(f"ended: {result.ended.outcome} after {counted(result.steps, 'step')} in {result.wall_s:.1f} s")
                    return False
                case Broken(message=text, hint=hint):
                    self.say(printable(f"error: {text}. {hint}"))
                    return False
                case _:
                    pass
        return True

    def _say_row(self, row: Row | None) -> None:
        if row is not None and not row.pending:
            self.say(row.spoken)


def _always(question: Question) -> str:
    return f", a always for {GRANT_S / 60:.0f} minutes: {question.again}" if question.again else ""


def main(settings: Settings | None = None) -> int:
    """Read lines until the end of the input or ``:quit``; returns the exit code."""
    settings = settings or read()
    plain = Plain(lambda text: print(text, flush=True))
    plain.wanted = plain.begun = Wanted(model=settings.model, policy=settings.policy, mode=gate_mode(settings.mode) or "auto")
    plain.say("edgeagent, plain mode. Type a task, or :help")
    while (line := sys.stdin.readline()) and line.strip() != ":quit":
        try:
            run = plain.line(line)
            if run is not None:
                _attend(_Run(plain, run))
            while (job := plain.next) is not None:
                plain.next = None
                _attend(job)
        except EdgeAgentError as error:
            plain.say(printable(f"error: {error}. {error.hint}".rstrip()))
    return 0


@dataclass(frozen=True, slots=True)
class _Run:
    """A task's run, as something to attend to."""

    plain: Plain
    run: RunThread

    def start(self) -> None:
        self.run.start()

    def hear(self) -> bool:
        return self.plain.hear()

    def line(self, line: str) -> None:
        try:
            self.plain.run_line(self.run, line)
        except EdgeAgentError as error:
            self.plain.say(printable(f"error: {error}. {error.hint}".rstrip()))

    def stop(self) -> None:
        self.run.stop()
        os.write(sys.stdout.fileno(), b"stopped: the hands are off\n")


def _attend(job: Attended) -> None:
    """Until it has ended: lines go to it, Ctrl+C stops it."""
    with _stopping(job):
        job.start()
        reading = True
        while job.hear():
            ready, _, _ = select.select([sys.stdin] if reading else [], [], [], 0.1)
            if ready and job.hear():  # what is typed after its end is not for it
                line = sys.stdin.readline()
                reading = bool(line)
                if reading:
                    job.line(line)
                else:
                    job.stop()


@contextlib.contextmanager
def _stopping(job: Attended) -> Generator[None]:
    before = signal.signal(signal.SIGINT, lambda _number, _frame: job.stop())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
