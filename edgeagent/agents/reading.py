"""Agents are found by name in the user's own folder, or by the path of a file; nowhere else is looked. They are read strictly."""

from __future__ import annotations

import os
import re
import tomllib
from difflib import get_close_matches
from pathlib import Path

import msgspec

from edgeagent.agents.agent import Agent, AgentLimits, AgentStart
from edgeagent.errors import UsageError
from edgeagent.policy.facts import PASSIVE_KINDS
from edgeagent.settings import MODES, config_path
from edgeagent.small_files import read_text, toml, why
from edgeagent_harness.policy.gate_parse import ACTION_KINDS

MAX_BYTES = 32 * 1024
MAX_PROMPT_CHARS = 8_000
"""It goes to the model with each prompt."""
SUFFIX = ".toml"
_MAX_LINES_LOOKED_THROUGH = 500
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_MAY_BREAK = "\n\t"
_SET_BY_US = ("name", "source")
_SECTIONS: dict[str, type[msgspec.Struct]] = {"limits": AgentLimits, "start": AgentStart}
_AT = re.compile(r" - at `\$\.?([\w.]*)[^`]*`$")


def agents_folder() -> Path:
    """The user's own: ``~/.config/edgeagent/agents``. No sandbox ever sees it."""
    return config_path().parent / "agents"


def is_own(agent: Agent) -> bool:
    """Whether ``agent`` lies in the user's own folder, so that what it permits is the user's word."""
    return os.path.dirname(os.path.abspath(agent.source)) == os.path.abspath(agents_folder())


def own_file(name: str) -> Path:
    """Where the user's agent ``name`` lies. Raises `UsageError` for what is no name."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name of an agent", "names are of lower-case letters, digits, - and _")
    return agents_folder() / f"{name}{SUFFIX}"


def own_names() -> list[str]:
    """The names of the user's agents, whether sound or not."""
    return sorted(path.stem for path in agents_folder().glob(f"*{SUFFIX}") if _NAME.fullmatch(path.stem))


def load(choice: str) -> Agent | None:
    """The agent that ``choice`` names: one of the user's, or with a ``/`` or ``.toml`` in it a file. Empty: none.

    Raises `UsageError`.
    """
    if not choice:
        return None
    if "/" in choice or choice.endswith(SUFFIX):
        return read(Path(choice).expanduser().absolute())
    path = own_file(choice)
    if not os.path.lexists(path):
        known = own_names()
        near = get_close_matches(choice, known, n=1)
        listed = f"there are: {', '.join(known)}" if known else f"make one: edgeagent agents new {choice}"
        raise UsageError(f"no agent is called {choice!r} in {path.parent}", f"did you mean {near[0]}?" if near else listed)
    return read(path)


def read(path: Path) -> Agent:
    """The agent in the file ``path``. Raises `UsageError` with the line, where it can be told, and the mend."""
    try:
        return parse(read_text(path, "the agent", MAX_BYTES), path)
    except FileNotFoundError as error:
        raise UsageError(f"the agent {path} cannot be read: {why(error)}", "see `edgeagent agents list`") from error


def parse(text: str, path: Path) -> Agent:
    """The agent that ``text`` describes, as if it stood in ``path``. Raises `UsageError`."""
    raw = toml(text, path)
    try:
        _refuse_unknown(raw, text, path)
        agent = msgspec.convert({**raw, "name": path.stem, "source": str(path)}, Agent)
    except msgspec.ValidationError as error:
        where = _AT.search(str(error))
        key = where[1] if where else ""
        hint = f"write one of {', '.join(MODES)}" if key == "mode" else "see docs/agents.md"
        raise _problem(text, path, key, f"{key}: {_in_toml_words(error)}", hint) from error
    _check(agent, text, path)
    return agent


def line_of(text: str, key: str) -> int:
    """The line that the dotted ``key`` begins in; 0: it cannot be told.

    The beginnings of the text are parsed, longer and longer: the key begins behind the longest that is TOML and lacks it.
    """
    lines = text.split("\n")
    before = 0
    for count in range(1, min(len(lines), _MAX_LINES_LOOKED_THROUGH) + 1):
        try:
            found: object = tomllib.loads("\n".join(lines[:count]))
        except tomllib.TOMLDecodeError:
            continue
        for part in key.split("."):
            found = found.get(part) if isinstance(found, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
        if found is not None:
            return before + 1
        before = count
    return 0


def _refuse_unknown(raw: dict[str, object], text: str, path: Path) -> None:
    known = [name for name in Agent.__struct_fields__ if name not in _SET_BY_US]
    _refuse_other_than(known, raw, "", text, path)
    for name, kind in _SECTIONS.items():
        section = raw.get(name)
        if isinstance(section, dict):
            _refuse_other_than(list(kind.__struct_fields__), section, f"{name}.", text, path)  # pyright: ignore[reportUnknownArgumentType]


def _refuse_other_than(known: list[str], given: dict[str, object], within: str, text: str, path: Path) -> None:
    for key in given:
        if key not in known:
            raise _problem(text, path, within + key, f"unknown key {within + key!r}", _near(key, known))


def _check(agent: Agent, text: str, path: Path) -> None:
    """Raise `UsageError` for values that are of the right kind, and no use."""
    for name in ("actions", "ask"):
        kinds: tuple[str, ...] = getattr(agent, name)
        unknown = next((kind for kind in kinds if kind not in ACTION_KINDS), None)
        if unknown is not None:
            raise _problem(text, path, name, f"{name}: {unknown!r} is no action", _near(unknown, ACTION_KINDS))
        if not kinds and line_of(text, name):
            raise _problem(text, path, name, f"{name} is empty", "name an action, or leave it away")
    if agent.actions and (never := sorted(set(agent.ask) - set(agent.actions) - PASSIVE_KINDS)):
        raise _problem(text, path, "ask", f"ask: {never[0]!r} is not among actions", "add it there, or leave it away here")
    if len(agent.prompt) > MAX_PROMPT_CHARS:
        raise _problem(text, path, "prompt", f"prompt has {len(agent.prompt)} characters", f"at most {MAX_PROMPT_CHARS} are read")
    for name, value in (("description", agent.description), ("prompt", agent.prompt)):
        may_break = _MAY_BREAK if name == "prompt" else ""
        odd = next((char for char in value if not char.isprintable() and char not in may_break), None)
        if odd is not None:
            raise _problem(text, path, name, f"{name} has the control character {odd!r} in it", "take it out")


def _in_toml_words(error: msgspec.ValidationError) -> str:
    return _AT.sub("", str(error)).replace("`object`", "a table").replace("`array`", "a list").replace("`str`", "a text")


def _problem(text: str, path: Path, key: str, message: str, hint: str) -> UsageError:
    line = line_of(text, key) if key else 0
    return UsageError(f"{path}, line {line}: {message}" if line else f"{path}: {message}", hint)


def _near(word: str, known: list[str] | tuple[str, ...]) -> str:
    near = get_close_matches(word, known, n=1)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
