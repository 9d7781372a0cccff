"""A session from elsewhere gets nothing of the machine that it comes to: folders, secrets, models, desktop, private addresses."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from edgeagent import events
from edgeagent.cloud.blobs import Blobs
from edgeagent.cloud.depot import Depot
from edgeagent.cloud.ledger import Ledger
from edgeagent.cloud.ledger.database import open_database
from edgeagent.errors import BundleRefused
from edgeagent.model_print import print_of
from edgeagent.recording.log import LOG_NAME, Author, EventLog
from edgeagent.runner.resuming import with_own_home
from edgeagent.sessions.store import SessionStore
from edgeagent.teleport.foreign import require_harmless
from edgeagent.teleport.manifest import ModelReference
from edgeagent.testing import FakeClock
from edgeagent_harness.protocol.messages import Application, DesktopSpec

HARMLESS = DesktopSpec(
    640, 480, "/home/alice", (Application(("xterm",)),), "http://127.0.0.1/", kiosk=True, policy_name="/home/alice/p.yaml",
    policy_yaml="network: {egress: {mode: allowlist, endpoints: [{host: example.org, port: 443}, {host: 8.8.8.8, port: 443}]}}",
)  # fmt: skip
POLICIES = {
    "read_write of its policy": "execution_environment: {filesystem: {read_write: [/home/agent, /srv/other]}}",
    "read_only of its policy": "execution_environment: {filesystem: {read_only: [/usr, /srv/other]}}",
    "browser_sandbox of its policy": "execution_environment: {browser_sandbox: native}",
    "re_permitted of its policy": "system_calls: {allow: [ptrace]}",
    "accept_missing of its policy": "enforcement: {accept_missing: [landlock]}",
    "secrets of its policy": "secrets: [{name: x, source: environment, hosts: [a.example]}]",
    "127.0.0.1:8470": "network: {egress: {mode: allowlist, endpoints: [{host: 127.0.0.1, port: 8470}]}}",
    "169.254.169.254:80": "network: {egress: {mode: allowlist, endpoints: [{host: 169.254.169.254, port: 80}]}}",
    "network.egress.mode offline": "network: {egress: {mode: offline}}",
    "a policy that cannot be read": "nonsense: 1",
}
SPECS: dict[str, object] = {"shared_dirs": ("/etc",), "session_bus": True, "offline": True, "accept_missing": ("landlock",)}


def created(spec: DesktopSpec, model: str = "embedded") -> events.SessionCreated:
    return events.SessionCreated("task", model, spec, "0.1.0")


def test_an_ordinary_session_is_harmless() -> None:
    require_harmless([created(HARMLESS)])


@pytest.mark.parametrize("what", POLICIES)
def test_policies(what: str) -> None:
    with pytest.raises(BundleRefused, match=what.replace(".", r"\.")):
        require_harmless([created(msgspec.structs.replace(HARMLESS, policy_yaml=POLICIES[what]))])


def test_every_further_field_of_a_desktop_is_refused() -> None:
    known = {"width", "height", "home", "applications", "url", "kiosk", "browser_scale", "browser_debug_pipe"}
    others = set(DesktopSpec.__struct_fields__) - known - {"policy_yaml", "policy_name"}
    assert others == {*SPECS, "host"}, "a new field: is it harmless for the machine that a session comes to?"
    for name, value in SPECS.items():
        with pytest.raises(BundleRefused, match=name):
            require_harmless([created(msgspec.structs.replace(HARMLESS, **{name: value}))])


def test_models() -> None:
    for facts in ([created(HARMLESS, "/etc/shadow")], [created(HARMLESS), events.ModelChanged("openai:http://169.254.169.254/")]):
        with pytest.raises(BundleRefused, match="the model"):
            require_harmless(facts)


def test_models_of_the_backends_own_folder(tmp_path: Path) -> None:
    """Found by name, and only if it is the same file."""
    at_home, there = tmp_path / "home" / "m.gguf", tmp_path / "there"
    for path, content in ((at_home, b"weights"), (there / "m.gguf", b"weights"), (there / "other.gguf", b"other")):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    engine = open_database(f"sqlite:///{tmp_path / 'ledger'}")
    depot = Depot(tmp_path / "cloud", Ledger(engine), Blobs(f"file://{tmp_path / 'blobs'}"), "cloud", models=there)
    size, mark = print_of(at_home)
    wanted = ModelReference("m.gguf", size_bytes=size, fingerprint=mark)
    require_harmless([created(HARMLESS, str(at_home))], depot.models_for(wanted))
    assert depot.models_for(msgspec.structs.replace(wanted, name="none.gguf")) == ()
    with pytest.raises(BundleRefused, match="another one here"):
        depot.models_for(msgspec.structs.replace(wanted, name="other.gguf"))
    with pytest.raises(BundleRefused, match="the model"):
        require_harmless([created(HARMLESS, "/etc/other.gguf")], depot.models_for(wanted))
    engine.dispose()


def test_a_file_that_is_called_like_the_policy_is_another_one_elsewhere(tmp_path: Path) -> None:
    """A tenant could put one into the session's home."""
    store = SessionStore(tmp_path, "cloud")
    (tmp_path / "one").mkdir()
    with EventLog.create(tmp_path / "one" / LOG_NAME, Author("one"), FakeClock()) as log:
        log.append(created(HARMLESS))
        log.append(events.HandedOver("cloud", 1))
    with store.open("one", FakeClock()) as session:
        spec = with_own_home(HARMLESS, session)
    assert (spec.policy_name, spec.home) == ("p.yaml", str(tmp_path / "one" / "home"))
