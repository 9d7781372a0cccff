"""Reuse never changes the result: logits after eviction, rollback, lending and a state file equal those from nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.inprocess import Asked, loaded
from support.tiny_models import TinyModels, picture

from edgeagent_models.llama import state_file
from edgeagent_models.llama.pictures import Pictures
from edgeagent_models.llama.sequence import State
from edgeagent_models.llama.units import ImageUnit
from edgeagent_models.protocol import (
    ChatMessage,
    Complete,
    Completed,
    EngineReply,
    Fetch,
    ImagePart,
    LoadState,
    Ok,
    Park,
    Part,
    Sampling,
    SaveState,
    TextPart,
)

pytestmark = pytest.mark.llama
TOLERANCE = 0.01
"""Of logits that spread over several units: sums in batches of other sizes differ in the last bits of the hidden states."""
SYSTEM = "You operate a computer by its screen. " * 6
SHOWN = 3
"""Screenshots that stand at once; one more drops all but the newest."""
STEPS = 8


@pytest.fixture(params=["dense", "hybrid"])
def model(request: pytest.FixtureRequest, tiny_models: TinyModels) -> Path:
    return tiny_models.named(request.param)


@pytest.fixture
def reused(monkeypatch: pytest.MonkeyPatch, model: Path, tiny_models: TinyModels) -> Iterator[Asked]:
    """The engine under test."""
    with loaded(monkeypatch, model, tiny_models.mmproj, max_sequences=3) as asked:
        yield asked


@pytest.fixture
def scratch(monkeypatch: pytest.MonkeyPatch, model: Path, tiny_models: TinyModels) -> Iterator[Asked]:
    """Another engine over the same weights, asked from nothing each time."""
    with loaded(monkeypatch, model, tiny_models.mmproj) as asked:
        yield asked


def conversation(step: int, task: str = "Save the form.", ask: str = "What next?") -> tuple[ChatMessage, ...]:
    """The prompt of ``step`` (from 1) as the app makes it: screenshots dropped in batches, a past turn without its question."""
    first = (step - 1) // SHOWN * SHOWN + 1
    messages = [ChatMessage("system", (TextPart(SYSTEM),))]
    opening = f"Task: {task}\n"
    for number in range(1, step + 1):
        seen: Part = ImagePart(picture(number)) if number >= first else TextPart("[screenshot evicted]")
        ending = (TextPart(f"\n{ask}"),) if number == step else ()
        messages.append(ChatMessage("user", (TextPart(opening), TextPart("<seen>\n"), seen, TextPart("\n</seen>"), *ending)))
        messages.append(ChatMessage("assistant", (TextPart(f"click at {number} {number}: the button below the field"),)))
        opening = f"Result of {number}: confirmed, the page went on to its next part\n"
    return tuple(messages[:-1])


def difference(reused: Asked, scratch: Asked, messages: Sequence[ChatMessage], sequence: str = "a") -> tuple[float, int, int]:
    """Largest difference of the logits, and how many tokens were computed and cached."""
    reply, here = reused.ask(sequence, *messages, max_tokens=4)
    scratch.fresh("a")
    expected, there = scratch.ask("a", *messages, max_tokens=4)
    assert expected.usage.cached_tokens == 0
    assert reply.text == expected.text
    return float(np.abs(here - there).max()), reply.usage.prompt_tokens - reply.usage.cached_tokens, reply.usage.cached_tokens


def test_a_session_with_evictions(reused: Asked, scratch: Asked) -> None:
    worst, computed = 0.0, list[int]()
    for step in range(1, STEPS + 1):
        off, fresh, _ = difference(reused, scratch, conversation(step))
        worst = max(worst, off)
        computed.append(fresh)
    print(f"max abs difference {worst:.2g}; computed {computed}")
    assert worst < TOLERANCE
    # An eviction computes the turns again that lost their screenshots, and never what stands before them.
    turn = computed[1] + len("[screenshot evicted]")
    assert max(computed[3], computed[6]) < SHOWN * turn
    assert abs(computed[6] - computed[3]) < 16


def test_another_question_about_the_same_screen(reused: Asked, scratch: Asked) -> None:
    reused.ask("a", *conversation(3))
    off, fresh, cached = difference(reused, scratch, conversation(3, ask="Where is the button that saves?"))
    assert off < TOLERANCE
    assert fresh < 120 < cached


def test_another_task_keeps_the_system_prompt(reused: Asked, scratch: Asked) -> None:
    reused.ask("a", *conversation(2))
    off, _, cached = difference(reused, scratch, conversation(1, task="Log in"))
    assert off < TOLERANCE
    assert cached > len(SYSTEM) * 0.9


def test_a_new_sequence_borrows_the_system_prompt(reused: Asked, scratch: Asked) -> None:
    reused.ask("a", *conversation(2))
    reused.fresh("b")
    off, _, cached = difference(reused, scratch, conversation(1, task="Log in"), "b")
    assert off < TOLERANCE
    assert cached > len(SYSTEM) * 0.9
    # Both go on by themselves, and one may leave.
    assert difference(reused, scratch, conversation(3), "a")[0] < TOLERANCE
    assert difference(reused, scratch, conversation(2, task="Log in"), "b")[0] < TOLERANCE
    reused.engine.close_sequence("a")
    assert difference(reused, scratch, conversation(4, task="Log in"), "b")[0] < TOLERANCE


def test_a_state_file_goes_on(reused: Asked, scratch: Asked, tmp_path: Path) -> None:
    file = str(tmp_path / "a.state")
    for step in (1, 2, 3):
        reused.ask("a", *conversation(step))
    reused.engine.save_state(SaveState(0, "a", file))
    reused.engine.close_sequence("a")
    reused.fresh("b")
    reused.engine.load_state(LoadState(0, "b", file))
    off, fresh, _ = difference(reused, scratch, conversation(3), "b")
    assert (off < TOLERANCE, fresh) == (True, 1)
    assert difference(reused, scratch, conversation(4), "b")[0] < TOLERANCE


def test_what_was_primed_need_not_be_computed(reused: Asked, scratch: Asked) -> None:
    """The step that drops old screenshots is prepared while the action before it is carried out."""
    for step in (1, 2, 3):
        reused.ask("a", *conversation(step))
    assert reused.prime("a", *conversation(4)[:-1]) == [Ok(2)]
    off, fresh, _ = difference(reused, scratch, conversation(4))
    assert off < TOLERANCE
    assert fresh < 160


@pytest.mark.parametrize("work", [0, 1, 3])
def test_a_question_overtakes_a_guess_even_a_wrong_one(reused: Asked, scratch: Asked, work: int) -> None:
    reused.ask("a", *conversation(2))
    answers = reused.prime("a", *conversation(6, task="Log in")[:-1], work=work)
    assert difference(reused, scratch, conversation(3))[0] < TOLERANCE
    assert answers == [Ok(2)]
    assert difference(reused, scratch, conversation(4))[0] < TOLERANCE


def test_a_memory_of_few_checkpoints(reused: Asked, scratch: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over its budget a sequence drops checkpoints; what is left still leads to the same answers."""
    monkeypatch.setattr("edgeagent_models.llama.sequence.MAX_CHECKPOINT_BYTES", 0)
    for step in range(1, STEPS + 1):
        assert difference(reused, scratch, conversation(step))[0] < TOLERANCE


