"""What is asked of bwrap and Landlock: namespaces, a short list of files, and nothing of the host's home."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from edgeagent_harness.errors import EnvironmentLacks, UsageProblem
from edgeagent_harness.outside.containment import layers, runtime, sandbox
from edgeagent_harness.outside.containment.sandbox import Binds, Descriptors

NOTHING = Binds()


@pytest.fixture(scope="module")
def python() -> runtime.Runtime:
    return runtime.find()


def words(python: runtime.Runtime, binds: Binds = NOTHING, disable_userns: bool = True) -> list[str]:
    fds = Descriptors()
    try:
        return sandbox.arguments(python, binds, b"program", fds, disable_userns)
    finally:
        fds.close()


def bound(argv: list[str]) -> dict[str, str]:
    """Place inside -> (option, host path) of every bind."""
    return {
        argv[at + 2]: f"{word} {argv[at + 1]}" for at, word in enumerate(argv) if word in ("--bind", "--ro-bind", "--ro-bind-try")
    }


def test_every_namespace_is_its_own_and_nothing_is_inherited(python: runtime.Runtime) -> None:
    argv = words(python)
    for option in ("--unshare-user", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--disable-userns"):
        assert option in argv
    assert argv[argv.index("--cap-drop") + 1] == "ALL"
    assert "--disable-userns" not in words(python, disable_userns=False)


def test_only_the_home_is_bound_writable(python: runtime.Runtime, tmp_path: Path) -> None:
    with_home = bound(words(python, Binds(home=str(tmp_path), shared=(("/srv/pages", "/srv/pages"),))))
    assert [place for place, bind in with_home.items() if bind.startswith("--bind ")] == [sandbox.HOME_INSIDE]
    assert with_home["/srv/pages"] == "--ro-bind /srv/pages"
    assert not [place for place, bind in bound(words(python)).items() if bind.startswith("--bind ")]


def test_the_host_home_is_not_among_the_binds(python: runtime.Runtime) -> None:
    home = os.path.expanduser("~")
    allowed = {source for source, _ in python.binds}
    sources = {bind.split(" ", 1)[1] for bind in bound(words(python)).values()}
    assert not {source for source in sources - allowed if source == home or source.startswith(f"{home}/")}
    assert "/etc" not in sources
    assert "/etc/passwd" not in sources


def test_of_the_harness_only_inside_and_the_protocol_go_in(python: runtime.Runtime) -> None:
    ours = [place for _, place in python.packages if "edgeagent" in Path(place).name or "/edgeagent_harness/" in place]
    assert sorted(Path(place).name for place in ours) == ["__init__.py", "errors.py", "inside", "isolation", "protocol"]
    assert not [place for _, place in python.packages if "numpy" in place or "pyseccomp" in place]


def test_landlock_lets_nothing_be_written_and_run(python: runtime.Runtime) -> None:
    rules = sandbox.landlock_rules(python, Binds(tmpfs=("/scratch",)))
    writable = {rule.path for rule in rules if rule.access == "write"}
    readable = {rule.path for rule in rules if rule.access == "read"}
    assert writable == {sandbox.HOME_INSIDE, "/tmp", "/run", "/dev/shm", "/scratch"}
    assert not {path for path in writable for top in readable if path == top or path.startswith(f"{top}/")}
    assert "/" not in readable


def test_only_the_listed_descriptors_reach_the_command() -> None:
    leaked = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(leaked, True)
    ours, theirs = socket.socketpair()
    fds = Descriptors()
    data = fds.data(b"x")
    read_end, write_end = os.pipe()
    lister = "import os; print(sorted(int(fd) for fd in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{fd}')))"
    process = sandbox.start([sys.executable, "-S", "-c", lister], theirs, fds, write_end)
    process.wait(20)
    assert os.read(read_end, 1000).decode().strip() == str(sorted([0, 1, 2, theirs.fileno(), data]))
    for end in (ours, theirs):
        end.close()
    for fd in (leaked, read_end, write_end):
        os.close(fd)


def test_a_copied_runtime_looks_the_same_from_inside(
    python: runtime.Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "private"
    source.mkdir(mode=0o700)
    (source / "module.py").write_text("x = 1\n")
    (source / "module.py").chmod(0o600)
    monkeypatch.setattr(runtime, "_CACHE", tmp_path / "cache")
    private = runtime.Runtime(python.python, (), ((str(source), "/opt/edgeagent/lib/private"),))
    copy = runtime.copied(private)
    ((copied_to, place),) = copy.binds
    assert place == "/opt/edgeagent/lib/private"
    assert Path(copied_to, "module.py").read_text() == "x = 1\n"
    assert Path(copied_to).stat().st_mode & 0o777 == 0o755
    assert Path(copied_to, "module.py").stat().st_mode & 0o777 == 0o644
    assert runtime.copied(private) == copy
    os.utime(source / "module.py", ns=(2**60, 2**60))
    assert runtime.copied(private) != copy


# -- layers -----------------------------------------------------------------------------------------------------------------


def test_a_missing_layer_is_refused_with_its_mend_unless_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers.landlock, "abi_version", lambda: 0)
    with pytest.raises(EnvironmentLacks, match=r"landlock is missing.*(?s:.*)accept_missing: \[landlock\]"):
        layers.decide(())
    assert "landlock" in layers.decide(("landlock",)).missing


@pytest.mark.parametrize("name", ["seccomp", "user_namespaces", "no_such_layer"])
def test_nothing_runs_without_the_core_layers(name: str) -> None:
    with pytest.raises(UsageProblem, match="cannot be accepted as missing"):
        layers.decide((name,))


def test_an_old_bwrap_does_without_its_second_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "_bwrap_version", lambda: (0, 6, 1))
    assert "nested_user_namespaces" in layers.decide(()).missing


def test_a_snap_stub_is_told_from_a_browser(tmp_path: Path) -> None:
    stub = tmp_path / "chromium-browser"
    stub.write_text("#!/bin/sh\nif ! [ -x /snap/bin/chromium ]; then\n  echo 'requires the chromium snap' >&2\nfi\n")
    real = tmp_path / "chromium"
    real.write_text('#!/bin/sh\nexec /usr/lib/chromium/chromium "$@"\n')
    assert layers.is_snap_stub(stub)
    assert not layers.is_snap_stub(real)


@pytest.mark.parametrize(
    ("setting", "value", "mend"),
    [
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "AppArmor restricts user namespaces"),
        ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "user.max_user_namespaces=15000"),
        ("none", "", "container that may not create user namespaces"),
    ],
)
def test_a_bwrap_without_namespaces_is_diagnosed(monkeypatch: pytest.MonkeyPatch, setting: str, value: str, mend: str) -> None:
    monkeypatch.setattr(layers, "_sysctl", lambda name: value if name == setting else "")
    assert mend in layers.diagnose("bwrap: setting up uid map: Permission denied")
    assert layers.diagnose("some other failure") == "some other failure"


def test_check_says_no_with_a_mend_where_namespaces_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(argv: list[str], **_options: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(argv, 1, "", "bwrap: No permissions to create new namespace")

    layers.decide(())
    monkeypatch.setattr(layers.subprocess, "run", refused)
    layer = next(layer for layer in layers.check() if layer.name == "user_namespaces")
    assert not layer.present
    assert "No permissions" in layer.detail
    assert layer.mend
