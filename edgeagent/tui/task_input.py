"""Where the task is written: several lines, earlier tasks, and files by ``@``."""

from __future__ import annotations

import os
import re
from pathlib import Path

from textual import events as ui
from textual.message import Message
from textual.widgets import TextArea

from edgeagent.errors import UsageError

_FILE = re.compile(r"(?<!\S)@(\S+)")
_MOST_FILE_CHARS = 20_000


class TaskInput(TextArea):
    """Enter starts, Ctrl+J or Shift+Enter breaks the line, Up in an empty field brings back earlier tasks, Tab completes a path
    after ``@``."""

    class Submitted(Message):
        """Enter was pressed."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id, soft_wrap=True, show_line_numbers=False)
        self.earlier: list[str] = []
        self._back = 0

    async def _on_key(self, event: ui.Key) -> None:
        if event.key == "enter":
            event.prevent_default().stop()
            self.post_message(self.Submitted())
        elif event.key in {"ctrl+j", "shift+enter"}:
            event.prevent_default().stop()
            self.insert("\n")
        elif event.key == "tab" and (more := completion(self._word_before())):
            event.prevent_default().stop()
            self.insert(more)
        elif event.key in {"up", "down"} and self._browses():
            event.prevent_default().stop()
            self._show_earlier(1 if event.key == "up" else -1)
        else:
            await super()._on_key(event)

    def _word_before(self) -> str:
        row, column = self.cursor_location
        before = self.document.get_line(row)[:column]
        return before.rsplit(maxsplit=1)[-1] if before and not before[-1].isspace() else ""

    def _browses(self) -> bool:
        return bool(self.earlier) and (not self.text or self.text in self.earlier)

    def _show_earlier(self, step: int) -> None:
        self._back = min(max(self._back + step, 0), len(self.earlier))
        self.text = self.earlier[-self._back] if self._back else ""
        self.move_cursor(self.document.end)


def completion(word: str) -> str:
    """What goes on after ``@path`` as far as it is clear; empty for other words, and where nothing is."""
    if not word.startswith("@"):
        return ""
    path = os.path.expanduser(word[1:])
    folder, begun = os.path.split(path)
    try:
        with os.scandir(folder or ".") as entries:
            names = [entry.name + ("/" if entry.is_dir() else "") for entry in entries if entry.name.startswith(begun)]
    except OSError:
        return ""
    if not names:
        return ""
    first, last = min(names), max(names)  # whatever these two share, all share
    shared = next((place for place, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    return first[len(begun) : shared]


def with_files(task: str) -> str:
    """``task`` with the text of every file that it names as ``@path`` put behind it. Raises `UsageError`."""
    parts = [_FILE.sub(lambda found: Path(found[1]).name, task)]
    for name in dict.fromkeys(_FILE.findall(task)):
        path = Path(name).expanduser()
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise UsageError(f"@{name}: no text; only text can be told to the model", "put the file into the folder") from error
        except OSError as error:
            raise UsageError(f"@{name}: {error.strerror}", "Tab completes a file's name") from error
        if len(text) > _MOST_FILE_CHARS:
            raise UsageError(f"@{name} has {len(text):,} characters; {_MOST_FILE_CHARS:,} can be told", "name a shorter one")
        parts.append(f"The file {path.name} says:\n{text.strip()}")
    return "\n\n".join(parts)