def test_what_makes_room_for_others_comes_back(monkeypatch: pytest.MonkeyPatch, model: Path, tiny_models: TinyModels) -> None:
    """Three sessions in a context with room for one and a half: each question puts another session on the shelf, and its
    own state back, and nothing of it is computed again."""
    room = 800
    with (
        loaded(monkeypatch, model, tiny_models.mmproj, max_sequences=3, context_tokens=room) as crowded,
        loaded(monkeypatch, model, tiny_models.mmproj) as scratch,
    ):
        crowded.fresh("b")
        crowded.fresh("c")
        computed: list[int] = []
        for step in (1, 2):
            for name in "abc":
                off, fresh, _ = difference(crowded, scratch, conversation(step, task=f"Save form {name}."), name)
                assert off < TOLERANCE
                computed.append(fresh)
        # What is new in a second step, and none of the beginning that is a session's own.
        assert max(computed[3:]) < min(computed[3:]) + min(computed[1:3]), computed


@pytest.mark.parametrize("to_disk", [False, True])
def test_a_parked_session_goes_on(reused: Asked, scratch: Asked, to_disk: bool) -> None:
    for step in (1, 2, 3):
        reused.ask("a", *conversation(step))
    parked = reused.engine.park(Park(7, "a", to_disk=to_disk))
    # Without a folder what should go to disk stays in RAM.
    assert parked.where == ("ram" if to_disk else "live")
    reused.fresh("b")
    difference(reused, scratch, conversation(2, task="Log in"), "b")
    reused.engine.fetch(Fetch(8, "a"))
    off, fresh, _ = difference(reused, scratch, conversation(3), "a")
    assert (off < TOLERANCE, fresh) == (True, 1)
    assert difference(reused, scratch, conversation(4), "a")[0] < TOLERANCE


