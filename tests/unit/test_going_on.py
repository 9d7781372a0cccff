"""What is said for going on with a run that has ended does go on: it does not end at once for the same reason."""

from __future__ import annotations

import pytest

from edgeagent import events
from edgeagent.cli.output import TextRenderer
from edgeagent.policy.asking import TO_BE_APPROVED
from edgeagent.runner import RunResult


@pytest.mark.parametrize(
    ("reached", "ended", "said"),
    [
        (events.LimitReached("steps", 5), events.RunEnded("limit", "stopped by the limit on steps (5)"), " --max-steps 65"),
        (events.LimitReached("wall_time", 5.1), events.RunEnded("limit", "stopped by the limit on wall_time (5.1)"), ""),
        (None, events.RunEnded("needs_user", f"{TO_BE_APPROVED} (mode ask): click"), " --approve"),
        (None, events.RunEnded("interrupted"), ""),
    ],
)
def test_going_on(
    capsys: pytest.CaptureFixture[str], reached: events.LimitReached | None, ended: events.RunEnded, said: str
) -> None:
    renderer = TextRenderer()
    if reached is not None:
        renderer.fact(reached)
    renderer.result(RunResult("S1", ended, 5, 1.0, {}))
    assert f"go on: edgeagent sessions resume S1{said}" in capsys.readouterr().out.splitlines()
