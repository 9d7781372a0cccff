"""When a run must end although the model would go on."""

from __future__ import annotations

from dataclasses import dataclass

from edgeagent.events import LimitReached
from edgeagent.history import History, Step

MIN_ROUNDS = 6
"""More than trying something a second and a third time needs."""
MAX_PERIOD = 8
"""Actions in the longest round that is noticed."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one session; 0 means none."""

    max_steps: int = 60
    """Executed actions, over all runs of the session."""
    timeout_s: float = 600.0
    """Wall time of one run."""
    max_rejected: int = 4
    """Replies in a row that are no action, or that the gate denied."""
    max_no_effect: int = 4
    """The same executed action in a row without any effect. Refused actions do not count: nothing was sent. Nor do those before
    the run was resumed, or before the user said something: that is to be tried anew. So often, and six times at least, may a
    round of several actions that comes back to the same screen be taken, too.
    """

    def reached(self, history: History, elapsed_s: float) -> LimitReached | None:
        """The first limit that ``history`` has reached, or None."""
        if self.max_steps and len(history.steps) >= self.max_steps:
            return LimitReached("steps", len(history.steps))
        if self.timeout_s and elapsed_s >= self.timeout_s:
            return LimitReached("wall_time", round(elapsed_s, 3))
        if self.max_rejected and history.rejected_in_a_row >= self.max_rejected:
            return LimitReached("rejected", history.rejected_in_a_row)
        steps = history.steps[history.tried_before :]
        repeats = repeated_without_effect(steps)
        if self.max_no_effect and repeats >= self.max_no_effect:
            return LimitReached("no_effect", repeats)
        rounds = max(self.max_no_effect, MIN_ROUNDS)
        if self.max_no_effect and went_in_circles(steps, rounds):
            return LimitReached("no_effect", rounds)
        return None


def in_words(reached: LimitReached) -> str:
    """What ``reached`` bounds, and how far it went."""
    match reached.limit:
        case "steps":
            return f"steps ({reached.value:g})"
        case "wall_time":
            return f"time ({reached.value:g} s)"
        case "rejected":
            return f"replies in a row that could not be carried out ({reached.value:g})"
        case "no_effect":
            return f"actions that lead nowhere (the same {reached.value:g} times)"


def repeated_without_effect(steps: tuple[Step, ...]) -> int:
    """How many of the last executed steps are the same action with no effect on the screen."""
    executed = [step for step in steps if step.effect.performed]
    count = 0
    for step in reversed(executed):
        if step.effect.status != "suspected_noop" or step.action != executed[-1].action:
            break
        count += 1
    return count


def went_in_circles(steps: tuple[Step, ...], rounds: int) -> bool:
    """Whether the last executed steps are ``rounds`` rounds of the same two to `MAX_PERIOD` actions on the same screens, to the
    pixel: each may have had an effect, all of them together have none. A screen with a clock on it hides that.
    """
    done = [(step.frame_before, step.action) for step in steps if step.effect.performed]
    for period in range(2, MAX_PERIOD + 1):
        tail = done[-period * rounds :]
        if len(tail) == period * rounds and tail[period:] == tail[:-period] and len(set(tail[:period])) > 1:
            return True
    return False
