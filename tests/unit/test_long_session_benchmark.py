"""The benchmark of long sessions fails on what leaks or grows, and on nothing that other work on the machine causes."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "long_session_benchmark.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("long_session_benchmark", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def blocks(script: ModuleType, count: int, **last: Any) -> list[Any]:
    """``count`` hundreds that are all alike, but for the ``last``; the first is always smaller."""
    one = script.Block(100, 20.0, 50.0, 60.0, 1600.0, 800.0, 20.0, 0.6, 15, 4, 8)
    alike = [replace(one, steps=100 * number, rss_mib=66.0 if number > 1 else 60.0) for number in range(1, count + 1)]
    return [*alike[:-1], replace(alike[-1], **last)]


@pytest.mark.parametrize("count", [2, 3, 10])
@pytest.mark.parametrize("noise", [{}, {"own_ms_p50": 400.0, "own_ms_p95": 4000.0, "keep_home_ms_p50": 50.0}])
def test_flat_is_flat_however_slow(script: ModuleType, count: int, noise: dict[str, float]) -> None:
    assert script.grown(blocks(script, count, **noise)) == []


@pytest.mark.parametrize(
    ("leak", "told"),
    [
        ({"descriptors": 16}, "descriptors: 15 after 200 steps, 16 after 1000"),
        ({"threads": 5}, "threads: 4 after"),
        ({"processes": 9}, "processes: 8 after"),
        ({"log_bytes_a_step": 1800.0}, "a step's log: 1600 bytes before step 200, 1800 before step 1000"),
        ({"frames_bytes_a_step": 1300.0}, "a step's frames"),
        ({"rss_mib": 100.0}, "memory: 34.0 MiB more"),
    ],
)
def test_what_grows_is_told(script: ModuleType, leak: dict[str, float], told: str) -> None:
    (said,) = script.grown(blocks(script, 10, **leak))
    assert said.startswith(told)


def test_memory_is_not_settled_in_the_first_hundreds(script: ModuleType) -> None:
    assert script.grown(blocks(script, 2, rss_mib=80.0)) == []
    assert script.grown(blocks(script, 10, rss_mib=77.0)) == [], "an index of a thousand steps is no leak"
