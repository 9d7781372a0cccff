"""Finds sessions by what was said, typed and seen in them: as far as it was written down in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edgeagent import events
from edgeagent.policy.facts import parts_of
from edgeagent.recording.log import LOG_NAME
from edgeagent.recording.log_reading import read_log
from edgeagent.sessions.store import SessionStore
from edgeagent_harness.protocol import actions as act
from edgeagent_models.protocol import Element

_AROUND_CHARS = 40


@dataclass(frozen=True, slots=True)
class Hit:
    """One place where the text stands."""

    session: str
    step: int
    """0: not in a step."""
    where: str
    """``task``, ``said``, ``typed``, ``seen``, ``thought``, ``read``, ``answer``."""
    text: str
    """With what stands around it."""


def search(store: SessionStore, text: str) -> Iterator[Hit]:
    """Where ``text`` stands, in any case, newest session first. Sessions that cannot be read are passed over."""
    wanted = text.casefold()
    for session in reversed(store.ids()):
        try:
            facts = [event.data for event in read_log(store.root / session / LOG_NAME).events]
        except OSError:
            continue
        step = 0
        for fact in facts:
            step = fact.step if isinstance(fact, events.Intent | events.Acted) else step
            for where, found in _texts(fact):
                if wanted in found.casefold():
                    yield Hit(session, step, where, _around(found, wanted))


def _texts(fact: events.EventData) -> Iterator[tuple[str, str]]:
    match fact:
        case events.SessionCreated(task=task):
            yield "task", task
        case events.UserMessage(text=text):
            yield "said", text
        case events.Intent(action=action, thought=thought, target=target):
            yield "thought", thought
            yield from _seen(target)
            for part in parts_of(action):
                match part:
                    case act.Type(text=text) | act.ClipboardWrite(text=text):
                        yield "typed", text
                    case act.OpenUrl(url=text) | act.OpenApp(name=text):
                        yield "typed", text
                    case _:
                        pass
        case events.Acted(effect=effect):
            yield "read", effect.output
        case events.RunEnded(answer=answer, message=message):
            yield "answer", answer or message
        case _:
            pass


def _seen(target: Element | None) -> Iterator[tuple[str, str]]:
    if target is not None:
        yield "seen", " ".join(filter(None, (target.label, target.text)))


def _around(text: str, wanted: str) -> str:
    at = max(0, text.casefold().find(wanted))  # as good a place as any where folding changes the length
    begin, end = max(0, at - _AROUND_CHARS), at + len(wanted) + _AROUND_CHARS
    return ("…" if begin else "") + text[begin:end] + ("…" if end < len(text) else "")
