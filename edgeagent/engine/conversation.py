"""Pure: the task, the history and the latest screenshots as a conversation for a chat model, by its family's rules.

Append-only as far as those allow, so that the engine finds its cache again. What is dropped is dropped in batches: when one
screenshot more than the family's number would stand, all but the newest go; so do turns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgeagent.engine.pictures import as_image
from edgeagent.history import Step
from edgeagent.ports import Prompt
from edgeagent.screen import Screen
from edgeagent_models.families import generic
from edgeagent_models.families.family import CannotTell, Family
from edgeagent_models.families.grid import View
from edgeagent_models.protocol import ChatMessage, ImagePart, Part, TextPart

FRESH_DESKTOP = "\nThe desktop was started anew: files are kept, but what applications had not saved is gone. Go by the screen."
MOVED = "\nYou go on on another machine: your files came along, "
MOVED_HOW = {
    "": "",
    "exact": MOVED + "and nothing else was open. The screen is as it was.",
    "replayed": MOVED + "and what you had filled in was filled in again there.",
    "reopened": MOVED + "but applications were only opened again.",
}
UNCHANGED = "[the screen is as it was on the screenshot before]"
MAX_LINES = 40
"""Earlier steps that are still told, one line each."""
DROPPED_LINES = 24
"""So many go at once: each time all that follows them goes through the model again."""


def first_of_batch(step: int, size: int) -> int:
    """The oldest step that is still shown when the model is asked for ``step``, with at most ``size`` (both count from 1)."""
    return (step - 1) // size * size + 1


def first_line(first_turn: int) -> int:
    """The oldest step that is still told, where those before ``first_turn`` (counted from 1) are told in a line each."""
    too_many = first_turn - 1 - MAX_LINES
    return -(-too_many // DROPPED_LINES) * DROPPED_LINES + 1 if too_many > 0 else 1


@dataclass(frozen=True, slots=True)
class Speaker:
    """A family, and the factor of the vision encoder that it is run with (0: unknown, the encoder resizes)."""

    family: Family
    factor: int = 0
    skip_unchanged: bool = False
    """A screen that stays as it was is not shown again: words say so. Families are not trained on that, so it is off."""

    def view(self, screen: Screen) -> View:
        """How ``screen`` reaches the model."""
        return self.family.view(screen.info.width, screen.info.height, self.factor)

    def first_screenshot(self, step: int) -> int:
        """The oldest step whose screenshot is shown when the model is asked for ``step``."""
        return first_of_batch(step, self.family.history.screenshots)

    def first_shown(self, screens: Mapping[int, Screen], now: int, screen: Screen) -> int:
        """The same, given what is still remembered of earlier steps and the ``screen`` that step ``now`` is decided on.

        Where unchanged screens are skipped, pictures are counted and not steps; one must stand in a turn that is still told.
        """
        if not self.skip_unchanged or not screens:
            return self.first_screenshot(now)
        pictured = [step for step in screens if not _same(screens.get(step - 1), screens[step])]
        if not _same(screens.get(now - 1), screen):
            return min(screens) if len(pictured) < self.family.history.screenshots else now
        return min(screens) if max(pictured) >= first_of_batch(now, self.family.history.turns) else now

    def converse(self, prompt: Prompt, screens: Mapping[int, Screen], replies: Mapping[int, str]) -> tuple[ChatMessage, ...]:
        """The conversation that asks for the next step.

        ``screens`` holds the screenshots that earlier steps were decided on, ``replies`` what the model said, by step number;
        what is missing there (after a resume) is told in words.
        """
        now, view = prompt.history.next_step, self.view(prompt.screen)
        first_turn = first_of_batch(now, self.family.history.turns)
        first_shown = self.first_shown(screens, now, prompt.screen)
        shown = {**{step: seen for step, seen in screens.items() if step >= first_shown}, now: prompt.screen}
        told = [step for step in prompt.history.steps if first_line(first_turn) <= step.number < first_turn]
        opening = self._opening(prompt.task, told, view)
        messages = [ChatMessage("system", (TextPart(self._instructions(view, prompt.history.told)),))]
        for step in (step for step in prompt.history.steps if step.number >= first_turn):
            messages.append(ChatMessage("user", (TextPart(opening), *self._observation(shown, step.number))))
            said = replies.get(step.number) if self.family.history.own_words else None
            messages.append(ChatMessage("assistant", (TextPart(said or self._retold(step, view)),)))
            opening = self._result(step)
        ending = (TextPart(self._ending(prompt)),) if self._ending(prompt) else ()
        messages.append(ChatMessage("user", (TextPart(opening), *self._observation(shown, now), *ending)))
        return tuple(messages)

    def _instructions(self, view: View, told: str) -> str:
        return "\n\n".join(filter(None, (self.family.dialect.instructions(view), told)))

    def _opening(self, task: str, earlier: list[Step], view: View) -> str:
        wording = self.family.wording
        opening = wording.task.format(task=task)
        if not earlier:
            return opening
        lines = [f"{step.number}. {self._retold(step, view)} {_outcome(step)}" for step in earlier]
        return opening + wording.earlier.format(lines="\n".join(lines))

    def _observation(self, shown: Mapping[int, Screen], step: int) -> tuple[Part, ...]:
        """What stands for the screenshot of ``step``, of which ``shown`` has those that are shown now."""
        wording, screen = self.family.wording, shown.get(step)
        if screen is None:
            return (TextPart(wording.before_image + self.family.history.evicted + wording.after_image),)
        if self.skip_unchanged and _same(shown.get(step - 1), screen):
            return (TextPart(wording.before_image + UNCHANGED + wording.after_image),)
        picture = ImagePart(as_image(screen, self.view(screen) if self.factor else None))
        around = (TextPart(wording.before_image), picture, TextPart(wording.after_image))
        return tuple(part for part in around if part != TextPart(""))

    def _ending(self, prompt: Prompt) -> str:
        wording, history = self.family.wording, prompt.history
        facts = "; ".join(filter(None, (history.memory, *history.facts)))
        return "".join(
            (
                wording.remembered.format(facts=facts) if facts else "",
                wording.refused.format(feedback=history.feedback) if history.feedback else "",
                MOVED_HOW[history.moved],
                FRESH_DESKTOP if history.fresh_desktop else "",
                wording.ask.format(task=prompt.task),
            )
        )

    def _retold(self, step: Step, view: View) -> str:
        try:
            return self.family.render(step.thought, step.action, view)
        except CannotTell:
            return generic.render(step.thought, step.action, view.width, view.height)

    def _result(self, step: Step) -> str:
        return self.family.wording.result.format(result=_outcome(step), verb=self.family.called(step.action))


def _same(earlier: Screen | None, screen: Screen) -> bool:
    return earlier is not None and earlier.pixels == screen.pixels


def _outcome(step: Step) -> str:
    effect = step.effect
    said = " ".join(text for text in (effect.reason, effect.message, effect.output) if text)
    return f"{effect.status} {said}".strip()
