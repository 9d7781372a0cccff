"""The tools that Holo is given: H Company's click, write and answer, and what its ports add. Pure."""

from __future__ import annotations

from edgeagent_harness.protocol.actions import (
    Action,
    Answer,
    AskUser,
    Click,
    Drag,
    Finish,
    Key,
    MouseButton,
    Move,
    Scroll,
    Type,
    Wait,
)  # fmt: skip
from edgeagent_models.families.arguments import Arguments
from edgeagent_models.families.verbs import Field, Told, Verb, Vocabulary

MAX_LINES = 30
_ELEMENT = Field("element", "text", "what is there, in words")
_X, _Y = Field("x", "x", "0 to 1000"), Field("y", "y", "0 to 1000")
_CLICKS: dict[str, tuple[MouseButton, int]] = {"click": ("left", 1), "double_click": ("left", 2), "right_click": ("right", 1)}
_WAYS = {"down": (0, 1), "up": (0, -1), "right": (1, 0), "left": (-1, 0)}


def _clicking(name: str) -> Verb:
    button, count = _CLICKS[name]
    says = f"{name.replace('_', ' ')} on an element."
    return Verb(name, says, (_ELEMENT, _X, _Y), lambda arguments: Click(arguments.xy(), button, count))


def _scroll(arguments: Arguments) -> Action:
    way = arguments.choice("direction", {name: name for name in _WAYS}, "down")
    lines = max(1, min(MAX_LINES, arguments.integer("amount", 5)))
    dx, dy = _WAYS[way]
    return Scroll(arguments.xy() if arguments.has("x") else arguments.middle, dx * lines, dy * lines)


def _drag(arguments: Arguments) -> Action:
    return Drag((arguments.xy(), arguments.xy("to_x", "to_y")))


_VERBS = (
    *map(_clicking, _CLICKS),
    Verb("hover", "move the pointer to an element.", (_ELEMENT, _X, _Y), lambda a: Move(a.xy())),
    Verb("write", "type text where the caret is.",
         (Field("content", "text", "the text"), Field("press_enter", "flag", "press Enter afterwards")),
         lambda a: Type(a.text("content"), submit=a.flag("press_enter"))),
    Verb("press_keys", "press keys together.", (Field("keys", "keys", "such as ctrl and a"),), lambda a: Key(a.keys("keys"))),
    Verb("scroll", "turn the mouse wheel at a place.",
         (_X, _Y, Field("direction", "choice", "", tuple(_WAYS)), Field("amount", "integer", "lines, 1 to 30")), _scroll),
    Verb("drag", "press at one place, release at another.",
         (_X, _Y, Field("to_x", "x", "0 to 1000"), Field("to_y", "y", "0 to 1000")), _drag),
    Verb("wait", "wait for the screen to change.", (Field("seconds", "seconds"),), lambda a: Wait(a.duration_ms("seconds", 1))),
    Verb("ask_user", "ask what only the user knows.", (Field("question", "text"),), lambda a: AskUser(a.text("question"))),
    Verb("fail", "give the task up.", (Field("reason", "text"),), lambda a: Finish("failed", a.text("reason", ""))),
    Verb("answer", "end the task: it is done, and this is what to tell the user.", (Field("content", "text"),),
         lambda a: Answer(a.text("content", ""))),
)  # fmt: skip


def _tell(action: Action) -> Told | None:
    match action:
        case Click(point=point, button=button, count=count, modifiers=()):
            verb = next((name for name, clicks in _CLICKS.items() if clicks == (button, count)), "")
            return verb, {"element": "", "xy": point}
        case Move(point=point):
            return "hover", {"element": "", "xy": point}
        case Type(text=text, secret_ref=secret, submit=submit):
            return "write", {"content": f"{{secret:{secret}}}" if secret else text, "press_enter": submit}
        case Key(keys=keys, repeat=1):
            return "press_keys", {"keys": list(keys)}
        case Scroll(point=point, dx=dx, dy=dy, unit="lines", modifiers=()) if (dx == 0) != (dy == 0):
            way = ("down" if dy > 0 else "up") if dy else ("right" if dx > 0 else "left")
            return "scroll", {"xy": point, "direction": way, "amount": abs(dx or dy)}
        case Drag(path=(start, end), button="left", modifiers=()):
            return "drag", {"xy": start, "to_xy": end}
        case Wait(duration_ms=duration_ms):
            return "wait", {"seconds": duration_ms / 1000 if duration_ms % 1000 else duration_ms // 1000}
        case AskUser(question=question):
            return "ask_user", {"question": question}
        case Finish(status="failed", reason=reason):
            return "fail", {"reason": reason}
        case Finish(reason=reason):
            return "answer", {"content": reason}
        case Answer(text=text):
            return "answer", {"content": text}
        case _:
            return None


_SYNONYMS = {
    "type": "write", "press_key": "press_keys", "key": "press_keys", "hotkey": "press_keys", "move": "hover", "finish": "answer",
}  # fmt: skip
TOOLS = Vocabulary(_VERBS, _tell, _SYNONYMS)
