"""The verbs of Qwen's ``computer_use`` function and of the families that were trained on it. Pure.

Scrolling is told in ``pixels``, where more is up. Models that learned on OSWorld mean wheel clicks by small numbers, so up to
`WHEEL_CLICKS` they are lines; beyond, pixels.
"""

from __future__ import annotations

from urllib.parse import quote_plus

from edgeagent_harness.protocol.actions import (
    Action,
    Answer,
    AskUser,
    Back,
    Batch,
    Click,
    Drag,
    Finish,
    Key,
    KeyDown,
    KeyUp,
    Memorize,
    MouseButton,
    MouseDown,
    MouseUp,
    Move,
    OpenUrl,
    Screenshot,
    Scroll,
    ScrollUnit,
    Type,
    Wait,
)  # fmt: skip
from edgeagent_models.families.arguments import Arguments
from edgeagent_models.families.family import UnreadableReply
from edgeagent_models.families.verbs import Field, Told, Verb, Vocabulary

WHEEL_CLICKS = 30
MAX_PIXELS = 10_000
SEARCH_URL = "https://www.bing.com/search?q="
_POINT = Field("coordinate", "point", "x from the left edge, y from the top edge")
_TEXT = Field("text", "text", "the text")
_MODIFIERS = Field("text", "choice", "modifier keys to hold", ("ctrl", "shift", "alt", "ctrl+shift", "ctrl+alt"), optional=True)
_CLICKS: dict[str, tuple[MouseButton, int]] = {
    "left_click": ("left", 1), "right_click": ("right", 1), "middle_click": ("middle", 1), "double_click": ("left", 2),
    "triple_click": ("left", 3),
}  # fmt: skip
_STATUS = {"success": "done", "failure": "failed", "done": "done", "failed": "failed", "fail": "failed"}


def _clicking(verb: str) -> Verb:
    button, count = _CLICKS[verb]

    def read(arguments: Arguments) -> Action:
        held = arguments.keys("text") if arguments.values.get("text") else ()
        return Click(arguments.point("coordinate"), button, count, held)

    return Verb(verb, f"{verb.replace('_', ' ')} with the mouse at coordinate.", (_POINT, _MODIFIERS), read)


def _type(arguments: Arguments) -> Action:
    typed = Type(arguments.text("text"), submit=arguments.flag("press_enter"))
    clears = arguments.flag("delete_existing_text")
    first = (Click(arguments.point("coordinate")),) if arguments.has("coordinate") else ()
    clear = (Key(("ctrl", "a")), Key(("BackSpace",))) if clears else ()
    return Batch((*first, *clear, typed)) if first or clear else typed


def _drag(arguments: Arguments) -> Action:
    end = arguments.point("coordinate")
    if arguments.has("start_coordinate"):
        return Drag((arguments.point("start_coordinate"), end))
    # From where the pointer is, which only the desktop knows.
    return Batch((MouseDown(), Move(end), MouseUp()))


def _wheel(arguments: Arguments) -> tuple[int, ScrollUnit]:
    pixels = max(-MAX_PIXELS, min(MAX_PIXELS, arguments.integer("pixels")))
    return pixels, "lines" if abs(pixels) <= WHEEL_CLICKS else "px"


def _scroll(arguments: Arguments) -> Action:
    pixels, unit = _wheel(arguments)
    return Scroll(arguments.point_or_middle("coordinate"), 0, -pixels, unit)


def _hscroll(arguments: Arguments) -> Action:
    pixels, unit = _wheel(arguments)
    return Scroll(arguments.point_or_middle("coordinate"), pixels, 0, unit)


def _terminate(arguments: Arguments) -> Action:
    return Finish("done" if arguments.choice("status", _STATUS, "success") == "done" else "failed")


def _unavailable(arguments: Arguments) -> Action:
    raise UnreadableReply(f"{arguments.verb} is not available here: scroll and read the screen")


