"""What is kept of sessions for their engines is shown and cleared by one command; a place that no app reaches is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edgeagent import settings
from edgeagent.cli.models_states import states
from edgeagent.errors import EnvironmentProblem, UsageError
from edgeagent.folders import HOME_VARIABLE, leaving_folder, parked_folder
from edgeagent.state_store.port import Stored
from edgeagent.state_store.settings import app_store, checked, room
from edgeagent.tui.settings_screen import checked as checked_by_hand


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv(settings.OFFLINE_VARIABLE, raising=False)
    (tmp_path / "place").mkdir()
    leaving_folder().mkdir(parents=True)
    return tmp_path / "place"


def use(store: str) -> None:
    settings.write(settings.Settings(state_store=store))


def asked(*arguments: str) -> Result:
    return CliRunner().invoke(states, arguments)


def fill(place: Path) -> None:
    for name in ("one.state", "two.moved", "one.memo", "system-1.state"):
        (parked_folder() / name).write_bytes(bytes(1000))
    (leaving_folder() / "three.state").write_bytes(bytes(500))
    (leaving_folder() / "five.forget").touch()
    kept = place / Stored("four", "ab", 1, 2e9, 50, 9, 0).name
    kept.parent.mkdir()
    kept.write_bytes(bytes(70))
    (place / "not ours.txt").write_text("a letter")


def test_all_places_are_shown_and_cleared_together(place: Path) -> None:
    fill(place)
    use(str(place))
    shown = asked().output
    assert f"3 states, 3.0 kB in {parked_folder()}" in shown
    assert f"1 states, 500 B in {leaving_folder()}" in shown
    assert f"1 states, 70 B in {place}" in shown
    cleared = json.loads(asked("--clear", "--output", "json").output)
    assert [one.get("states", 0) for one in cleared] == [0, 0]
    left = [path.name for folder in (parked_folder(), place) for path in folder.rglob("*") if path.is_file()]
    assert not list(leaving_folder().iterdir())
    assert left == ["not ours.txt"], "what is somebody else's stays"


def test_without_a_place_the_disk_alone_is_shown_and_cleared(place: Path) -> None:
    fill(place)
    assert str(place) not in asked().output
    asked("--clear")
    assert len(list(place.rglob("*.sealed"))) == 1
    assert not list(parked_folder().glob("*.state"))


def test_a_place_that_is_not_there_is_said_and_clears_nothing_there(place: Path) -> None:
    use(str(place / "unmounted"))
    shown = asked()
    assert shown.exit_code == 0
    assert "is its disk mounted?" in shown.output
    assert isinstance(asked("--clear").exception, EnvironmentProblem)


@pytest.mark.parametrize(("offline", "said"), [(False, "egress broker alone"), (True, "offline mode")])
def test_an_app_has_no_bucket(place: Path, offline: bool, said: str) -> None:
    use("s3://bucket/prefix")
    environment = os.environ | {settings.OFFLINE_VARIABLE: "1" if offline else "0"}
    found = subprocess.run(
        [sys.executable, "-m", "edgeagent", "models", "states"], capture_output=True, text=True, env=environment, check=False
    )
    assert found.returncode == 3
    assert said in found.stderr
    assert "name a folder" in found.stderr


def test_offline_a_folder_is_used(place: Path) -> None:
    fill(place)
    use(str(place))
    environment = os.environ | {settings.OFFLINE_VARIABLE: "1"}
    argv = [sys.executable, "-m", "edgeagent", "models", "states"]
    found = subprocess.run(argv, capture_output=True, text=True, env=environment, check=True)
    assert f"1 states, 70 B in {place}" in found.stdout


def test_what_is_no_place_or_no_room_is_refused() -> None:
    for wrong in ("relative/folder", "s3://", "http://example.test/x", "file://relative"):
        with pytest.raises(UsageError):
            checked(wrong)
    assert checked("s3://bucket/prefix") == "s3://bucket/prefix"
    assert checked("~/states") == f"file://{Path.home()}/states"
    assert (room("8 GB"), room("500MB"), room("1.5 TB")) == (8 * 10**9, 5 * 10**8, 15 * 10**11)
    for wrong in ("8", "-1 GB", "0 GB", "lots"):
        with pytest.raises(UsageError):
            room(wrong)
    assert app_store(settings.Settings()) is None
    for wrong in (settings.Settings(state_store="s3://x/y"), settings.Settings(state_store_room="lots")):
        with pytest.raises(UsageError):
            checked_by_hand(wrong)
