"""What each ``pyautogui`` call means, added to the actions before it. Pure."""

from __future__ import annotations

from collections.abc import Callable

from edgeagent_harness.protocol.actions import (
    Answer,
    Click,
    Drag,
    Finish,
    Key,
    KeyDown,
    KeyUp,
    MouseButton,
    MouseDown,
    MouseUp,
    Move,
    Scroll,
    ScrollUnit,
    SingleAction,
    Type,
    Wait,
)  # fmt: skip
from edgeagent_harness.protocol.geometry import Point
from edgeagent_models.families.arguments import Arguments
from edgeagent_models.families.calls import Call
from edgeagent_models.families.computer_use import MAX_PIXELS, WHEEL_CLICKS

CLICKS: dict[str, tuple[MouseButton, int]] = {
    "click": ("left", 1), "doubleClick": ("left", 2), "tripleClick": ("left", 3), "rightClick": ("right", 1),
    "middleClick": ("middle", 1),
}  # fmt: skip
_BUTTONS: dict[str, MouseButton] = {"left": "left", "middle": "middle", "right": "right"}
_ENTER = ("enter", "return")
_SAME = {"triple_click": "tripleClick", "double_click": "doubleClick", "right_click": "rightClick"}
Done = list[SingleAction]


def plain_name(call: Call) -> str:
    """The call's name without its module."""
    name = call.name.rpartition(".")[2]
    return _SAME.get(name, name)


def actions_of(call: Call, arguments: Arguments, done: Done) -> None:
    """Add what ``call`` means to ``done``; raises `UnreadableReply`."""
    name = plain_name(call)
    if name in CLICKS:
        _click(name, arguments, done)
    else:
        _MEANINGS[name](arguments, done)


def _click(name: str, arguments: Arguments, done: Done) -> None:
    button, count = CLICKS[name]
    if name == "click":
        count = max(1, min(3, arguments.integer("clicks", 1)))
        button = _BUTTONS[arguments.choice("button", {known: known for known in _BUTTONS}, "left")]
    if arguments.has("x"):
        done.append(Click(arguments.xy(), button, count))
    elif done and isinstance(done[-1], Move):
        done[-1] = Click(done[-1].point, button, count)
    else:
        done.extend((MouseDown(button), MouseUp(button)) * count)


def _drag(arguments: Arguments, done: Done) -> None:
    end = arguments.xy()
    if done and isinstance(done[-1], Move):
        done[-1] = Drag((done[-1].point, end))
    else:
        done.extend((MouseDown(), Move(end), MouseUp()))


def _turn(arguments: Arguments, done: Done) -> tuple[Point, int, ScrollUnit]:
    """Where the wheel turns (a move just before says it too), how far, in what."""
    clicks = max(-MAX_PIXELS, min(MAX_PIXELS, arguments.integer("clicks")))
    point = arguments.xy() if arguments.has("x") else arguments.middle
    last = done[-1] if done else None
    if not arguments.has("x") and isinstance(last, Move):
        done.pop()
        point = last.point
    return point, clicks, "lines" if abs(clicks) <= WHEEL_CLICKS else "px"


def _scroll(arguments: Arguments, done: Done) -> None:
    point, clicks, unit = _turn(arguments, done)
    done.append(Scroll(point, 0, -clicks, unit))


def _hscroll(arguments: Arguments, done: Done) -> None:
    point, clicks, unit = _turn(arguments, done)
    done.append(Scroll(point, clicks, 0, unit))


def _press(arguments: Arguments, done: Done) -> None:
    repeat = max(1, min(100, arguments.integer("presses", 1)))
    value = arguments.values.get("keys")
    for key in arguments.keys("keys") if isinstance(value, list) else (arguments.text("keys"),):
        last = done[-1] if done else None
        if key.lower() in _ENTER and repeat == 1 and isinstance(last, Type) and not last.submit:
            done[-1] = Type(last.text, submit=True)
        else:
            done.append(Key((key,), repeat))


def _terminate(arguments: Arguments, done: Done) -> None:
    status = arguments.choice("status", {"success": "done", "failure": "failed", "fail": "failed"}, "success")
    answer = arguments.text("answer", "")
    done.append(Answer(answer) if answer and status == "done" else Finish("done" if status == "done" else "failed"))


_MEANINGS: dict[str, Callable[[Arguments, Done], None]] = {
    "moveTo": lambda a, done: done.append(Move(a.xy())),
    "dragTo": _drag,
    "scroll": _scroll,
    "vscroll": _scroll,
    "hscroll": _hscroll,
    "write": lambda a, done: done.append(Type(a.text("message"))),
    "typewrite": lambda a, done: done.append(Type(a.text("message"))),
    "press": _press,
    "hotkey": lambda a, done: done.append(Key(a.keys("keys"))),
    "keyDown": lambda a, done: done.append(KeyDown(a.text("key"))),
    "keyUp": lambda a, done: done.append(KeyUp(a.text("key"))),
    "mouseDown": lambda _, done: done.append(MouseDown()),
    "mouseUp": lambda _, done: done.append(MouseUp()),
    "wait": lambda a, done: done.append(Wait(a.duration_ms("seconds", 1))),
    "sleep": lambda a, done: done.append(Wait(a.duration_ms("seconds", 1))),
    "terminate": _terminate,
}
_MODULES = {"wait": ("computer",), "sleep": ("time",), "terminate": ("computer",)}
NAMES = tuple(
    f"{module}.{name}"
    for name in (*CLICKS, *_MEANINGS, *_SAME)
    for module in _MODULES.get(name, ("pyautogui", "computer"))
)  # fmt: skip