def test_a_new_engine_finds_parked_sessions_and_the_system_prompt(
    monkeypatch: pytest.MonkeyPatch, model: Path, tiny_models: TinyModels, tmp_path: Path, scratch: Asked
) -> None:
    folder = tmp_path / "parked"
    with loaded(monkeypatch, model, tiny_models.mmproj, parked_folder=folder) as first:
        for step in (1, 2, 3):
            first.ask("a", *conversation(step))
        assert first.engine.park(Park(7, "a", to_disk=True)).where == "disk"
    assert sorted(path.name.split("-")[0] for path in folder.iterdir()) == ["a.state", "system"]
    with loaded(monkeypatch, model, tiny_models.mmproj, max_sequences=1, parked_folder=folder) as second:
        off, fresh, _ = difference(second, scratch, conversation(3), "a")
        assert (off < TOLERANCE, fresh) == (True, 1)
        second.fresh("a")
        (folder / "a.state").unlink()
        off, _, cached = difference(second, scratch, conversation(1, task="Log in"), "a")
        assert off < TOLERANCE
        assert cached > len(SYSTEM) * 0.9


def without_numbers(state: State) -> State:
    """The same with NaN, in half and in single precision, as the end of what llama.cpp computed."""
    end = 4096  # within the last layer's part: what is between the parts must be right, or llama.cpp refuses it
    return np.concatenate((state[: len(state) - end], np.full(end, 0xFF, np.uint8)))


def test_a_state_from_elsewhere_without_numbers_ends_the_engine_once(
    monkeypatch: pytest.MonkeyPatch, model: Path, tiny_models: TinyModels, tmp_path: Path
) -> None:
    """NaN would stay in the cells for whoever gets them next. The next process starts without that state."""
    folder = tmp_path / "parked"
    with loaded(monkeypatch, model, tiny_models.mmproj, parked_folder=folder) as first:
        expected, _ = first.ask("a", *conversation(3))
        assert first.engine.park(Park(7, "a", to_disk=True)).where == "disk"
    kept = str(folder / "a.state")
    fingerprint = state_file.read_header(kept).fingerprint
    held = state_file.load(kept, fingerprint)
    checkpoints = tuple(replace(one, data=without_numbers(one.data)) for one in held.checkpoints)
    state_file.save(str(folder / "a.moved"), replace(held, checkpoints=checkpoints, data=without_numbers(held.data)), fingerprint)
    (folder / "a.state").unlink()
    with loaded(monkeypatch, model, tiny_models.mmproj, parked_folder=folder) as second:
        with pytest.raises(SystemExit, match="none of this model's"):
            second.ask("a", *conversation(3))
        assert not (folder / "a.moved").exists()
    with loaded(monkeypatch, model, tiny_models.mmproj, parked_folder=folder) as third:
        assert third.ask("a", *conversation(3))[0].text == expected.text


