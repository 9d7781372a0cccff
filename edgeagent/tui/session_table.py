"""The sessions: found by words and filters, with a picture of the last screen; opened, compared, deleted from here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import DataTable, Input, Static

from edgeagent.errors import EdgeAgentError
from edgeagent.tui.frame_view import FrameView, Shown
from edgeagent.tui.wanted import SessionsRead, SessionWanted

if TYPE_CHECKING:  # what reads sessions is imported when they are read: the first paint is soon
    from edgeagent.sessions.searching import Hit
    from edgeagent.sessions.store import SessionStore
    from edgeagent.sessions.summary import SessionSummary

_SHOWN_SESSIONS = 500
_LEAST_SEARCHED = 3
"""So many characters are looked for inside of the recordings, too."""
_FILTERS = ("state", "model")


class SessionTable(Vertical, can_focus=False):
    """A line to find by, the table, and what the selected session looked like."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "compare", "Compare"),
        Binding("delete,d", "remove", "Delete"),
        Binding("k", "keep", "Keep whatever the rules say", show=False),
        Binding("x", "prune", "Delete by a rule", show=False),
    ]

    def __init__(self, store: Callable[[], SessionStore], id: str) -> None:
        super().__init__(id=id)
        self._store = store
        self._summaries: list[SessionSummary] = []
        self._hits: dict[str, Hit] = {}
        self._kept: frozenset[str] = frozenset()
        self._marked = ""
        """The session that the next one is compared with."""

    def compose(self) -> ComposeResult:
        yield Input(placeholder="find: words of tasks, typed and seen text; state:done  model:embedded", id="find")
        with Horizontal(id="browse"):
            yield DataTable(id="sessions", cursor_type="row")
            with Vertical(id="preview"):
                yield FrameView(id="thumbnail")
                yield Static(id="about", markup=False)

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        table.border_title = "Sessions"
        table.add_columns("when", "outcome", "steps", "task")
        self.query_one("#preview").border_title = "Last screen"

    @property
    def earlier_tasks(self) -> list[str]:
        """Oldest first, each once."""
        return list(dict.fromkeys(summary.task for summary in reversed(self._summaries) if summary.task))

    @work(thread=True, exclusive=True, group="sessions")
    def read(self) -> None:
        """Read the sessions anew."""
        from edgeagent.sessions.retention import kept_by_user
        from edgeagent.sessions.summary import summarize

        store = self._store()
        summaries = [summarize(store.root / known) for known in store.ids()[-_SHOWN_SESSIONS:]]
        self.app.call_from_thread(self._show, summaries, kept_by_user(store))

    def _show(self, summaries: list[SessionSummary], kept: frozenset[str]) -> None:
        self._summaries, self._kept = summaries[::-1], kept
        self.display = bool(summaries)
        self._fill()
        self.post_message(SessionsRead(self.earlier_tasks))

    @property
    def _selected(self) -> SessionSummary | None:
        table = self.query_one(DataTable)
        if not table.row_count:
            return None
        key = table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value
        return next((summary for summary in self._summaries if summary.id == key), None)

    def _fill(self) -> None:
        from edgeagent.words import printable

        table = self.query_one(DataTable)
        table.clear()
        for summary in matching(self._summaries, self.query_one("#find", Input).value, self._hits):
            when = datetime.fromtimestamp(summary.created_s).strftime("%d %b %H:%M") if summary.created_s else "?"
            mark = ("≏ " if summary.id == self._marked else "") + ("♥ " if summary.id in self._kept else "")
            task = mark + " ".join(printable(summary.task).split())
            table.add_row(when, summary.where or summary.status, str(summary.steps), task, key=summary.id)
        table.border_subtitle = f"{table.row_count} of {len(self._summaries)}"

    # -- finding ----------------------------------------------------------------------------------------------------------

    @on(Input.Changed, "#find")
    def _find(self, event: Input.Changed) -> None:
        self._hits = {}
        self._fill()
        words = " ".join(word for word in event.value.split() if ":" not in word)
        if len(words) >= _LEAST_SEARCHED:
            self._search(words)

    @work(thread=True, exclusive=True, group="search")
    def _search(self, words: str) -> None:
        from edgeagent.sessions.searching import search

        hits: dict[str, Hit] = {}
        for hit in search(self._store(), words):
            hits.setdefault(hit.session, hit)
        self.app.call_from_thread(self._found, words, hits)

    def _found(self, words: str, hits: dict[str, Hit]) -> None:
        if words in " ".join(self.query_one("#find", Input).value.split()):
            self._hits = hits
            self._fill()

    # -- the selected one -------------------------------------------------------------------------------------------------

    @on(DataTable.RowHighlighted, "#sessions")
    def _look(self) -> None:
        summary = self._selected
        if summary is not None and self.query_one("#preview").display:
            self._read_last(summary)

    @work(thread=True, exclusive=True, group="thumbnail")
    def _read_last(self, summary: SessionSummary) -> None:
        from edgeagent.recording.reader import SHOWN, SessionReader

        shown: Shown | None = None
        try:
            with SessionReader.open(summary.directory) as reader:
                named = [event.data.frame for event in reader.events() if isinstance(event.data, SHOWN) and event.data.frame]
                if named:
                    frame = reader.frame(named[-1])
                    shown = Shown(frame.pixels, frame.width, frame.height)
        except EdgeAgentError:
            shown = None
        self.app.call_from_thread(self._preview, summary, shown)

    def _preview(self, summary: SessionSummary, shown: Shown | None) -> None:
        from edgeagent.sessions.summary import human_bytes
        from edgeagent.words import printable

        self.query_one("#thumbnail", FrameView).show(shown)
        hit = self._hits.get(summary.id)
        found = f"found in {hit.where}, step {hit.step}: {hit.text}" if hit else ""
        lines = (
            f"{summary.id}   {human_bytes(summary.size_bytes)}   {summary.model.rsplit('/', 1)[-1]}",
            f"{summary.where}; the copy here is read only" if summary.where else "",
            summary.answer or summary.message,
            found,
        )
        self.query_one("#about", Static).update(printable("\n".join(filter(None, lines))))

    @on(DataTable.RowSelected, "#sessions")
    def _open(self, event: DataTable.RowSelected) -> None:
        if event.row_key.value:
            self.post_message(SessionWanted(event.row_key.value))

    def action_compare(self) -> None:
        """Mark this session; with another one marked, show both side by side."""
        summary = self._selected
        if summary is None:
            return
        if not self._marked or self._marked == summary.id:
            self._marked = "" if self._marked == summary.id else summary.id
            self._refill()
            self.app.notify("Marked; C on another one shows both side by side." if self._marked else "No longer marked.")
        else:
            from edgeagent.tui.compare_screen import CompareScreen

            self.app.push_screen(CompareScreen(self._store().root / self._marked, summary.directory))

    @work(group="remove")
    async def action_remove(self) -> None:
        """Delete the session for good, after a question."""
        from edgeagent.sessions.summary import human_bytes
        from edgeagent.tui.dialog import Choice, ChoiceScreen

        summary = self._selected
        if summary is None:
            return
        size = human_bytes(summary.size_bytes)
        note = f"Its recording and the sandbox's home, {size}, are gone then."
        if summary.where:
            note = f"The copy here, {size}, is gone then; the session stays where it is ({summary.where})."
        choices = (Choice("", "keep it"), Choice("delete", "delete it for good", note))
        if await self.app.push_screen_wait(ChoiceScreen(f"Delete {summary.id}: {summary.task}?", choices)) == "delete":
            try:
                self._store().remove(summary.id)
            except EdgeAgentError as error:
                self._tell(error)
            self.read()

    def action_keep(self) -> None:
        """Keep the session whatever the rules say, or no longer."""
        from edgeagent.sessions.retention import keep

        summary = self._selected
        if summary is None:
            return
        kept = summary.id not in self._kept
        try:
            keep(self._store(), summary.id, kept)
        except EdgeAgentError as error:
            self._tell(error)
            return
        self._kept = self._kept ^ {summary.id}
        self._refill()
        self.app.notify("Kept whatever the rules say." if kept else "No longer kept: a rule may take it.")

    @work(group="remove")
    async def action_prune(self) -> None:
        """Delete sessions by a rule, after a question that lists them."""
        from edgeagent.tui.pruning import pruned

        try:
            count = await pruned(self.app, self._store())
        except EdgeAgentError as error:
            self._tell(error)
            return
        if count is not None:
            self.app.notify(f"{count} deleted." if count else "No session goes by this rule.")
            self.read()

    def _tell(self, error: EdgeAgentError) -> None:
        from edgeagent.words import printable

        self.app.notify(printable(f"{error}. {error.hint}"), severity="error", timeout=10, markup=False)

    def _refill(self) -> None:
        """Fill the table anew, with the cursor where it was."""
        row = self.query_one(DataTable).cursor_row
        self._fill()
        self.query_one(DataTable).move_cursor(row=row)


def matching(summaries: Iterable[SessionSummary], wanted: str, hits: dict[str, Hit]) -> list[SessionSummary]:
    """Those that fit every filter (``state:done``), and every word in what is known of them, or the words inside of them."""
    said = wanted.casefold().split()
    filters = [tuple(word.split(":", 1)) for word in said if word.partition(":")[0] in _FILTERS]
    words = [word for word in said if word.partition(":")[0] not in _FILTERS]
    return [
        summary
        for summary in summaries
        if all(_fits(summary, name, value) for name, value in filters)
        and (all(word in _searched(summary) for word in words) or summary.id in hits)
    ]


def _fits(summary: SessionSummary, name: str, value: str) -> bool:
    known = {"state": (summary.status, summary.state), "model": (summary.model,)}[name]
    return any(value in text.casefold() for text in known)


def _searched(summary: SessionSummary) -> str:
    return f"{summary.id} {summary.task} {summary.status} {summary.message} {summary.answer}".casefold()
