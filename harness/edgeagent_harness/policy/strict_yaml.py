"""YAML read strictly: every key must be known, every value of its kind; a mistake is told with its line and the nearest key."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

import yaml

from edgeagent_harness.errors import UsageProblem

_INTEGER, _FLOAT, _STRING = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:str"


class Section:
    """One mapping. Each value is taken by name; `done` refuses what nobody took."""

    def __init__(self, node: yaml.Node, path: str, source: str) -> None:
        self.path = path
        self._source = source
        self._line = node.start_mark.line + 1
        self._values: dict[str, yaml.Node] = {}
        self._key_lines: dict[str, int] = {}
        self._known: list[str] = []
        if not isinstance(node, yaml.MappingNode):
            raise self.error(f"{path or 'a policy'} must be a mapping of keys to values", self._line)
        for key, value in node.value:
            self._add(key, value)

    def section(self, name: str) -> Section | None:
        """The mapping under ``name``, if there is one."""
        node = self._take(name)
        return None if node is None else Section(node, self._full(name), self._source)

    def sections(self, name: str) -> list[Section]:
        """The list of mappings under ``name``."""
        node = self._take(name)
        return [Section(item, self._full(name), self._source) for item in self._items(name, node)]

    def text(self, name: str, default: str, allowed: tuple[str, ...] = ()) -> str:
        """A string, one of ``allowed`` if that says any."""
        node = self._take(name)
        if node is None:
            return default
        value = self._scalar(name, node, (_STRING,))
        if allowed and value not in allowed:
            raise self._not_among(name, value, allowed)
        return value

    def texts(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list of strings."""
        node = self._take(name)
        return default if node is None else tuple(self._scalar(name, item, (_STRING,)) for item in self._items(name, node))

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """A number from ``low`` to ``high``."""
        node = self._take(name)
        if node is None:
            return default
        return self._in_range(name, float(self._scalar(name, node, (_INTEGER, _FLOAT))), low, high)

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``."""
        node = self._take(name)
        if node is None:
            return default
        return int(self._in_range(name, int(self._scalar(name, node, (_INTEGER,)), 0), low, high))

    def not_yet(self, name: str) -> None:
        """Refuse ``name``: it belongs to the format, but this version cannot enforce it."""
        if self._take(name) is not None:
            raise self.error(
                f"{self._full(name)} is not enforced in this version, so it is refused; remove it", self.line_of(name)
            )

    def done(self) -> None:
        """Refuse keys that nobody asked for."""
        for key, line in self._key_lines.items():
            if key not in self._known:
                near = difflib.get_close_matches(key, self._known, 1, cutoff=0.5)
                hint = f"; did you mean {near[0]!r}?" if near else f"; known here: {', '.join(sorted(self._known))}"
                raise self.error(f"unknown key {self._full(key)!r}{hint}", line)

    def line_of(self, name: str) -> int:
        """Line of the key ``name``, or of the section if it is not there."""
        return self._key_lines.get(name, self._line)

    def error(self, message: str, line: int) -> UsageProblem:
        """A problem in this file at ``line``."""
        return UsageProblem(f"{self._source}, line {line}: {message}")

    def _add(self, key: yaml.Node, value: yaml.Node) -> None:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise self.error("a key must be a plain word", line)
        if key.value in self._values:
            raise self.error(f"{self._full(key.value)!r} is given twice, first in line {self._key_lines[key.value]}", line)
        self._values[key.value] = value
        self._key_lines[key.value] = line

    def _take(self, name: str) -> yaml.Node | None:
        self._known.append(name)
        return self._values.get(name)

    def _items(self, name: str, node: yaml.Node | None) -> Iterator[yaml.Node]:
        if node is None:
            return
        if not isinstance(node, yaml.SequenceNode):
            raise self.error(f"{self._full(name)} must be a list", node.start_mark.line + 1)
        yield from node.value

    def _scalar(self, name: str, node: yaml.Node, tags: tuple[str, ...]) -> str:
        if not isinstance(node, yaml.ScalarNode) or node.tag not in tags:
            kind = "text" if tags == (_STRING,) else "a whole number" if tags == (_INTEGER,) else "a number"
            raise self.error(f"{self._full(name)} must be {kind}", node.start_mark.line + 1)
        return str(node.value)

    def _in_range(self, name: str, value: float, low: float, high: float) -> float:
        if not low <= value <= high:
            raise self.error(f"{self._full(name)} must be from {low:g} to {high:g}, not {value:g}", self.line_of(name))
        return value

    def _not_among(self, name: str, value: str, allowed: tuple[str, ...]) -> UsageProblem:
        near = difflib.get_close_matches(value, allowed, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return self.error(f"{self._full(name)} must be {' or '.join(allowed)}, not {value!r}{hint}", self.line_of(name))

    def _full(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name


def read(text: str, source: str) -> Section:
    """The top mapping of ``text``; ``source`` names it in errors. Raises `UsageProblem`."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsageProblem(f"{source}, line {line}: no valid YAML: {error.problem}") from error
    if node is None:
        raise UsageProblem(f"{source}: the policy is empty; leave it away for the default")
    return Section(node, "", source)
