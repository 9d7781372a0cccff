"""What the user has set for all commands: ``config.toml`` in the user's configuration directory, read strictly."""

from __future__ import annotations

import difflib
import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from edgeagent.errors import UsageError
from edgeagent.small_files import read_text, toml, write_whole

OFFLINE_VARIABLE = "EDGEAGENT_OFFLINE"
_WORDS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False, "": False}


PICTURES = ("auto", "blocks", "sixel", "kitty", "iterm")
MODES = ("plan", "ask", "bounded", "auto")
_CHOICES: dict[str, tuple[str, ...]] = {"pictures": PICTURES, "mode": MODES}
"""Key -> all that it may be; other texts are free."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The keys of ``config.toml``."""

    offline: bool = False
    """Every command in offline mode, unless ``EDGEAGENT_OFFLINE=0`` says otherwise."""
    theme: str = "edgeagent-dark"
    """Colours of the terminal app."""
    pictures: str = "auto"
    """How the terminal app shows screens: one of `PICTURES`; ``auto``: as the terminal can."""
    live_view: bool = True
    """Whether the terminal app shows the sandbox live, and not only the screens that actions are decided on."""
    model: str = "embedded"
    """What the terminal app's first screen begins with: ``embedded``, or a GGUF file and after it its mmproj."""
    mode: str = "auto"
    """What it begins with: one of `MODES`."""
    policy: str = ""
    """What it begins with: a profile or a file; empty: the locked default."""
    state_store: str = ""
    """Folder to which engines' states go when the disk has no more room for them; empty: they are removed."""
    state_store_room: str = "8 GB"
    """What they may take there: a number and MB, GB or TB."""


def config_path() -> Path:
    """``config.toml`` in ``$XDG_CONFIG_HOME/edgeagent``, by default ``~/.config/edgeagent``."""
    import platformdirs

    return platformdirs.user_config_path("edgeagent") / "config.toml"


def read(path: Path | None = None) -> Settings:
    """The settings in ``path``, or the defaults if there is no such file. Raises `UsageError` for anything that is not known."""
    path = path or config_path()
    try:
        raw = toml(read_text(path, "the settings"), path)
    except FileNotFoundError:
        return Settings()
    known = {field.name: field.type for field in fields(Settings)}
    for key, value in raw.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            raise UsageError(f"{path}: unknown key {key!r}", f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}")
        _check(path, key, value, known[key] == "bool")
    return Settings(**raw)


def write(settings: Settings, path: Path | None = None) -> Path:
    """Write ``settings``, whole or not at all; what is as by default is left out. Raises `UsageError` if it cannot be written."""
    path = path or config_path()
    default = asdict(Settings())
    lines: list[str] = []
    for key, value in asdict(settings).items():
        _check(path, key, value, isinstance(default[key], bool))
        if value != default[key]:
            lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}\n")  # for these types JSON is TOML
    try:
        write_whole(path, "".join(lines))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    return path


def _check(path: Path, key: str, value: object, is_switch: bool) -> None:
    if is_switch:
        if not isinstance(value, bool):
            raise UsageError(f"{path}: {key} is {value!r}", f"write {key} = true or {key} = false")
    elif not isinstance(value, str) or not value.isprintable():
        raise UsageError(f"{path}: {key} is {value!r}", f'write {key} = "…", on one line')
    elif key in _CHOICES and value not in _CHOICES[key]:
        raise UsageError(f"{path}: {key} is {value!r}", f"write one of {', '.join(_CHOICES[key])}")


def offline_wanted(flag: bool) -> bool:
    """Whether offline mode is asked for: by ``--offline``, else by ``EDGEAGENT_OFFLINE``, else by ``config.toml``."""
    if flag:
        return True
    said = os.environ.get(OFFLINE_VARIABLE)
    if said is None:
        return read().offline
    if said.strip().lower() not in _WORDS:
        raise UsageError(f"{OFFLINE_VARIABLE}={said}: neither yes nor no", "write 1 or 0")
    return _WORDS[said.strip().lower()]
