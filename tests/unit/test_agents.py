"""Agent files are read strictly; the user's word goes before what they say, and one from elsewhere can widen nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeagent.agents.agent import Agent, AgentLimits, AgentStart
from edgeagent.agents.applying import Said, completed
from edgeagent.agents.reading import agents_folder, is_own, line_of, load, own_file, own_names, parse
from edgeagent.agents.telling import in_words
from edgeagent.errors import UsageError
from edgeagent.limits import Limits

WHOLE = '''
description = "Fills in forms"
prompt = """
Write dates as 2026-11-30.
mode = "auto"
"""
model = "some.gguf"
mmproj = "some-mmproj.gguf"
family = "qwen3-vl"
mode = "ask"
policy = "forms.yaml"
actions = ["click", "type"]
ask = ["click"]

[limits]
max_steps = 30
timeout_s = 120
max_tokens = 1000
max_typed_characters = 200
max_files_written = 3

[start]
apps = ["mousepad a.txt"]
url = "http://forms.localhost/"
home = "files"
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    agents_folder().mkdir(parents=True)
    return agents_folder()


def test_every_key_is_read(folder: Path) -> None:
    (folder / "forms.toml").write_text(WHOLE)
    agent = load("forms")
    assert agent == Agent(
        "forms", str(folder / "forms.toml"), "Fills in forms", 'Write dates as 2026-11-30.\nmode = "auto"\n', "some.gguf",
        "some-mmproj.gguf", "qwen3-vl", "ask", "forms.yaml", ("click", "type"), ("click",), AgentLimits(30, 120.0, 1000, 200, 3),
        AgentStart(("mousepad a.txt",), "http://forms.localhost/", "files"),
    )  # fmt: skip
    assert agent is not None
    words = dict(in_words(agent))
    for key in ("does", "file", "prompt", "model", "policy", "mode", "may do", "asks before", "at most", "starts with"):
        assert words[key]


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("promt = 'x'", "line 1: unknown key 'promt'", "did you mean prompt?"),
        ("colour = 1", "line 1: unknown key 'colour'", "known: description"),
        ("\nname = 'other'", "line 2: unknown key 'name'", "known: "),
        ("mode = 'ask'\n\n[limits]\nmax_step = 3", "line 4: unknown key 'limits.max_step'", "did you mean max_steps?"),
        ("[start]\n# what is opened\napp = 'x'", "line 3: unknown key 'start.app'", "did you mean apps?"),
        ("mode = 'asks'", "line 1: mode: Invalid enum value 'asks'", "write one of plan, ask, bounded, auto"),
        ("prompt = '''\nmode = 1\n'''\nmode = 1", "line 4: mode: ", "write one of"),
        ("actions = [\n  'click',\n  'tpye',\n]", "line 1: actions: 'tpye' is no action", "did you mean type?"),
        ("actions = []", "line 1: actions is empty", "name an action"),
        ("actions = ['click']\nask = ['key']", "line 2: ask: 'key' is not among actions", "add it there"),
        ("actions = 'click'", "line 1: actions: Expected a list, got a text", ""),
        ("limits = 3", "line 1: limits: Expected a table", ""),
        ("[limits]\nmax_steps = 0.5", "line 2: limits.max_steps: Expected `int`", ""),
        ("[limits]\ntimeout_s = -1", "line 2: limits.timeout_s: ", ""),
        ("mode = ask", "no valid TOML: Invalid value (at line 1", ""),
        ('description = "a\\u001b[31m"', "line 1: description has the control character '\\x1b'", "take it out"),
        (f"prompt = '{'x' * 8001}'", "line 1: prompt has 8001 characters", "at most 8000"),
    ],
)
def test_what_is_wrong_is_said_with_file_line_and_the_nearest_key(text: str, said: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        parse(text, Path("/agents/mine.toml"))
    assert str(error.value).startswith("/agents/mine.toml")
    assert said in str(error.value)
    assert hint in error.value.hint
    assert error.value.exit_code == 2


def test_a_line_is_told_only_where_it_is_sure() -> None:
    assert line_of("a = 1\nb.c = 2\n", "b.c") == 2
    assert line_of("a = {\n", "a") == 0
    assert line_of("\n" * 600 + "a = 1", "a") == 0


def test_a_name_is_looked_for_in_the_users_folder_alone(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for place in (tmp_path, tmp_path / "agents", tmp_path / ".edgeagent" / "agents"):
        place.mkdir(parents=True, exist_ok=True)
        (place / "shop.toml").write_text("mode = 'auto'\n")
    (folder / "shops.toml").write_text("mode = 'ask'\n")
    with pytest.raises(UsageError, match="no agent is called 'shop'") as error:
        load("shop")
    assert error.value.hint == "did you mean shops?"
    assert own_names() == ["shops"]
    given = load("shop.toml")
    assert given is not None
    assert (given.name, given.source, is_own(given)) == ("shop", str(tmp_path / "shop.toml"), False)
    own = load("shops")
    assert own is not None
    assert is_own(own)
    assert load("") is None


@pytest.mark.parametrize("name", ["../shop", "Shop", ".hidden", "a b", ""])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="is no name of an agent"):
        own_file(name)


def test_what_is_no_file_or_too_long_is_refused(tmp_path: Path) -> None:
    (tmp_path / "long.toml").write_text("#" * 40_000)
    (tmp_path / "bytes.toml").write_bytes(b"description = '\xff'")
    for path, words in (("nonesuch", "cannot be read"), ("long", "longer than"), ("bytes", "UTF-8")):
        with pytest.raises(UsageError, match=words):
            load(str(tmp_path / f"{path}.toml"))
    with pytest.raises(UsageError, match="no regular file"):
        load("/dev/null")


def test_what_the_user_says_goes_before_what_the_agent_says(folder: Path) -> None:
    agent = parse(WHOLE, folder / "forms.toml")
    said = completed(Said(), agent)
    assert said == Said(
        ("mousepad a.txt",), "http://forms.localhost/", str(folder / "files"), "some.gguf", "some-mmproj.gguf", "qwen3-vl",
        str(folder / "forms.yaml"), 30, 120.0,
    )  # fmt: skip
    assert said.limits == Limits(30, 120.0)
    own = Said(("gedit",), "about:blank", "/srv", "embedded", "", "", "locked", 5, 9.0)
    assert completed(own, agent) == own
    assert completed(own, None) == own
    assert completed(Said(), Agent()) == Said()
    assert Said().limits == Limits()


@pytest.mark.parametrize(
    ("agent", "key", "own"),
    [
        (Agent(policy="web"), "policy", Said(policy="locked")),
        (Agent(policy="my.yaml"), "policy", Said(policy="my.yaml")),
        (Agent(model="openai:http://model.example#m"), "model", Said(model="embedded")),
        (Agent(start=AgentStart(home="/etc")), "start.home", Said(home="/srv")),
        (Agent(start=AgentStart(home="../other")), "start.home", Said(home="/srv")),
        (Agent(start=AgentStart(home=".")), "start.home", Said(home="/srv")),
        (Agent(start=AgentStart(home="~")), "start.home", Said(home="/srv")),
        (Agent(start=AgentStart(home="link")), "start.home", Said(home="/srv")),
    ],
)
def test_a_file_from_elsewhere_cannot_widen_what_a_run_may_reach(
    folder: Path, tmp_path: Path, agent: Agent, key: str, own: Said
) -> None:
    (tmp_path / "link").symlink_to("/etc")
    agent = Agent(**{**{name: getattr(agent, name) for name in agent.__struct_fields__}, "source": str(tmp_path / "x.toml")})
    with pytest.raises(UsageError, match=f"x.toml: {key} widens") as error:
        completed(Said(), agent)
    assert "agents new NAME --from FILE" in error.value.hint
    completed(own, agent)
    mine = Agent(**{**{name: getattr(agent, name) for name in agent.__struct_fields__}, "source": str(folder / "x.toml")})
    completed(Said(), mine)


def test_a_file_from_elsewhere_may_take_away_and_start_things(tmp_path: Path) -> None:
    text = "policy = 'offline'\nmode = 'plan'\nmodel = 'embedded'\n[start]\napps = ['mousepad']\nhome = 'files'\n"
    said = completed(Said(), parse(text, tmp_path / "x.toml"))
    assert said == Said(("mousepad",), "", str(tmp_path / "files"), "embedded", policy="offline")
