"""The documented default policy is the default, key by key."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from edgeagent_harness.policy.parse import parse
from edgeagent_harness.policy.types import ACCEPTABLE_MISSING, Policy

TEXT = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


def test_the_example_is_the_default() -> None:
    assert replace(parse(EXAMPLE), width=0, height=0) == Policy()


def test_layers_that_can_be_missing_are_named() -> None:
    assert all(name in EXAMPLE for name in ACCEPTABLE_MISSING)
