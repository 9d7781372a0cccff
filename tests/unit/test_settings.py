"""The configuration file is read strictly; --offline, the environment and the file decide in this order."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeagent import settings
from edgeagent.errors import UsageError


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv(settings.OFFLINE_VARIABLE, raising=False)
    path = tmp_path / "edgeagent" / "config.toml"
    path.parent.mkdir()
    return path


def test_no_file_is_the_defaults(config: Path) -> None:
    assert settings.config_path() == config
    assert settings.read() == settings.Settings(offline=False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("offlin = true", "did you mean offline"),
        ("colour = 'blue'", "known: offline"),
        ("offline = 1", "offline = true"),
        ("offline = 'yes'", "offline = true"),
        ("offline true", "mend the file"),
    ],
)
def test_what_is_wrong_is_said_with_the_file(config: Path, text: str, said: str) -> None:
    config.write_text(text)
    with pytest.raises(UsageError, match=r"config\.toml") as error:
        settings.read()
    assert said in error.value.hint


@pytest.mark.parametrize(
    ("flag", "variable", "text", "wanted"),
    [
        (False, None, "", False),
        (True, None, "", True),
        (True, "0", "offline = false", True),
        (False, "1", "offline = false", True),
        (False, "0", "offline = true", False),
        (False, None, "offline = true", True),
    ],
)
def test_who_decides(
    config: Path, monkeypatch: pytest.MonkeyPatch, flag: bool, variable: str | None, text: str, wanted: bool
) -> None:
    config.write_text(text)
    if variable is not None:
        monkeypatch.setenv(settings.OFFLINE_VARIABLE, variable)
    assert settings.offline_wanted(flag) is wanted


def test_a_word_that_is_neither_is_refused(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.OFFLINE_VARIABLE, "maybe")
    with pytest.raises(UsageError, match="maybe"):
        settings.offline_wanted(False)
