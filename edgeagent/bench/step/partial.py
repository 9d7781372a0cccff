"""A benchmark that was cut off: what of its samples can be compared."""

from __future__ import annotations

from collections.abc import Sequence

from edgeagent.bench.step.meter import Sample


def comparable(samples: Sequence[Sample], variants: int, steps: int) -> tuple[list[Sample], int]:
    """The samples of whole repeats (``steps`` steps of each of ``variants``) and how many these are; while there is none the
    whole steps of the first, as one."""
    each = {repeat: [one for one in samples if one.repeat == repeat] for repeat in {one.repeat for one in samples}}
    whole = [repeat for repeat, taken in sorted(each.items()) if len(taken) == variants * steps]
    if whole:
        return [one for repeat in whole for one in each[repeat]], len(whole)
    asked = [one.step for one in samples]
    found = [one for one in samples if asked.count(one.step) == variants]
    return found, 1 if found else 0
