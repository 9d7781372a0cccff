"""Actions, targets and effects in plain words, for live step lines, the report and the video. Pure.

Everything quoted here comes from a screen or a model, so control characters are made visible and long text is cut: a
sentence of this module is always one printable line.
"""

from __future__ import annotations

import re

from edgeagent.counts import counted
from edgeagent_harness.protocol import actions as act
from edgeagent_harness.protocol.actions import Action
from edgeagent_harness.protocol.effects import Effect
from edgeagent_harness.protocol.geometry import Point
from edgeagent_models.protocol import Element

MAX_QUOTE_CHARS = 60
ZERO_WIDTH_JOINER = "\u200d"
"""Holds emoji sequences together; the only invisible character that is passed on."""

_UNDECODED = re.compile("\ufffd{2,}")
_ROLE_WORDS = {"text_field": "field", "select": "list", "text": "text", "menu_item": "menu item"}
_COUNT_WORDS = {1: "click", 2: "double-click", 3: "triple-click"}
_KEY_WORDS = {
    "ctrl": "Ctrl", "control": "Ctrl", "control_l": "Ctrl", "shift": "Shift", "shift_l": "Shift", "alt": "Alt", "alt_l": "Alt",
    "super": "Super", "super_l": "Super", "meta": "Meta", "return": "Enter", "enter": "Enter", "kp_enter": "Enter",
    "escape": "Esc", "esc": "Esc", "tab": "Tab", "space": "Space", "backspace": "Backspace", "delete": "Delete",
    "prior": "Page Up", "page_up": "Page Up", "pageup": "Page Up", "next": "Page Down", "page_down": "Page Down",
    "pagedown": "Page Down", "up": "Up", "down": "Down", "left": "Left", "right": "Right", "home": "Home", "end": "End",
}  # fmt: skip


def describe(action: Action, target: Element | None = None) -> str:
    """``action`` in words, for example ``click button 'Submit'`` or ``type 'Zoë' into field 'Name'``."""
    if isinstance(action, act.Batch):
        return _batch(action, target)
    return _with_pointer(action, target) or _with_keyboard(action, target) or _other(action)


def with_more(words: str, more: str) -> str:
    """``words``, and what else there is to say, if anything."""
    return f"{words}; {printable(more)}" if more else words


def restored_words(how: str, steps: int, why: str, windows: str) -> str:
    """How the screen of a session that moved was restored, and what became of its windows."""
    was = "it is as it was, and nothing was open" if how == "exact" else f"{counted(steps, 'step')} done again"
    return with_more(f"{how}: {printable(why) or was}", windows)


def name_of(target: Element) -> str:
    """``target`` in words: its role and its best name, for example ``checkbox 'I agree'``."""
    role = _ROLE_WORDS.get(target.role, target.role)
    name = target.label or target.text
    return f"{role} {quote(name)}" if name else role


def quote(text: str, max_chars: int = MAX_QUOTE_CHARS) -> str:
    """``text`` in single quotes on one line: control characters shown as escapes, the tail cut with an ellipsis."""
    shown = text if len(text) <= max_chars else text[: max_chars - 1] + "…"
    return "'" + "".join(_visible(char) for char in shown) + "'"


def printable(text: str) -> str:
    """``text`` that may be written to a terminal: line ends and tabs stay, other control characters are shown as escapes, and
    a run of bytes that were no text (U+FFFD) as one of them.
    """
    return "".join(char if char in "\n\t" else _visible(char) for char in _UNDECODED.sub("\ufffd", text))


