"""``edgeagent agents``: what it makes is sound, what is not is told with exit code 2; and what an agent does to ``run``."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from edgeagent.agents.reading import parse

DOCS = Path(__file__).parents[2] / "docs" / "agents.md"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "config" / "edgeagent" / "agents"
    folder.mkdir(parents=True)
    return folder


def edgeagent(config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    top = config.parents[1]
    env = {**os.environ, "XDG_CONFIG_HOME": str(top), "EDGEAGENT_HOME": str(top.parent / "data")}
    argv = [sys.executable, "-m", "edgeagent", *arguments]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, env=env, cwd=top.parent)


def test_what_it_makes_is_sound_and_told_in_words(config: Path) -> None:
    made = edgeagent(config, "agents", "new", "forms")
    assert (made.returncode, made.stdout.strip()) == (0, str(config / "forms.toml"))
    assert edgeagent(config, "agents", "check").stdout == "forms: sound\n"
    shown = edgeagent(config, "agents", "show", "forms").stdout
    assert "asks before   open_url; in every mode" in shown
    again = edgeagent(config, "agents", "new", "forms")
    assert (again.returncode, "is there already" in again.stderr) == (2, True)
    (listed,) = json.loads(edgeagent(config, "agents", "list", "--output", "json").stdout)
    assert listed == {"name": "forms", "description": "Fills in forms, and asks before it opens anything", "problem": ""}


def test_what_is_broken_or_missing_is_told_with_exit_code_2(config: Path, tmp_path: Path) -> None:
    (config / "broken.toml").write_text("mode = 'ask'\nmodl = 'x'\n")
    (config / "lost.toml").write_text("policy = 'gone.yaml'\n")
    (config / "away.toml").write_text("[start]\nhome = '/no/such/place'\n")
    checked = edgeagent(config, "agents", "check")
    assert checked.returncode == 2
    assert "line 2: unknown key 'modl'. did you mean model?" in checked.stderr
    assert f"the policy file {config / 'gone.yaml'} cannot be read" in checked.stderr
    assert "start.home /no/such/place: no such directory" in checked.stderr
    listed = edgeagent(config, "agents", "list").stdout
    assert "line 2: unknown key 'modl'" in listed
    run = edgeagent(config, "run", "x", "--agent", "broken")
    assert (run.returncode, "line 2: unknown key 'modl'" in run.stderr) == (2, True)


def test_a_file_from_elsewhere_is_taken_over_by_the_users_word(config: Path, tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text("policy = 'web'\n")
    refused = edgeagent(config, "run", "x", "--agent", "./shop.toml")
    assert (refused.returncode, "policy widens what a run may reach" in refused.stderr) == (2, True)
    assert "widens" in edgeagent(config, "agents", "check", "./shop.toml").stderr
    unheard = edgeagent(config, "run", "x", "--agent", "shop")
    assert (unheard.returncode, "no agent is called 'shop'" in unheard.stderr) == (2, True)
    assert edgeagent(config, "agents", "new", "shop", "--from", "shop.toml").returncode == 0
    assert edgeagent(config, "agents", "check", "shop").stdout == "shop: sound\n"


def test_offline_stays_offline(config: Path, tmp_path: Path) -> None:
    (config / "far.toml").write_text("model = 'openai:http://model.example/v1#m'\n")
    refused = edgeagent(config, "--offline", "run", "x", "--agent", "far")
    assert refused.returncode == 3
    assert "offline" in refused.stderr


def test_the_example_in_the_docs_is_sound() -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    agent = parse(text, Path("/agents/forms.toml"))
    assert (agent.mode, agent.ask, agent.limits.max_steps, agent.start.apps) == ("auto", ("open_url",), 40, ("mousepad",))
    for key in (*agent.__struct_fields__[2:], *agent.limits.__struct_fields__, *agent.start.__struct_fields__):
        assert f"`{key}`" in DOCS.read_text()
