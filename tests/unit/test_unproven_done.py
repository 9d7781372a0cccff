"""The embedded policy does not say done over an error on the screen, a deed without effect, or a part of the task left out."""

from __future__ import annotations

import pytest

from edgeagent_harness.protocol.effects import EffectStatus
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.embedded.candidates import Choice
from edgeagent_models.embedded.complaints import complaint
from edgeagent_models.embedded.deeds import deed_of
from edgeagent_models.embedded.instruction import parse
from edgeagent_models.embedded.memory import Memory, executed, remember
from edgeagent_models.embedded.noticing import noticed
from edgeagent_models.embedded.parts import parts_of
from edgeagent_models.embedded.switches import switch_first
from edgeagent_models.embedded.unproven import refuse_instead_of_done, with_complaint
from edgeagent_models.protocol import Element, ElementState, PastStep, Role

Screen = tuple[Element, ...]


def element(role: Role, text: str, row: int, label: str = "", state: ElementState = "") -> Element:
    return Element(row, role, Rect(10, 40 * row, 210, 40 * row + 30), text, label, state)


SEND = element("button", "Send", 3)
NAME = element("text_field", "", 1, "Name")
FORM: Screen = (NAME, SEND)


class Played:
    """A task and what was done about it, each deed decided on its screen and followed by its effect."""

    def __init__(self, task: str) -> None:
        self.instruction = parse(task)
        self.memory = Memory()
        self.history: list[PastStep] = []

    def do(self, screen: Screen, choice: Choice, effect: EffectStatus = "confirmed") -> Played:
        self.memory = noticed(self.memory, self.instruction, screen)
        past = executed(self.memory, self.history)
        deed = deed_of(choice, self.instruction, screen, len(self.history), past)
        self.memory = remember(self.memory, deed, screen)
        self.history.append(PastStep("{}", effect))
        return self

    def refusal(self, screen: Screen) -> Choice | None:
        memory = noticed(self.memory, self.instruction, screen)
        return refuse_instead_of_done(self.instruction, screen, memory, executed(memory, self.history))


def sent(task: str = "Name: Jo. Press Send.") -> Played:
    return (
        Played(task)
        .do(FORM, Choice("type", 0, typed=(1, 1)))
        .do((element("text_field", "Jo", 1, "Name"), SEND), Choice("click", 1))
    )


@pytest.mark.parametrize(
    "said",
    ["Error: the server could not be reached.", "Wrong user name or password.", "Please fil out this field.", "Name is required"],
)
def test_what_the_screen_says_against_it_is_handed_to_the_user(said: str) -> None:
    choice = sent().refusal((*FORM, element("text", said, 4)))
    assert choice is not None
    assert (choice.kind, said in choice.why) == ("ask", True)


@pytest.mark.parametrize("said", ["Thank you, Jo", "Finished without errors", "0 errors"])
def test_other_news_is_no_refusal(said: str) -> None:
    assert sent().refusal((*FORM, element("text", said, 4))) is None


def test_words_of_the_task_and_what_stood_there_before_refuse_nothing() -> None:
    assert sent("Name: Jo. Press Send. An error is expected.").refusal((*FORM, element("text", "error 17", 4))) is None
    told = element("text", "All fields are required", 0)
    played = Played("Name: Jo. Press Send.").do((told, *FORM), Choice("click", 2))
    assert complaint(played.instruction.source, (told, *FORM), played.memory) == ""


def test_another_page_that_asks_for_more_is_no_refusal() -> None:
    assert sent().refusal((element("text", "Please enter your address", 0), element("text_field", "", 1, "Street"))) is None


def test_a_refusal_is_remembered_while_it_is_shown() -> None:
    wrong = element("text", "Wrong name", 4)
    played = sent().do((*FORM, wrong), Choice("click", 1), "refused")
    assert played.refusal((*FORM, wrong)) is not None
    assert played.refusal(FORM) is None


def test_who_gives_up_says_what_the_screen_said() -> None:
    played = sent()
    memory = noticed(played.memory, played.instruction, (*FORM, element("text", "Wrong name", 4)))
    assert with_complaint(Choice("ask"), memory).why == "The screen says: Wrong name What should I do?"
    assert with_complaint(Choice("fail"), memory).why == "The screen says: Wrong name"
    for choice in (Choice("fail", why="no such row"), Choice("click", 1)):
        assert with_complaint(choice, memory) == choice
    assert with_complaint(Choice("ask"), Memory()) == Choice("ask")


def test_a_deed_without_effect_leaves_its_part_undone() -> None:
    mode, save = element("text", "Dark mode", 1), element("button", "Save", 2)
    played = Played("Turn on Dark mode and press Save").do((mode, save), Choice("click", 0), "suspected_noop")
    played.do((mode, save), Choice("click", 1))
    choice = played.refusal((element("text", "Saved", 1),))
    assert choice is not None
    assert (choice.kind, "'Dark mode'" in choice.why) == ("fail", True)


def test_a_second_try_with_an_effect_makes_up_for_it() -> None:
    save = element("button", "Save", 2)
    played = Played("Press Save").do((save,), Choice("click", 0), "suspected_noop").do((save,), Choice("click", 0))
    assert played.refusal((element("text", "Saved", 1),)) is None
    heading = element("text", "Save", 1)
    played = (
        Played("Press Save").do((heading, save), Choice("click", 1), "suspected_noop").do((heading, save), Choice("click", 0))
    )
    assert played.refusal((heading, save)) is not None


