"""What the user has set for all commands: ``config.toml`` in the user's configuration directory, read strictly."""

from __future__ import annotations

import difflib
import os
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from edgeagent.errors import UsageError

OFFLINE_VARIABLE = "EDGEAGENT_OFFLINE"
_WORDS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False, "": False}


@dataclass(frozen=True, slots=True)
class Settings:
    """The keys of ``config.toml``."""

    offline: bool = False
    """Every command in offline mode, unless ``EDGEAGENT_OFFLINE=0`` says otherwise."""


def config_path() -> Path:
    """``config.toml`` in ``$XDG_CONFIG_HOME/edgeagent``, by default ``~/.config/edgeagent``."""
    import platformdirs

    return platformdirs.user_config_path("edgeagent") / "config.toml"


def read(path: Path | None = None) -> Settings:
    """The settings in ``path``, or the defaults if there is no such file. Raises `UsageError` for anything that is not known."""
    path = path or config_path()
    try:
        with path.open("rb") as stream:
            raw = tomllib.load(stream)
    except FileNotFoundError:
        return Settings()
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}", "mend the file, or remove it") from error
    known = {field.name for field in fields(Settings)}
    for key, value in raw.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            raise UsageError(f"{path}: unknown key {key!r}", f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}")
        if not isinstance(value, bool):
            raise UsageError(f"{path}: {key} is {value!r}", f"write {key} = true or {key} = false")
    return Settings(**raw)


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
