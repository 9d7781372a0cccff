"""Before the embedded policy says done: an unanswered button is pressed again, and a question answered or handed on."""

from __future__ import annotations

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.embedded.candidates import Choice
from edgeagent_models.embedded.deeds import deed_of
from edgeagent_models.embedded.instruction import parse
from edgeagent_models.embedded.memory import Done, Memory, executed, remember
from edgeagent_models.embedded.questions import answer_instead_of_done, typed_before
from edgeagent_models.embedded.unanswered import instead_of_done
from edgeagent_models.protocol import Element, PastStep, Role

TASK = "Write Hello and save it as a.txt"


def element(role: Role, text: str, row: int) -> Element:
    return Element(0, role, Rect(10, 40 * row, 110, 40 * row + 30), text)


FIELD, SAVE, CANCEL = element("text_field", "a.txt", 0), element("button", "Save", 1), element("button", "Cancel", 2)
DIALOG = (FIELD, SAVE, CANCEL)
TYPE, PRESS, WAIT = Choice("type", 0, typed=(6, 6)), Choice("click", 1), Choice("wait", doubt=True)


def after(*deeds: Choice, screens: tuple[tuple[Element, ...], ...] = ()) -> tuple[Memory, list[Done]]:
    """The memory and the executed deeds after ``deeds``, each decided on its screen (default: the dialog)."""
    memory, history = Memory(), list[PastStep]()
    for step, choice in enumerate(deeds):
        seen = screens[step] if step < len(screens) else DIALOG
        memory = remember(memory, deed_of(choice, parse(TASK), seen, step, executed(memory, history)), seen)
        history.append(PastStep("{}", "confirmed"))
    return memory, executed(memory, history)


def test_a_press_that_nothing_answered_is_waited_for_then_made_again() -> None:
    assert instead_of_done(DIALOG, *after(TYPE, PRESS)) == WAIT
    assert instead_of_done(DIALOG, *after(TYPE, PRESS, WAIT)) == PRESS
    assert instead_of_done(DIALOG, *after(TYPE, PRESS, WAIT, PRESS)) == WAIT


def test_it_gives_up_after_three_presses() -> None:
    choice = instead_of_done(DIALOG, *after(TYPE, PRESS, WAIT, PRESS, WAIT, PRESS, WAIT))
    assert choice is not None
    assert (choice.kind, "'Save' 3 times" in choice.why) == ("fail", True)


def test_a_press_is_answered_by_a_closed_dialog_or_by_new_words() -> None:
    assert instead_of_done((element("text", "a.txt", 0),), *after(TYPE, PRESS)) is None
    saved = (*DIALOG, element("text", "Saved", 3))
    assert instead_of_done(saved, *after(TYPE, PRESS)) is None
    assert instead_of_done(saved, *after(TYPE, PRESS, WAIT, screens=(DIALOG, DIALOG, saved))) is None


def test_a_press_before_anything_was_typed_needs_no_answer() -> None:
    assert instead_of_done(DIALOG, *after(PRESS)) is None
    assert instead_of_done(DIALOG, *after(PRESS, TYPE)) is None


def test_what_was_done_after_an_unanswered_press_does_not_answer_it() -> None:
    assert instead_of_done(DIALOG, *after(TYPE, PRESS, Choice("click", 0))) == PRESS


REPLACE = element("text", "Replace", 5)
QUESTION = (*DIALOG, element("text", "“a.txt” exists. Do you want to replace it?", 3), element("button", "Cancel", 4), REPLACE)


def test_a_question_is_handed_to_the_user_with_its_words() -> None:
    memory, _ = after(TYPE, PRESS)
    choice = answer_instead_of_done(TASK, QUESTION, memory, [])
    assert choice is not None
    assert choice.kind == "ask"
    assert "Do you want to replace it?" in choice.why


def test_a_question_is_answered_where_the_task_or_the_sessions_own_work_says_how() -> None:
    memory, _ = after(TYPE, PRESS)
    replace = Choice("click", QUESTION.index(REPLACE))
    assert answer_instead_of_done(f"{TASK}, replace the old one", QUESTION, memory, []) == replace
    assert answer_instead_of_done(TASK, QUESTION, memory, ["Hello", "a.txt"]) == replace
    assert answer_instead_of_done(TASK, QUESTION, memory, ["Hello", "b.txt"]) != replace


def test_a_question_that_stood_there_before_is_none() -> None:
    memory, _ = after(TYPE, PRESS, screens=(QUESTION, QUESTION))
    assert answer_instead_of_done(TASK, QUESTION, memory, []) is None
    assert answer_instead_of_done(TASK, DIALOG, memory, []) is None


def test_what_the_session_typed_itself_is_what_the_steps_before_its_memory_typed() -> None:
    typed = '{"kind":"batch","actions":[{"kind":"click","point":{"x":1,"y":1}},{"kind":"type","text":"a.txt"}]}'
    history = [PastStep(typed, "confirmed"), PastStep(typed.replace("a.txt", "b.txt"), "refused"), PastStep(typed, "confirmed")]
    assert typed_before(Memory(), history) == ["a.txt", "a.txt"]
    known = remember(Memory(), deed_of(TYPE, parse(TASK), DIALOG, 2, []), DIALOG)
    assert typed_before(known, history) == ["a.txt"]


def test_yes_is_said_to_what_the_task_says_and_to_nothing_else() -> None:
    asked = (*DIALOG, element("text", "Delete a.txt?", 3), element("button", "Yes", 4), element("button", "No", 5))
    memory, _ = after(TYPE, PRESS)
    assert answer_instead_of_done("Please delete a.txt now", asked, memory, []) == Choice("click", 4)
    other = answer_instead_of_done("Please delete b.txt now", asked, memory, [])
    assert other is not None
    assert (other.kind, "Delete a.txt?" in other.why) == ("ask", True)
