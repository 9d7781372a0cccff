"""What only this machine can tell of a policy is told with its line: unknown system calls, directories that are none."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from edgeagent_harness.errors import UsageProblem
from edgeagent_harness.outside.containment import policy_check
from edgeagent_harness.outside.session import make_plan
from edgeagent_harness.policy.files import PROFILES, profile_text
from edgeagent_harness.policy.parse import parse
from edgeagent_harness.protocol.messages import DesktopSpec


@pytest.fixture
def place() -> Generator[Path]:
    """A directory that does not lie in /tmp, which is another one inside."""
    with TemporaryDirectory(dir="/var/tmp") as path:
        yield Path(path).resolve()


def filesystem(**lists: Path) -> str:
    shown = "".join(f"    {key}: [{always}, {lists[key]}]\n" for key, always in ALWAYS.items() if key in lists)
    return f"execution_environment:\n  filesystem:\n{shown}"


ALWAYS = {"read_only": "/usr", "read_write": "/home/agent"}


def refusal(text: str, keep_out: tuple[str, ...] = ()) -> str:
    with pytest.raises(UsageProblem) as refused:
        policy_check.check(parse(text, "my.yaml"), "my.yaml", keep_out)
    return str(refused.value)


@pytest.mark.parametrize("name", PROFILES)
def test_the_shipped_profiles_hold_here(name: str) -> None:
    policy_check.check(parse(profile_text(name), name), name)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("system_calls:\n  deny: [ptrase]", "line 2: system_calls.deny: 'ptrase' is no system call of this machine; did"),
        ("system_calls: {executor_deny: [nonsense]}", "line 1: system_calls.executor_deny: 'nonsense' is no system call"),
        ("system_calls: {allow: [nonsense]}", "line 1: system_calls.allow: 'nonsense' is no system call"),
        ("system_calls: {deny: [execve]}", "'execve' cannot be denied: everything inside needs it"),
        ("system_calls: {allow: [mount]}", "'mount' cannot be permitted again: it reaches beyond the sandbox"),
        ("system_calls: {allow: [io_uring_setup]}", "'io_uring_setup' cannot be permitted again"),
        ("system_calls: {allow: [setns]}", "'setns' cannot be permitted again"),
    ],
)  # fmt: skip
def test_system_calls(text: str, says: str) -> None:
    assert says in refusal(text)


def test_what_is_permitted_anyway_may_be_named() -> None:
    policy_check.check(parse("system_calls: {allow: [read, ptrace]}", "my.yaml"))


@pytest.mark.parametrize("key", ALWAYS)
def test_directories_must_be_there_and_be_what_they_seem(place: Path, key: str) -> None:
    file, link, real = place / "file", place / "link", place / "real"
    file.touch()
    real.mkdir()
    link.symlink_to(real)
    where = f"my.yaml, line 3: execution_environment.filesystem.{key}: "
    assert f"{where}{str(file)!r} is no directory here" in refusal(filesystem(**{key: file}))
    assert "is no directory here" in refusal(filesystem(**{key: place / "none"}))
    assert f"a symlink to {str(real)!r}; name that" in refusal(filesystem(**{key: link}))
    policy_check.check(parse(filesystem(**{key: real}), "my.yaml"))


def test_what_runs_outside_cannot_be_writable(place: Path) -> None:
    inner = place / "venv"
    inner.mkdir()
    assert "which runs outside the sandbox" in refusal(filesystem(read_write=place), (str(inner),))


@pytest.mark.parametrize("path", ["/srv", "/mnt", "/var/lib"])
def test_a_directory_of_the_system_cannot_be_writable(path: str) -> None:
    assert "a directory of the system or of a user" in refusal(filesystem(read_write=Path(path)))


def test_home_and_writable_directory_lie_apart(place: Path) -> None:
    (place / "home").mkdir()
    spec = DesktopSpec(home=str(place / "home"), policy_yaml=filesystem(read_write=place), policy_name="my.yaml")
    with pytest.raises(UsageProblem, match="lie one in the other"):
        make_plan(spec)
