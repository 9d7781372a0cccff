"""What the distributions say that they need is what ./scripts/demo installs."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = {"edgeagent", "edgeagent-harness", "edgeagent-models"}


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w.-]", line, maxsplit=1)[0].lower().replace("_", "-").replace(".", "-") for line in requirements} - OURS


def project(folder: str) -> dict[str, list[str]]:
    table = tomllib.loads((ROOT / folder / "pyproject.toml").read_text("utf-8"))["project"]
    return {"": table["dependencies"], **table.get("optional-dependencies", {})}


def pinned(name: str) -> set[str]:
    return names(re.findall(r"^[\w.-]+(?===)", (ROOT / "requirements" / f"{name}.txt").read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize(("folder", "extra"), [("", ""), ("harness", ""), ("harness", "desktop"), ("models", "")])
def test_every_dependency_is_pinned_for_the_run(folder: str, extra: str) -> None:
    assert names(project(folder)[extra]) <= pinned("runtime")


def test_every_extra_is_pinned_somewhere() -> None:
    wanted = set[str]().union(*(names(lines) for folder in ("", "harness", "models") for lines in project(folder).values()))
    assert wanted <= pinned("runtime") | pinned("llama") | pinned("cloud") | pinned("dev") | {"miniwob"}
