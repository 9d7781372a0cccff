"""An offline session is PROVEN, and each planted leak makes it NOT PROVEN by the name of the check that finds it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from support.processes import names, survivors, tree, wait_until

from edgeagent.prove.proving import Proof, prove
from edgeagent.prove.verifying import verify

pytestmark = pytest.mark.sandbox

AS_USER = Path(__file__).parent.parent / "support" / "as_ordinary_user.py"
RIG = Path(__file__).parent.parent / "support" / "proof_rig.py"


@pytest.fixture
def scratch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory that the sandbox's user may reach, which pytest's may not be."""
    made = Path(tempfile.mkdtemp(prefix="edgeagent-proof-"))
    made.chmod(0o755)
    monkeypatch.setenv("EDGEAGENT_HOME", str(made / "data"))
    yield made
    shutil.rmtree(made)


def proven(plant: str, scratch: Path, meanwhile: Callable[[], None] | None = None) -> Proof:
    """What `prove` says of the rig; ``meanwhile`` is called while its session goes on."""

    def let_go() -> None:
        try:
            wait_until((scratch / "going").exists, 60)
            if meanwhile:
                meanwhile()
        finally:
            (scratch / "go").touch()

    other = threading.Thread(target=let_go)
    if meanwhile:
        other.start()
    else:
        (scratch / "go").touch()
    before = set(psutil.Process().children())
    try:
        return prove([sys.executable, "-P", str(RIG), plant, str(scratch)])
    finally:
        if meanwhile:
            other.join()
        for left in set(psutil.Process().children()) - before:  # planted, and come to the prober, which is this process
            left.kill()
            left.wait()


PLUGS = (
    "link add veth0 type veth peer name veth1", "link set veth0 up", "link set veth1 up", "addr add 192.0.2.1/24 dev veth0",
)  # fmt: skip
"""A cable within one namespace, and a route."""


def failed(proof: Proof) -> dict[str, str]:
    assert proof.statement.verdict == "NOT PROVEN"
    return {check.name: check.detail for check in proof.statement.checks if check.result == "failed"}


def test_a_session_without_a_leak_is_proven(scratch: Path) -> None:
    proof = proven("none", scratch)
    assert [check for check in proof.statement.checks if check.result == "failed"] == []
    assert proof.statement.verdict == "PROVEN"
    assert {process.kind for process in proof.statement.processes} >= {"app", "starter", "engine", "supervisor", "executor"}
    assert proof.path is not None
    found = verify(proof.path)
    assert found.ok, found.problems
    assert found.statement.events.lines > 3
    assert found.statement.audit.lines > 0


PROVE = """
import sys
from edgeagent.prove.proving import prove
stated = prove([sys.executable, "-P", *sys.argv[1:]]).statement
print(*(check for check in stated.checks if check.result != "passed"), stated.prober_user, stated.verdict)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's half: the other tests do it")
def test_a_session_of_an_ordinary_user_is_proven_too(scratch: Path) -> None:
    (scratch / "go").touch()
    command = [sys.executable, str(AS_USER), "65532", str(scratch), "-P", "-c", PROVE, str(RIG), "none", str(scratch)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.endswith("65532 PROVEN\n"), done.stdout + done.stderr


def test_a_run_ends_with_its_prober(scratch: Path) -> None:
    prober = subprocess.Popen([sys.executable, "-P", "-c", PROVE, str(RIG), "none", str(scratch)], stdout=subprocess.DEVNULL)
    try:
        wait_until((scratch / "going").exists, 60)
        run = tree(prober.pid)[1:]
        assert "bwrap" in names(run)
    finally:
        prober.kill()
        prober.wait()
    assert survivors(run) == []


@pytest.mark.slow
def test_where_there_is_no_namespace_for_it_the_filter_does(scratch: Path) -> None:
    proof = proven("no_namespace", scratch)
    assert proof.statement.verdict == "PROVEN"
    told = next(check for check in proof.statement.checks if check.name == "processes.own_network")
    assert "held by the filter alone: app" in told.detail


@pytest.mark.slow
def test_a_connection_that_the_app_inherited(scratch: Path) -> None:
    found = failed(proven("app_socket", scratch))
    assert "app" in found["processes.no_foreign_sockets"]
    assert "AF_INET" in found["processes.no_foreign_sockets"]


@pytest.mark.slow
def test_a_connection_that_leaked_into_the_engine(scratch: Path) -> None:
    assert "engine" in failed(proven("engine_socket", scratch))["processes.no_foreign_sockets"]


def test_a_connection_that_leaked_into_the_sandbox(scratch: Path) -> None:
    path = scratch / "socket"
    with socket.socket(socket.AF_UNIX) as giver, socket.create_server(("127.0.0.1", 0)) as listener:
        giver.bind(str(path))
        giver.listen()
        giver.settimeout(60)

        def give() -> None:
            taker, _ = giver.accept()
            with taker, socket.create_connection(listener.getsockname()) as leak:
                socket.send_fds(taker, [b"x"], [leak.fileno()])

        thread = threading.Thread(target=give)
        thread.start()
        found = failed(proven("sandbox_socket", scratch))
        thread.join()
    assert "process 1" in found["processes.no_foreign_sockets"]


@pytest.mark.slow
def test_an_app_without_its_filter(scratch: Path) -> None:
    found = failed(proven("app_filter", scratch))
    assert "app" in found["processes.filtered"]
    assert "tcp4" in found["canary.app"]


def test_an_engine_outside_of_its_network_and_without_filter(scratch: Path) -> None:
    found = failed(proven("engine_outside", scratch))
    assert "engine" in found["processes.own_network"]
    assert "tcp4 arrived" in found["canary.engine"]
    assert "from engine" in found["prober.listeners"]


def test_a_helper_outside_with_a_filter_that_forbids_nothing_of_this(scratch: Path) -> None:
    assert "sleep" in failed(proven("filtered_helper", scratch))["processes.own_network"]


@pytest.mark.slow
def test_a_supervisor_outside(scratch: Path) -> None:
    found = failed(proven("supervisor_outside", scratch))
    assert "supervisor" in found["processes.own_network"]
    assert "tcp4 arrived" in found["canary.supervisor"]


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("nsenter"), reason="needs root, who may enter the sandbox's network")
def test_a_device_and_a_route_added_in_mid_run(scratch: Path) -> None:
    def plug_in() -> None:
        inside = next(process for process in psutil.Process().children(recursive=True) if names([process]) == ["Xvfb"])
        enter = ["nsenter", "-t", str(inside.pid), "-n", "ip"]
        for words in PLUGS:
            subprocess.run([*enter, *words.split()], check=True, timeout=10)
        threading.Event().wait(1.0)

    found = failed(proven("device", scratch, plug_in))
    assert "veth0" in found["processes.no_devices"]
    assert "veth0" in found["processes.no_routes"]
    # The new device has announced itself: packets that left, on a cable that ends in the same namespace.
    assert not shutil.which("nft") or "packets" in found["session.counters"]


@pytest.mark.slow
def test_a_process_with_a_network_that_appears_in_mid_run(scratch: Path) -> None:
    def appear() -> None:
        subprocess.run(["sleep", "1"], check=True)

    found = failed(proven("late_process", scratch, appear))
    assert "sleep" in found["processes.own_network"]
