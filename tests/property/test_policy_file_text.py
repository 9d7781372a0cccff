"""Whatever a policy file holds: it is read as it stands, or refused with file and line; nothing is followed, merged or run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edgeagent_harness.errors import UsageProblem
from edgeagent_harness.policy.files import PROFILES, profile_text
from edgeagent_harness.policy.hosts import canonical_endpoint_host
from edgeagent_harness.policy.parse import parse
from edgeagent_harness.policy.strict_yaml import MAX_CHARS
from edgeagent_harness.policy.types import Policy

LOCKED = profile_text("locked")
BOMB = "a: &a [x, x]\n" + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20))
TRAPS = {
    "alias bomb": (BOMB, "anchors"),
    "alias": ("version: 1\nagent_profile: *x\n", "aliases"),
    "tag": ("version: !!int 1\n", "tags"),
    "python object": ("agent_profile: !!python/object/apply:os.system [id]\n", "tags"),
    "own tag": ("network: !x {}\n", "tags"),
    "merge key": ("network:\n  <<: {egress: {mode: deny}}\n", "merge keys"),
    "duplicate": ("version: 1\nversion: 1\n", "given twice, first in line 1"),
    "duplicate, other quoting": ("version: 1\n'version': 1\n", "given twice, first in line 1"),
    "key on": ("on: 1\n", "unknown key 'on'"),
    "value no": ("agent_profile: no\n", "must be text; to mean the text, quote it: 'no'"),
    "value null": ("agent_profile: ~\n", "must be text"),
    "value date": ("agent_profile: 2026-11-21\n", "must be text"),
    "key list": ("? [a]\n: b\n", "a key must be a plain word"),
    "two documents": ("version: 1\n---\nversion: 1\n", "another document"),
    "directive": ("%YAML 1.1\n---\nversion: 1\n", "directives"),
    "byte order mark": ("\ufeffversion: 1\n", "byte order mark"),
    "nul": ("version: 1\0\n", r"control character '\x00'"),
    "escape": ("agent_profile: a\x1b[2Jb\n", r"control character '\x1b'"),
    "right to left": ("agent_profile: a\u202eb\n", r"control character '\u202e'"),
    "escaped nul": ('agent_profile: "a\\0b"\n', "cannot be seen"),
    "line separator": ("version: 1 # \u2028agent_profile: x\n", "control character"),
    "deep": ("[" * 5000, "nested deeper"),
    "deep mapping": ("a: {" * 5000, "nested deeper"),
    "long": ("#" * (MAX_CHARS + 1), "too long"),
    "empty": ("# nothing\n", "the policy is empty"),
    "list": ("- version\n", "a policy must be a mapping"),
    "octal": ("resource_limits: {max_pids: 0400}\n", "must be a whole number"),
    "base 60": ("resource_limits: {max_pids: 4:16}\n", "must be a whole number"),
    "underscores": ("resource_limits: {max_pids: 1_024}\n", "must be a whole number"),
    "huge number": (f"resource_limits: {{max_pids: {'9' * 5000}}}\n", "must be a whole number"),
    "not a number": ("resource_limits: {max_memory_gb: .nan}\n", "must be a number"),
    "half a file": (LOCKED[: LOCKED.index("read_only: [/usr]") + 14], "no valid YAML"),
}  # fmt: skip


@pytest.mark.parametrize("name", TRAPS)
def test_traps_are_refused_with_their_reason(name: str) -> None:
    text, says = TRAPS[name]
    with pytest.raises(UsageProblem) as refused:
        parse(text, "my.yaml")
    assert str(refused.value).startswith("my.yaml")
    assert says in str(refused.value)
    assert str(refused.value).isprintable()


YAML_CHARACTERS = st.text(st.sampled_from("ab:-,[]{}&*!|>'\"%@`#?~<=.0179 \n\t\r\\\0\ufeff\u2028é"), max_size=200)


def read(text: str) -> Policy | None:
    """The policy that ``text`` is; None: it was refused as it should be."""
    try:
        return parse(text, "my.yaml")
    except UsageProblem as problem:
        told = str(problem)
    assert told.startswith("my.yaml")
    return None


@given(st.one_of(YAML_CHARACTERS, st.text(max_size=200)))
@example("? " * 3000)
@example("!<")
@example("'" * 999)
def test_any_text_is_read_or_refused(text: str) -> None:
    read(text)


@given(st.integers(0, len(LOCKED)), st.integers(0, 40), YAML_CHARACTERS)
def test_a_damaged_policy_is_read_or_refused(start: int, length: int, inserted: str) -> None:
    read(LOCKED[:start] + inserted[:20] + LOCKED[start + length :])


@given(st.sampled_from(sorted(PROFILES)), st.data())
def test_lines_may_be_commented_out_but_never_half(name: str, data: st.DataObject) -> None:
    """Taking keys away leads back to their defaults: never to more than the profile permits, for locked permits least."""
    lines = profile_text(name).splitlines()
    gone = data.draw(st.sets(st.integers(0, len(lines) - 1)))
    found = read("\n".join("#" if number in gone else line for number, line in enumerate(lines)))
    if found and name == "locked":
        assert replace(found, profile="locked") == Policy()


@given(st.text(max_size=60))
@example("*.a.example")
@example("ß.example")
@example("a。example")
@example("１２７.0.0.1")
def test_a_host_has_one_spelling(text: str) -> None:
    try:
        host = canonical_endpoint_host(text)
    except ValueError:
        return
    assert host.isascii()
    assert host == host.lower()
    assert canonical_endpoint_host(host) == host
    assert not set(host) & set("/@?#[]%\\ ")
