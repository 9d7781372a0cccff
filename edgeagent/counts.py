"""Numbers of things as people say them, and what a number of steps means. Pure."""

from __future__ import annotations

from edgeagent.events import Compacted


def counted(number: int, thing: str, things: str = "") -> str:
    """``1 step``, ``2 steps``, ``0 steps``; ``things``: more than one of them, where that is not an ``s`` more."""
    return f"{number} {thing if number == 1 else things or f'{thing}s'}"


def steps_from(first: int, last: int) -> str:
    """``step 3``, ``steps 3 and 4``, ``steps 3 to 7``."""
    if first >= last:
        return f"step {first}"
    return f"steps {first} {'and' if last == first + 1 else 'to'} {last}"


def less_told(fact: Compacted) -> str:
    """What the model does not get any more from here on, without the reason."""
    steps, several = steps_from(fact.first_step, fact.last_step), fact.last_step > fact.first_step
    match fact.what:
        case "screens":
            return f"the model is no longer shown the screen{'s' if several else ''} of {steps}, only told what was done"
        case "turns":
            return f"the model is told {steps} in one line{' each' if several else ''} from here on"
        case "steps":
            return f"the model is told nothing more of {steps}"