def one_line(text: str) -> str:
    """`printable`, with line ends and tabs as escapes too: for what could pretend to be the next line."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def chord(keys: tuple[str, ...]) -> str:
    """``("ctrl", "a")`` as ``Ctrl+A``."""
    return "+".join(_key(key) for key in keys)


def effect_words(effect: Effect) -> str:
    """``effect`` as a short badge text: ``confirmed``, ``no visible effect``, ``refused (stale)``."""
    match effect.status:
        case "suspected_noop":
            return "no visible effect"
        case "refused":
            return f"refused ({effect.reason})" if effect.reason else "refused"
        case status:
            return status


def milliseconds(value_ms: float) -> str:
    """A duration for people: ``0.4 ms``, ``38 ms``, ``1.25 s``, ``2 min 5 s``."""
    if value_ms < 0.05:
        return "0 ms"
    if value_ms < 10:
        return f"{value_ms:.1f} ms"
    if value_ms < 999.5:
        return f"{value_ms:.0f} ms"
    if value_ms < 59_995:
        return f"{value_ms / 1000:.2f} s"
    minutes, seconds = divmod(round(value_ms / 1000), 60)
    return f"{minutes} min {seconds} s"


def _with_pointer(action: Action, target: Element | None) -> str:
    match action:
        case act.Move(point=point):
            return f"move to {_aim(point, target)}"
        case act.Click(point=point, count=count):
            side = "" if action.button == "left" else f"{action.button} "
            return f"{_held(action.modifiers)}{side}{_COUNT_WORDS[count]} {_aim(point, target)}"
        case act.LongPress(point=point, duration_ms=duration):
            return f"press {_aim(point, target)} for {milliseconds(duration)}"
        case act.MouseDown(button=button):
            return f"press the {button} button"
        case act.MouseUp(button=button):
            return f"release the {button} button"
        case act.Drag(path=path):
            start = name_of(target) if target else _place(path[0])
            return f"{_held(action.modifiers)}drag {start} to {_place(path[-1])}"
        case act.Scroll():
            return _scroll(action, target)
        case _:
            return ""


def _scroll(action: act.Scroll, target: Element | None) -> str:
    parts: list[str] = []
    if action.dy:
        parts.append(f"{'down' if action.dy > 0 else 'up'} {abs(action.dy)}")
    if action.dx:
        parts.append(f"{'right' if action.dx > 0 else 'left'} {abs(action.dx)}")
    amount = f"{' and '.join(parts)} {action.unit}" if parts else "by nothing"
    return f"{_held(action.modifiers)}scroll {amount} at {_aim(action.point, target)}"


def _with_keyboard(action: Action, target: Element | None) -> str:
    match action:
        case act.Type(text=text, secret_ref=secret, submit=submit):
            what = f"the secret {quote(secret)}" if secret else quote(text)
            where = f" into {name_of(target)}" if target else ""
            return f"type {what}{where}{' and press Enter' if submit else ''}"
        case act.Key(keys=keys, repeat=repeat):
            return f"press {chord(keys)}{f' {repeat} times' if repeat > 1 else ''}"
        case act.KeyDown(key=key):
            return f"hold {_key(key)} down"
        case act.KeyUp(key=key):
            return f"release {_key(key)}"
        case act.HoldKey(keys=keys, duration_ms=duration):
            return f"hold {chord(keys)} for {milliseconds(duration)}"
        case act.ClipboardWrite(text=text):
            return f"copy {quote(text)} to the clipboard"
        case _:
            return ""


def _other(action: Action) -> str:
    match action:
        case act.Screenshot():
            return "look at the screen"
        case act.Zoom(region=region):
            return f"look closely at {region.width}x{region.height} px at ({region.left}, {region.top})"
        case act.Wait(duration_ms=duration):
            return f"wait {milliseconds(duration)}"
        case act.WaitUntil(predicate=predicate, timeout_ms=timeout):
            until = "is still" if predicate == "still" else "changes"
            return f"wait until the screen {until}, at most {milliseconds(timeout)}"
        case act.CursorPosition():
            return "ask where the pointer is"
        case act.ClipboardRead():
            return "read the clipboard"
        case act.OpenApp(name=name):
            return f"open application {quote(name)}"
        case act.OpenUrl(url=url):
            return f"open {quote(url)}"
        case act.Back():
            return "go back"
        case act.Home():
            return "press the home button"
        case _:
            return _last_words(action)


def _last_words(action: Action) -> str:
    match action:
        case act.AskUser(question=question):
            return f"ask the user {quote(question)}"
        case act.Memorize(fact=fact):
            return f"remember {quote(fact)}"
        case act.Answer(text=text):
            return f"answer {quote(text)}"
        case act.Finish(status=status, reason=reason):
            verdict = "finish: done" if status == "done" else "give up"
            return f"{verdict} ({quote(reason)})" if reason else verdict
        case _:
            return act.action_kind(action).replace("_", " ")


def _batch(batch: act.Batch, target: Element | None) -> str:
    """Filling one field, or choosing from one list, reads as one thing; anything else as a list of its parts."""
    typed = [one for one in batch.actions if isinstance(one, act.Type)]
    others = [one for one in batch.actions if not isinstance(one, act.Type)]
    enters = _is_key(batch.actions[-1], "return")
    if target and len(typed) == 1 and all(_serves_typing(one) for one in (others[:-1] if enters else others)):
        if target.role == "select" and enters and not typed[0].secret_ref:
            return f"choose {quote(typed[0].text)} in {name_of(target)}"
        return f"{describe(typed[0], target)}{' and press Enter' if enters else ''}"
    return ", then ".join(describe(one, target if _takes_target(one) else None) for one in batch.actions)


def _serves_typing(action: act.SingleAction) -> bool:
    return isinstance(action, act.Click | act.Wait) or _is_key(action, "ctrl", "a")


def _is_key(action: act.SingleAction, *keys: str) -> bool:
    return isinstance(action, act.Key) and action.repeat == 1 and tuple(key.lower() for key in action.keys) == keys


def _takes_target(action: act.SingleAction) -> bool:
    return isinstance(action, act.Click | act.Type | act.Move | act.Drag | act.Scroll | act.LongPress)


def _aim(point: Point, target: Element | None) -> str:
    return name_of(target) if target else _place(point)


def _place(point: Point) -> str:
    """In whole numbers, as a person points; a recording has what was said. Physical: the pixel that is meant."""
    if point.frame == "physical":
        x, y = point.pixel()
        return f"({x}, {y})"
    return f"({_short(point.x)}, {_short(point.y)}) {point.frame}"


def _short(number: float) -> str:
    """A grid from 0 to 1 needs its decimals, others do not."""
    return f"{number:.3g}" if abs(number) < 1 else f"{number:.0f}"


def _held(modifiers: tuple[str, ...]) -> str:
    return f"{chord(modifiers)}+" if modifiers else ""


def _key(key: str) -> str:
    known = _KEY_WORDS.get(key.lower())
    if known:
        return known
    return "".join(_visible(char) for char in (key.upper() if len(key) == 1 else key))


def _visible(char: str) -> str:
    return char if char.isprintable() or char == ZERO_WIDTH_JOINER else char.encode("unicode_escape").decode("ascii")
