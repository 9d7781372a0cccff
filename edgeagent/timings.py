"""What each step cost, phase by phase, read off the events. Pure; the live lines, the benchmark and the report share it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median

from edgeagent import events

PHASES = (
    "capture_ms", "settle_ms", "perceive_ms", "encode_ms", "prefill_ms", "decode_ms", "judge_ms", "act_ms", "record_ms"
)  # fmt: skip
"""In the order in which they happen. ``settle_ms`` is the whole wait for the screen, its quiet window included."""
_LABELS = {
    "capture_ms": "capture", "settle_ms": "settle", "perceive_ms": "see", "encode_ms": "encode", "prefill_ms": "prefill",
    "decode_ms": "decide", "judge_ms": "judge", "act_ms": "act", "record_ms": "record",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class StepTimings:
    """One executed (or refused) action with the reply that led to it."""

    number: int
    phases_ms: dict[str, float] = field(default_factory=dict[str, float])
    quiet_ms: float = 0.0
    """Part of ``settle_ms`` in which nothing changed any more."""

    @property
    def total_ms(self) -> float:
        return sum(self.phases_ms.get(phase, 0.0) for phase in PHASES)

    @property
    def outside_model_ms(self) -> float:
        """Everything but the model and the wait for the screen."""
        return sum(self.phases_ms.get(phase, 0.0) for phase in ("capture_ms", "judge_ms", "act_ms", "record_ms"))


class TimingFold:
    """Collects phases until an action is done."""

    def __init__(self) -> None:
        self._phases: dict[str, float] = {}

    def advance(self, fact: events.EventData) -> StepTimings | None:
        """The step's timings when ``fact`` completes one."""
        match fact:
            case events.Replied(timings_ms=timings):
                for phase, value in timings.items():
                    self._add(phase, value)
            case events.Verdict(judge_ms=judge_ms):
                self._add("judge_ms", judge_ms)
            case events.Acted():
                return self._finish(fact)
            case _:
                pass
        return None

    def _finish(self, acted: events.Acted) -> StepTimings:
        self._add("act_ms", acted.act_ms)
        self._add("capture_ms", acted.capture_ms)
        self._add("record_ms", acted.record_ms)
        quiet_ms = 0.0
        if acted.settle is not None:
            self._add("settle_ms", acted.settle.waited_ms)
            quiet_ms = acted.settle.quiet_ms
        phases, self._phases = self._phases, {}
        return StepTimings(acted.step, phases, quiet_ms)

    def _add(self, phase: str, value_ms: float) -> None:
        self._phases[phase] = self._phases.get(phase, 0.0) + value_ms


def step_timings(facts: Iterable[events.EventData]) -> list[StepTimings]:
    """The timings of all steps in ``facts``, in order."""
    collect = TimingFold()
    return [timings for fact in facts if (timings := collect.advance(fact)) is not None]


def median_phases(steps: Iterable[StepTimings]) -> dict[str, float]:
    """The median of each phase over ``steps``, and of ``total_ms``; phases that never occurred are left out."""
    rows = list(steps)
    if not rows:
        return {}
    medians = {
        phase: round(median(row.phases_ms.get(phase, 0.0) for row in rows), 3)
        for phase in PHASES
        if any(phase in row.phases_ms for row in rows)
    }
    return {**medians, "total_ms": round(median(row.total_ms for row in rows), 3)}


def phases_line(timings: StepTimings) -> str:
    """``see 38 · decide 4 · act 1 · settle 210 (100 quiet) · record 3 = 256 ms``."""
    parts: list[str] = []
    for phase, label in _LABELS.items():
        value = timings.phases_ms.get(phase)
        if value is None or value < 0.5:
            continue
        quiet = f" ({timings.quiet_ms:.0f} quiet)" if phase == "settle_ms" and timings.quiet_ms >= 0.5 else ""
        parts.append(f"{label} {value:.0f}{quiet}")
    return f"{' · '.join(parts)} = {timings.total_ms:.0f} ms"
