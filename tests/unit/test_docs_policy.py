"""The policies on the page load, the one that is called the default is it, and the shipped profiles say what the page says."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from edgeagent.cli.policy import policy as command
from edgeagent_harness.outside.containment import policy_check, seccomp
from edgeagent_harness.policy.files import PROFILES, profile_text
from edgeagent_harness.policy.parse import parse
from edgeagent_harness.policy.types import ACCEPTABLE_MISSING, Endpoint, Policy

TEXT = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
LOCKED, ENDPOINTS, NEMOCLAW = EXAMPLES


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_loads_and_holds_here(example: str) -> None:
    policy_check.check(parse(example, "docs/policy.md"))


def test_the_first_is_the_default_written_out() -> None:
    assert parse(LOCKED) == parse(profile_text("locked")) == Policy()


def test_every_key_is_on_the_page() -> None:
    """Commented-out keys included: with them the example has every key that the parser knows."""
    full = parse(re.sub(r"^(\s*)# (?=\w+: )", r"\1", LOCKED, flags=re.MULTILINE))
    limits = full.limits
    assert all((full.width, limits.max_disk_gb, limits.max_memory_gb, limits.cpu_percent, limits.timeout_s))
    assert all(name in LOCKED for name in ACCEPTABLE_MISSING)


def test_the_endpoints_are_what_their_comments_say() -> None:
    assert parse(ENDPOINTS).egress.endpoints[-1] == Endpoint("intranet.example", 80, ("GET", "HEAD"), ("/docs",))


def test_the_translated_form_says_what_the_table_says() -> None:
    assert len(parse(NEMOCLAW).notes) == 2
    told = parse(NEMOCLAW.replace("api.example.com", "api.example.com/v1")).notes
    assert len(told) == 3
    assert replace(parse(NEMOCLAW), profile="", notes=()).egress.endpoints[1].paths == ("/guide",)


def test_profiles_and_commands_are_on_the_page() -> None:
    assert all(f"| `{name}` |" in TEXT for name in PROFILES)
    assert all(f"edgeagent policy {name}" in TEXT for name in command.commands)


def test_what_may_be_permitted_again_is_among_what_is_denied() -> None:
    assert set(seccomp.PERMITTABLE) <= set(seccomp.DENIED)