_VERBS = (
    Verb("key", "press the keys together.", (Field("keys", "keys", "the keys to press"),), lambda a: Key(a.keys("keys"))),
    Verb("type", "type the text on the keyboard.", (_TEXT,), _type),
    Verb("mouse_move", "move the pointer to coordinate.", (_POINT,), lambda a: Move(a.point("coordinate"))),
    *map(_clicking, _CLICKS),
    Verb("left_click_drag", "press at start_coordinate (or where the pointer is), release at coordinate.",
         (Field("start_coordinate", "point", "where to press", optional=True), _POINT), _drag),
    Verb("scroll", "turn the mouse wheel; more is up.",
         (Field("pixels", "integer", "how far"), Field("coordinate", "point", optional=True)), _scroll),
    Verb("hscroll", "turn the mouse wheel sideways; more is right.",
         (Field("pixels", "integer", "how far"), Field("coordinate", "point", optional=True)), _hscroll),
    Verb("key_down", "press the key and keep it pressed.", (_TEXT,), lambda a: KeyDown(a.text("text"))),
    Verb("key_up", "release the key.", (_TEXT,), lambda a: KeyUp(a.text("text"))),
    Verb("wait", "wait for the screen to change.", (Field("time", "seconds", "seconds"),),
         lambda a: Wait(a.duration_ms("time", 1))),
    Verb("screenshot", "look again.", (), lambda _: Screenshot()),
    Verb("visit_url", "open the address in the browser.", (Field("url", "text", "the address"),),
         lambda a: OpenUrl(a.text("url"))),
    Verb("web_search", "search the web.", (Field("query", "text", "what for"),),
         lambda a: OpenUrl(SEARCH_URL + quote_plus(a.text("query")))),
    Verb("history_back", "go back to the previous page.", (), lambda _: Back()),
    Verb("refresh", "load the page again.", (), lambda _: Key(("F5",))),
    Verb("pause_and_memorize_fact", "keep a fact for later.", (Field("fact", "text", "the fact"),),
         lambda a: Memorize(a.text("fact"))),
    Verb("ask_user_question", "ask the user.", (Field("question", "text", "the question"),),
         lambda a: AskUser(a.text("question"))),
    Verb("read_page_answer_question", "", (), _unavailable),
    Verb("interact", "ask the user.", (Field("text", "text", "the question"),),
         lambda a: AskUser(a.text("text", "the model asks for your help"))),
    Verb("answer", "give the answer that the task asks for.", (Field("text", "text", "the answer"),),
         lambda a: Answer(a.text("text"))),
    Verb("terminate", "end the task.", (Field("status", "choice", "how it ended", ("success", "failure")),), _terminate),
)  # fmt: skip


def _tell(action: Action) -> Told | None:
    match action:
        case Click(point=point, button=button, count=count, modifiers=held):
            verb = next((name for name, clicks in _CLICKS.items() if clicks == (button, count)), "")
            return verb, {"coordinate": point, **({"text": "+".join(held)} if held else {})}
        case Move(point=point):
            return "mouse_move", {"coordinate": point}
        case Drag(path=(start, end), button="left", modifiers=()):
            return "left_click_drag", {"start_coordinate": start, "coordinate": end}
        case Scroll(point=point, dx=0, dy=dy, modifiers=()):
            return "scroll", {"pixels": -dy, "coordinate": point}
        case Scroll(point=point, dx=dx, dy=0, modifiers=()):
            return "hscroll", {"pixels": dx, "coordinate": point}
        case Wait(duration_ms=duration_ms):
            return "wait", {"time": duration_ms / 1000 if duration_ms % 1000 else duration_ms // 1000}
        case Finish(status=status):
            return "terminate", {"status": "success" if status == "done" else "failure"}
        case _:
            return _tell_keyboard(action) or _tell_words(action)


def _tell_keyboard(action: Action) -> Told | None:
    match action:
        case Key(keys=("F5",), repeat=1):
            return "refresh", {}
        case Key(keys=keys, repeat=1):
            return "key", {"keys": list(keys)}
        case KeyDown(key=key):
            return "key_down", {"text": key}
        case KeyUp(key=key):
            return "key_up", {"text": key}
        case Type(text=text, secret_ref=secret, submit=submit):
            said = f"{{secret:{secret}}}" if secret else text
            return "type", {"text": said, **({"press_enter": True} if submit else {})}
        case Batch(actions=(MouseDown(), Move(point=point), MouseUp())):
            return "left_click_drag", {"coordinate": point}
        case Batch(actions=(Click(point=point, button="left", count=1, modifiers=()), *clear, Type() as typed)):
            told = _tell_keyboard(typed)
            clears = {"delete_existing_text": True} if clear else {}
            return ("type", {"coordinate": point} | told[1] | clears) if told else None
        case _:
            return None


def _tell_words(action: Action) -> Told | None:
    match action:
        case Screenshot():
            return "screenshot", {}
        case OpenUrl(url=url):
            return "visit_url", {"url": url}
        case Back():
            return "history_back", {}
        case Memorize(fact=fact):
            return "pause_and_memorize_fact", {"fact": fact}
        case Answer(text=text):
            return "answer", {"text": text}
        case _:
            return None


def tell(action: Action, ask: str) -> Told | None:
    """``action`` in these verbs; ``ask`` is the family's name for asking the user."""
    if isinstance(action, AskUser):
        return ask, {"text" if ask == "interact" else "question": action.question}
    return _tell(action)


_SYNONYMS = {
    "click": "left_click", "right click": "right_click", "computer_double_click": "double_click", "move": "mouse_move",
    "drag": "left_click_drag", "hotkey": "key", "stop": "terminate", "done": "terminate", "ask_user": "ask_user_question",
    "call_user": "interact",
}  # fmt: skip
WEB = ("visit_url", "web_search", "history_back", "refresh", "pause_and_memorize_fact")


def vocabulary(*without: str, ask: str = "") -> Vocabulary:
    """All verbs but those named; ``ask`` names the one for asking the user, if there is one."""
    words = Vocabulary(_VERBS, lambda action: tell(action, ask), _SYNONYMS)
    asking = {"interact", "ask_user_question"} - {ask}
    return words.only(*(verb.name for verb in _VERBS if verb.name not in {*without, *asking}))
