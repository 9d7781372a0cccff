"""What happened between steps, as notes for the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from edgeagent import events
from edgeagent.counts import counted, less_told
from edgeagent.recording.export.story import Note
from edgeagent.words import restored_words, with_more

_HOMES: dict[events.HomeState, str] = {
    "restored": "the home is as it was then",
    "partly": "the home is as it was then, but for what could not be kept",
    "as_it_is": "the home was not kept then and is as it was at the end",
    "none": "the home is empty",
}


def notes_of(fact: events.EventData) -> list[Note]:
    """The notes that ``fact`` comes to; most facts are told elsewhere."""
    match fact:
        case events.Malformed(error=error):
            return [Note("warning", "The reply was no action", error)]
        case events.DesktopWasLost(reason=reason, violation=True):
            return [Note("error", "The policy was violated, which ended the desktop", reason)]
        case events.DesktopWasLost(reason=reason):
            return [Note("error", "The desktop was lost", reason)]
        case events.EngineRestarted(reason=reason):
            return [Note("warning", "The engine was started again", reason)]
        case events.UserMessage(text=text):
            return [Note("info", "The user said", text)]
        case events.LimitReached(limit=limit, value=value):
            return [Note("warning", f"Limit reached: {limit.replace('_', ' ')}", f"{value:g}")]
        case events.LogRepaired(bytes_cut=count):
            return [Note("warning", "The log's torn tail was cut", counted(count, "byte"))]
        case events.Memorized(fact=text):
            return [Note("info", "Remembered", text)]
        case _:
            return _notes_of_format_2(fact)


def _notes_of_format_2(fact: events.EventData) -> list[Note]:
    match fact:
        case events.StateChanged(state="paused", why=why):
            return [Note("info", "Held", why)]
        case events.ModelChanged(model=model, before=before):
            return [
                Note("info", "Another model decides from here on", f"{model}, until here {before.model}" if before else model)
            ]
        case events.Compacted(why=why):
            told = less_told(fact)
            return [Note("info", f"{told[0].upper()}{told[1:]}", why)]
        case events.Forked(source=source, at_step=step, home=home):
            return [Note("info", f"Forked from {source} after step {step}", _HOMES[home]), *_stays(fact.not_undoable)]
        case events.Rewound(to_step=step, home=home):
            return [Note("info", f"Rewound to step {step}", _HOMES[home]), *_stays(fact.not_undoable)]
        case events.Masked():
            return [Note("info", "Masked", masked_words(fact))]
        case events.HandedOver(to=to, engine_state=state):
            return [Note("info", "Handed over", with_more(to, state))]
        case events.TakenBack(source=source, engine_state=state):
            return [Note("info", "Taken back", with_more(source, state))]
        case events.Restored(how=how, steps=steps, why=why, windows=windows):
            words = restored_words(how, steps, why, windows).removeprefix(f"{how}: ")
            return [Note("info", f"The screen was restored: {how}", words)]
        case _:
            return []


def masked_words(fact: events.Masked) -> str:
    """``2 areas (region clock), 1 text (pattern card)``."""
    areas = Counter(area.why for area in fact.areas)
    parts = [f"{counted(count, 'area')} of the screen ({why})" for why, count in areas.items()]
    parts += [f"{counted(count, 'piece')} of text ({why})" for why, count in fact.texts.items()]
    return ", ".join(parts)


def masked_in_words(facts: Iterable[events.EventData]) -> str:
    """All that was masked in a session: ``region clock (on 4 screens), pattern card (in 2 texts)``; empty: nothing."""
    screens, texts = Counter[str](), Counter[str]()
    for fact in facts:
        if isinstance(fact, events.Masked):
            screens.update({area.why for area in fact.areas})
            texts.update(fact.texts)
    told = [f"{why} (on the screen, {counted(count, 'time')} anew)" for why, count in screens.items()]
    told += [f"pattern {why} (in {counted(count, 'piece')} of text)" for why, count in texts.items()]
    return ", ".join(told)


def _stays(effects: tuple[str, ...]) -> list[Note]:
    return [Note("warning", "Cannot be undone", "; ".join(effects))] if effects else []
