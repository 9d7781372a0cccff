"""`models pull` against a server that speaks a hub's routes: resumed, checked, by the broker, refused where it must be."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from support.hub import Hub, serving
from support.tiny_models import TinyModels

MODEL, VISION = "sub/tiny-Q4_0.gguf", "mmproj-tiny-F16.gguf"


@pytest.fixture
def hub(tiny_models: TinyModels) -> Generator[Hub]:
    files = {MODEL: tiny_models.dense.read_bytes(), VISION: tiny_models.mmproj.read_bytes(), "README.md": b"hello"}
    with serving(Hub("me/Tiny-GGUF", files)) as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def edgeagent(home: Path, endpoint: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "EDGEAGENT_HOME": str(home), "HF_ENDPOINT": endpoint, "HF_HOME": str(home / "hf")}
    command = [sys.executable, "-m", "edgeagent", "models", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_pulled_checked_listed_and_removed(hub: Hub, home: Path) -> None:
    done = edgeagent(home, hub.endpoint, "pull", "me/Tiny-GGUF", "--output", "json")
    assert done.returncode == 0, done.stderr
    directory = home / "models" / "tiny-q4_0"
    assert (directory / "tiny-Q4_0.gguf").read_bytes() == hub.files[MODEL]
    assert (directory / VISION).read_bytes() == hub.files[VISION]
    shelf = json.loads(done.stdout)
    assert shelf["model"]["sha256"] == hashlib.sha256(hub.files[MODEL]).hexdigest()
    assert (shelf["licence"], shelf["name"]) == ("apache-2.0", "tiny-q4_0")
    assert "licence: apache-2.0" in done.stderr
    again = edgeagent(home, hub.endpoint, "pull", "me/Tiny-GGUF")
    assert (again.returncode, "there is a model 'tiny-q4_0' already" in again.stderr) == (2, True)
    assert edgeagent(home, hub.endpoint, "rm", "tiny-q4_0", "--yes").returncode == 0
    assert not directory.exists()
    assert edgeagent(home, hub.endpoint, "rm", "tiny-q4_0", "--yes").returncode == 2


def test_what_an_interruption_left_is_gone_on_with(hub: Hub, home: Path) -> None:
    directory = home / "models" / "tiny-q4_0"
    directory.mkdir(parents=True)
    part = directory / f"tiny-Q4_0.gguf.{hub.sha256(MODEL)[:16]}.part"
    part.write_bytes(hub.files[MODEL][:100_000])
    done = edgeagent(home, hub.endpoint, "pull", "me/Tiny-GGUF")
    assert done.returncode == 0, done.stderr
    assert [asked for _, path, asked in hub.asked if path.endswith("tiny-Q4_0.gguf")] == ["bytes=100000-"]
    assert (directory / "tiny-Q4_0.gguf").read_bytes() == hub.files[MODEL]
    assert not part.exists()


def test_a_broken_connection_is_mended(hub: Hub, home: Path) -> None:
    hub.break_after = {MODEL: 50_000}
    assert edgeagent(home, hub.endpoint, "pull", "me/Tiny-GGUF").returncode == 0
    assert (home / "models" / "tiny-q4_0" / "tiny-Q4_0.gguf").read_bytes() == hub.files[MODEL]


def test_another_content_than_the_hub_states_is_refused(hub: Hub, home: Path) -> None:
    hub.stated = {MODEL: "ab" * 32}
    done = edgeagent(home, hub.endpoint, "pull", "me/Tiny-GGUF")
    assert done.returncode == 3
    assert "its SHA-256 is" in done.stderr
    assert list((home / "models").rglob("*")) == [home / "models" / "tiny-q4_0"]


def test_a_place_that_was_not_named_is_not_reached(hub: Hub, home: Path) -> None:
    """A hub sends one to a content network; only those that are known or named are followed."""
    with serving(Hub(hub.repository, hub.files)) as elsewhere:
        hub.redirect_to = elsewhere.endpoint
        done = edgeagent(home, hub.endpoint, "pull", "me/Tiny-GGUF")
        assert (done.returncode, elsewhere.asked) == (5, []), done.stderr
        assert f"127.0.0.1:{elsewhere.port}" in done.stderr
        assert "--also" in done.stderr
        done = edgeagent(home, hub.endpoint, "pull", "me/Tiny-GGUF", "--also", f"127.0.0.1:{elsewhere.port}")
        assert done.returncode == 0, done.stderr
        assert len(elsewhere.asked) == 2


def test_several_quantizations_have_to_be_told_apart(hub: Hub, home: Path) -> None:
    hub.files["tiny-Q8_0.gguf"] = hub.files[MODEL]
    done = edgeagent(home, hub.endpoint, "pull", "me/Tiny-GGUF")
    assert (done.returncode, "Q4_0 (" in done.stderr, "Q8_0 (" in done.stderr) == (2, True, True)
    assert edgeagent(home, hub.endpoint, "pull", "me/Tiny-GGUF:q8_0").returncode == 0
    assert (home / "models" / "tiny-q8_0" / "tiny-Q8_0.gguf").is_file()


def test_what_is_no_model_stays_out(hub: Hub, home: Path) -> None:
    hub.files[MODEL] = b"not a gguf file" * 100
    done = edgeagent(home, hub.endpoint, "pull", "me/Tiny-GGUF")
    assert done.returncode == 2
    assert "it is no GGUF file" in done.stderr
    assert list((home / "models").iterdir()) == []


def test_a_full_disk_is_told_before_anything_is_fetched(hub: Hub, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgeagent.errors import EnvironmentProblem
    from edgeagent.hub import shelf

    monkeypatch.setenv("EDGEAGENT_HOME", str(home))
    free = shutil.disk_usage("/").free
    with pytest.raises(EnvironmentProblem, match="GB are free"):
        shelf.require_room(free)
    shelf.require_room(1)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("pull", "me/Other-GGUF"), 2, "answered 404"),
        (("pull", "Tiny"), 2, "is no repository"),
        (("pull", "../Tiny"), 2, "is no repository"),
        (("pull", "a/b/c"), 2, "is no repository"),
        (("pull", ""), 2, "is no repository"),
        (("pull", "me/Tiny-GGUF:Q2_K"), 2, "has nothing in Q2_K"),
    ],
)
def test_errors_say_what_to_do(hub: Hub, home: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = edgeagent(home, hub.endpoint, *arguments)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr


def test_not_in_offline_mode(hub: Hub, home: Path) -> None:
    environment = {**os.environ, "EDGEAGENT_HOME": str(home), "HF_ENDPOINT": hub.endpoint, "EDGEAGENT_OFFLINE": "1"}
    command = [sys.executable, "-m", "edgeagent", "models", "pull", "me/Tiny-GGUF"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, hub.asked) == (3, []), done.stderr


def test_imported_by_its_own_name(tiny_models: TinyModels, home: Path) -> None:
    model, vision = str(tiny_models.dense), str(tiny_models.mmproj)
    done = edgeagent(home, "", "import", model, "--mmproj", vision, "--name", "Mine One")
    assert done.returncode == 0, done.stderr
    assert (home / "models" / "mine-one" / "dense.gguf").read_bytes() == tiny_models.dense.read_bytes()
    assert edgeagent(home, "", "import", model, "--name", "mine-one").returncode == 2
    swapped = edgeagent(home, "", "import", vision, "--mmproj", model, "--name", "wrong")
    assert (swapped.returncode, "vision part" in swapped.stderr) == (2, True)
    assert not (home / "models" / "wrong").exists()