@pytest.mark.parametrize("work", [0, 2, 10_000])
@pytest.mark.parametrize("right", [True, False])
def test_a_screen_that_was_foreseen(reused: Asked, scratch: Asked, work: int, right: bool) -> None:
    """However far the engine came with the screen before it settled; a wrong one is not waited for."""
    reused.ask("a", *conversation(2))
    reused.prime("a", *(conversation(3) if right else conversation(6)[-1:]), work=work)
    reply, _ = reused.ask("a", *conversation(3), max_tokens=4)
    off, _, _ = difference(reused, scratch, conversation(3))
    assert off < TOLERANCE
    if work > 5:
        assert (reply.timings_ms["encode_ms"] == 0) == right


def test_a_guess_to_the_end_leaves_only_the_question(reused: Asked, scratch: Asked) -> None:
    """As where a screen stays: all of the next prompt is known beforehand, first its sure part."""
    reused.ask("a", *conversation(2))
    reused.prime("a", *conversation(3)[:-1])
    reused.prime("a", *conversation(3))
    off, fresh, _ = difference(reused, scratch, conversation(3))
    assert off < TOLERANCE
    assert fresh < 24
    # The guess was wrong, behind the part that was sure: only what follows that is computed.
    reused.prime("a", *conversation(4)[:-1])
    reused.prime("a", *conversation(4, ask="Something else?"))
    assert difference(reused, scratch, conversation(4))[0] < TOLERANCE


def test_a_picture_that_was_foreseen_in_vain_is_not_encoded_to_its_end(reused: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def noting(name: str) -> Callable[..., None]:
        plain = getattr(Pictures, name)

        def noted(self: Pictures, *arguments: ImageUnit) -> None:
            done.append(name)
            plain(self, *arguments)

        return noted

    for name in ("start_encoding", "cancel_encoding"):
        monkeypatch.setattr(Pictures, name, noting(name))
    for foreseen, asked, expected in (
        (conversation(3), conversation(3), ["start_encoding"]),
        (conversation(9)[-1:], conversation(4), ["start_encoding", "cancel_encoding"]),
    ):
        done.clear()
        reused.prime("a", *foreseen, work=0)
        while not done:
            assert reused.engine.work()
        reused.engine.complete(Complete(1, "a", asked, Sampling(max_tokens=1)), lambda _: None)
        assert done == expected
        while reused.engine.work():
            pass


@pytest.mark.parametrize("room", [560, 700, 1000])
def test_sessions_that_do_not_fit_together_wait_for_each_other(
    monkeypatch: pytest.MonkeyPatch, model: Path, tiny_models: TinyModels, room: int
) -> None:
    """Three questions at once in a context for one, or nearly two: all are answered as alone, none is told that it is full."""
    grammar = "root ::= [a-z]{120}"
    asked = {name: conversation(1, task=f"Save form {name}.") for name in "abc"}
    with loaded(monkeypatch, model, tiny_models.mmproj) as alone:
        expected = {name: alone.ask("a", *messages, grammar=grammar, max_tokens=120)[0].text for name, messages in asked.items()}
    monkeypatch.setattr("edgeagent_models.llama.scheduler.OUTPUT_TOKENS", 0)
    with loaded(monkeypatch, model, tiny_models.mmproj, max_sequences=3, context_tokens=room) as crowded:
        replies: list[EngineReply] = []
        for number, (name, messages) in enumerate(asked.items()):
            crowded.fresh(name)
            crowded.engine.complete(Complete(number, name, messages, Sampling(max_tokens=120), grammar), replies.append)
        while crowded.engine.work():
            pass
    texts = {"abc"[reply.id]: reply.text for reply in replies if isinstance(reply, Completed)}
    assert texts == expected
