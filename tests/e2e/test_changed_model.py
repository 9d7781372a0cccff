"""In one real sandbox the model changes twice in mid-run, embedded to GGUF to GGUF; what cannot be loaded changes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.tiny_models import TinyModels

from edgeagent import events
from edgeagent.clock import SystemClock
from edgeagent.limits import Limits
from edgeagent.recording.export.telling import tell
from edgeagent.recording.reader import SessionReader
from edgeagent.recording.replay import stretches
from edgeagent.runner import ModelChoice, Runner, RunRequest
from edgeagent.runner.deciding import ModelSwitch
from edgeagent.sessions.branching import fork
from edgeagent.sessions.store import SessionStore
from edgeagent.sessions.summary import summarize
from edgeagent_harness.protocol.messages import Application, DesktopSpec

pytestmark = pytest.mark.sandbox
SPEC = DesktopSpec(640, 480, applications=(Application(("mousepad",)),))


@dataclass
class User:
    """Wants the next model after each of the model's replies; notes which engines there are when it has come."""

    wants: Iterator[ModelChoice]
    switch: ModelSwitch = field(default_factory=ModelSwitch)
    engines: list[set[str]] = field(default_factory=list[set[str]])
    refused: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.switch.kept = lambda choice, why: self.refused.append(f"{choice.model}: {why}")

    def hear(self, fact: events.EventData) -> None:
        if isinstance(fact, events.Replied):
            self.engines.append(engines())
            self.switch.wanted = next(self.wants, None)


def engines() -> set[str]:
    """Which kinds of engine this process has at the moment."""
    found: set[str] = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_text().split("\0")
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == os.getpid() and "--engine" in words:
            found.add(words[words.index("--engine") + 1])
    return found


async def test_the_next_decision_is_anothers(tmp_path: Path, tiny_models: TinyModels) -> None:
    mmproj = str(tiny_models.mmproj)
    dense, hybrid = ModelChoice(str(tiny_models.dense), mmproj), ModelChoice(str(tiny_models.hybrid), mmproj)
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(64))
    user = User(iter((dense, ModelChoice(str(broken), mmproj), hybrid)))
    store = SessionStore(tmp_path / "sessions")
    runner = Runner(store, listeners=[user.hear], model_switch=user.switch)
    result = await runner.start(RunRequest("Write 'Hello' and save it as hello.txt", SPEC, limits=Limits(max_steps=4)))
    assert result.steps == 4, result

    with SessionReader.open(store.root / result.session) as reader:
        facts = [event.data for event in reader.events()]
        story = tell(reader)
    assert sum(isinstance(fact, events.RunStarted) for fact in facts) == 1, "the sandbox stayed"
    whose = [fact for fact in facts if isinstance(fact, events.ModelChanged | events.Intent)]
    kinds = [fact.model if isinstance(fact, events.ModelChanged) else fact.step for fact in whose]
    assert kinds == [1, dense.model, 2, 3, hybrid.model, 4]
    changes = [fact for fact in whose if isinstance(fact, events.ModelChanged)]
    assert [fact.before for fact in changes] == [events.NamedModel("embedded"), events.NamedModel(dense.model, mmproj)]
    assert user.engines[:4] == [{"embedded"}, {"llama"}, {"llama"}, {"llama"}], "the engine of the model before is gone"
    (why,) = user.refused
    assert why.startswith(str(broken)), why
    first, *_, last = [fact.memory for fact in facts if isinstance(fact, events.Replied)]
    assert first, "what the embedded model noted for itself"
    assert first not in last, "another is not told"

    assert [step.model for step in story.steps] == ["embedded", dense.model, dense.model, hybrid.model]
    (stretch,) = stretches(facts)
    assert [act.model for act in stretch] == ["", "", dense.model, dense.model, hybrid.model]
    assert summarize(store.root / result.session).model == hybrid.model
    forked = fork(store, result.session, 2, SystemClock())
    assert summarize(store.root / forked.session).model == dense.model, "a fork goes on with the model of its step"