def test_a_list_that_keeps_its_value_did_not_take_the_choice() -> None:
    room, book = element("select", "Single", 1, "Room"), element("button", "Book", 2)
    task = "Choose Penthouse as Room and press Book"
    played = Played(task).do((room, book), Choice("type", 0, typed=(1, 1))).do((room, book), Choice("click", 1))
    assert played.refusal((room, book)) is not None
    taken = element("select", "Penthouse", 1, "Room")
    played = Played(task).do((room, book), Choice("type", 0, typed=(1, 1))).do((taken, book), Choice("click", 1))
    assert played.refusal((taken, book)) is None


def test_a_part_that_nothing_was_done_about_is_named() -> None:
    save = element("button", "Save", 2)
    played = Played("Tick Daily news, choose Red, then press Save").do((save,), Choice("click", 0))
    choice = played.refusal((element("text", "Saved", 1),))
    assert choice is not None
    assert "'Tick Daily news'" in choice.why


@pytest.mark.parametrize(
    ("task", "believed"), [("Enable Night light and press Save", False), ("Tick the box and press Save", True)]
)
def test_a_box_of_another_name_is_not_the_one_that_the_task_names(task: str, believed: bool) -> None:
    box, save = element("checkbox", "", 1, "Dark mode", "unchecked"), element("button", "Save", 2)
    played = Played(task).do((box, save), Choice("click", 0)).do((box, save), Choice("click", 1))
    assert (played.refusal((element("text", "Saved", 1),)) is None) is believed


def test_a_bubble_over_the_button_refuses_too() -> None:
    roles: tuple[Role, ...] = ("text", "button", "text_field")
    for role in roles:
        assert sent().refusal((element("text_field", "Jo", 1, "Name"), element(role, "Value must be below 6.", 3))) is not None


def test_what_was_typed_refuses_nothing() -> None:
    failed = element("text", "Build failed", 0)
    played = Played("Copy the line into Name").do((failed, NAME), Choice("type", 1, copied=0))
    assert played.refusal((failed, element("text_field", "Build failed today", 1, "Name"))) is None


def test_a_part_that_is_so_already_needs_nothing() -> None:
    box, save = element("checkbox", "", 1, "Daily news", "checked"), element("button", "Save", 2)
    assert Played("Tick Daily news and press Save").do((box, save), Choice("click", 1)).refusal((save,)) is None
    assert Played("Untick Daily news and press Save").do((box, save), Choice("click", 1)).refusal((save,)) is not None


def test_a_file_is_saved_by_keys_or_a_button_and_not_by_its_name_in_the_text() -> None:
    task, page = "Write 'Hi' and save it as a.txt", (element("text", "Hi", 1),)
    typed = Choice("type_focused", typed=(1, 1)), Choice("type_focused", typed=(6, 6))
    played = Played(task).do(page, typed[0]).do(page, typed[1])
    assert played.refusal(page) is not None
    assert played.do(page, Choice("ctrl+s")).refusal(page) is None


@pytest.mark.parametrize(
    ("task", "parts"),
    [
        ("Tick A, turn off B, then save the page", [("tick", True, 0), ("turn", False, 0), ("save", None, 0)]),
        ("Set the size of Box 3 to 40 and press OK", [("set", None, 1)]),
        ("Log in. If it fails, then choose Guest access and enter x", []),
        ("Press 'Tick all and save'", []),
        ("", []),
    ],
)
def test_parts(task: str, parts: list[tuple[str, bool | None, int]]) -> None:
    assert [(part.verb, part.switched, len(part.value)) for part in parts_of(task)] == parts


def test_boxes_come_before_the_button_that_ends_the_page() -> None:
    on, off = element("checkbox", "", 1, "Daily news", "checked"), element("checkbox", "", 2, "Sound", "unchecked")
    screen = (on, off, element("button", "Save", 3))
    instruction = parse("Turn off Daily news, turn on Sound and press Save")
    press = Choice("click", 2)
    assert switch_first(press, instruction, screen, []) == Choice("click", 0)
    done = Played(instruction.source).do(screen, Choice("click", 0))
    later = (element("checkbox", "", 1, "Daily news", "unchecked"), *screen[1:])
    assert switch_first(press, instruction, later, executed(done.memory, done.history)) == Choice("click", 1)
    assert switch_first(press, parse("Turn on Daily news and press Save"), screen, []) == press
    assert switch_first(Choice("wait"), instruction, screen, []) == Choice("wait")


def test_what_is_under_way_is_waited_for_and_not_for_ever() -> None:
    under_way = (*FORM, element("text", "Sending…", 4))
    played = sent()
    for _ in range(10):
        assert played.refusal(under_way) == Choice("wait", doubt=True)
        played.do(under_way, Choice("wait", doubt=True))
    assert played.refusal(under_way) is None


def test_words_typed_beside_a_text_must_be_seen_afterwards() -> None:
    name, save = element("text", "Cart: 0 items", 1), element("button", "Search", 2)
    played = Played("Search for lamp").do((name, save), Choice("type", 0, typed=(2, 2))).do((name, save), Choice("click", 1))
    assert played.refusal((name, save)) is not None
    shown = (element("text_field", "lamp", 1), save)
    played = Played("Search for lamp").do((name, save), Choice("type", 0, typed=(2, 2))).do(shown, Choice("click", 1))
    assert played.refusal(shown) is None
