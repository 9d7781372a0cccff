"""The table of a policy's keys, by which a mistyped one is told its place, is what the parser itself knows."""

from __future__ import annotations

import pytest

from edgeagent_harness.policy import strict_yaml
from edgeagent_harness.policy.keys import KEYS
from edgeagent_harness.policy.parse import parse

EVERYTHING = """
execution_environment: {display: {width: 640}, filesystem: {read_only: [/usr]}}
network: {egress: {mode: allowlist, endpoints: [{host: a.example, port: 443}]}, ingress: {mode: deny}}
system_calls: {default: allow}
resource_limits: {max_pids: 100}
on_violation: {seccomp: deny}
enforcement: {missing_layer: fail}
audit: {path: a.jsonl}
gate:
  rules: [{decision: deny, actions: [click], regions: [{left: 1, top: 1, right: 2, bottom: 2}]}]
  limits: {max_steps: 1}
  escalation: {on_limit: end}
  governor: {max_sessions: 3}
redaction: {regions: [{name: a, left: 1, top: 1, right: 2, bottom: 2}], patterns: [{name: b, match: x}]}
secrets: [{name: a, source: environment, hosts: [a.example]}]
"""


def test_the_table_is_what_the_parser_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, set[str]] = {}

    def noted(section: strict_yaml.Section) -> None:
        asked[section.path] = set(section._known)  # pyright: ignore[reportPrivateUsage]  # what `done` judges by

    monkeypatch.setattr(strict_yaml.Section, "done", noted)
    parse(EVERYTHING, "every section")
    assert asked == {section: set(keys) for section, keys in KEYS.items()}
