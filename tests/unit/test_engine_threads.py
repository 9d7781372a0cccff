"""Thread counts: the fewest that are not much slower, found once for a model on a machine, never on a busy one."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.tiny_models import TinyModels

from edgeagent_models.gguf_header import read_header
from edgeagent_models.llama import threads
from edgeagent_models.llama.engine import LlamaEngine
from edgeagent_models.llama.threads import Threads
from edgeagent_models.protocol import Load

pytestmark = pytest.mark.llama


@pytest.fixture
def cores(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    return lambda count: monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(count)))


def takes(single: dict[int, float], batch: dict[int, float]) -> Callable[[Threads, int], float]:
    return lambda counts, tokens: single[counts.single] if tokens == 1 else batch[counts.batch]


def test_the_fastest_is_taken_and_the_fewest_of_equals(cores: Callable[[int], None]) -> None:
    cores(8)
    assert threads.tuned(takes({1: 4.0, 4: 2.0, 8: 3.0}, {4: 9.0, 8: 5.0})) == (4, 8)
    assert threads.tuned(takes({1: 4.0, 4: 3.8, 8: 3.7}, {4: 5.0, 8: 4.9})) == (1, 4)
    cores(1)
    assert threads.tuned(takes({1: 4.0}, {1: 9.0})) == (1, 1)


def test_it_is_remembered_for_this_model_on_this_machine(
    tmp_path: Path, tiny_models: TinyModels, cores: Callable[[int], None]
) -> None:
    file, header, other = str(tmp_path / "c" / "t.json"), read_header(tiny_models.dense), read_header(tiny_models.hybrid)
    assert threads.remembered(file, header) is None
    threads.remember(file, header, Threads(1, 2))
    threads.remember(file, other, Threads(2, 2))
    assert (threads.remembered(file, header), threads.remembered(file, other)) == ((1, 2), (2, 2))
    cores(64)
    assert threads.remembered(file, header) is None
    Path(file).write_text("{")
    assert threads.remembered(file, other) is None
    threads.remember(file, other, Threads(2, 2))
    assert not Path(file).exists()


def test_an_engine_measures_once_and_not_on_a_busy_machine(
    tmp_path: Path, tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "t.json"
    load = Load(0, str(tiny_models.hybrid), context_tokens=512, max_sequences=1, threads_file=str(file))

    def loaded() -> tuple[int, int]:
        engine = LlamaEngine(load)
        engine.close()
        return engine.loaded.threads

    monkeypatch.setattr(threads, "busy", lambda: True)
    assert loaded() == threads.usual()
    assert not file.exists()
    monkeypatch.setattr(threads, "busy", lambda: False)
    found = loaded()
    assert 1 <= found[0] <= found[1] <= len(os.sched_getaffinity(0))
    assert threads.remembered(str(file), read_header(tiny_models.hybrid)) == found
    threads.remember(str(file), read_header(tiny_models.hybrid), Threads(7, 5))
    assert loaded() == (7, 5)
