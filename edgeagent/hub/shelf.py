"""The models on this machine: one directory each, with the files and a note of where they are from."""

from __future__ import annotations

import difflib
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from edgeagent.errors import EnvironmentProblem, ModelUnusable, UsageError
from edgeagent.folders import sessions_root
from edgeagent_models.catalog import read_gguf
from edgeagent_models.errors import NotAModel

NOTE = "model.json"
SPARE_BYTES = 1 << 30
"""Of the disk, that stays free."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


class Kept(msgspec.Struct, frozen=True):
    """One file on the shelf."""

    name: str
    size_bytes: int
    sha256: str = ""
    """As the hub stated it, and as the file was found; empty where it stated none."""


class Shelved(msgspec.Struct, frozen=True):
    """A model on the shelf."""

    name: str
    model: Kept
    mmproj: Kept | None = None
    more_parts: tuple[Kept, ...] = ()
    """Of a split model, what follows its first file."""
    origin: str = ""
    """Repository and commit, or the path that it was imported from."""
    licence: str = ""
    """As the hub states it; empty where it states none."""

    @property
    def directory(self) -> Path:
        return models_root() / self.name

    @property
    def model_path(self) -> Path:
        return self.directory / self.model.name

    @property
    def mmproj_path(self) -> Path | None:
        return self.directory / self.mmproj.name if self.mmproj else None

    @property
    def size_bytes(self) -> int:
        files = (self.model, *self.more_parts, *((self.mmproj,) if self.mmproj else ()))
        return sum(file.size_bytes for file in files)


def models_root() -> Path:
    """``$EDGEAGENT_HOME/models``, or ``edgeagent/models`` in the user's data directory."""
    return sessions_root().with_name("models")


def plain_name(text: str) -> str:
    """``text`` as a model's name: lower case, its words joined by ``-``. Raises `UsageError` where nothing is left."""
    name = re.sub(r"[^a-z0-9._]+", "-", text.lower()).strip("-._")[:100]
    if not _NAME.fullmatch(name):
        raise UsageError(f"{text!r} is no name for a model", "give one with --name, in letters, digits, '.', '_' and '-'")
    return name


def shelved() -> list[Shelved]:
    """All models that are there, by name; directories without a readable note are no models."""
    return [model for path in sorted(models_root().glob(f"*/{NOTE}")) if (model := _read(path))]


def find(name: str) -> Shelved | None:
    """The model called ``name``, if it is there."""
    return _read(models_root() / name / NOTE) if _NAME.fullmatch(name) else None


def require(name: str) -> Shelved:
    """The model called ``name``. Raises `UsageError`, with the nearest."""
    if (model := find(name)) is not None:
        return model
    names = [model.name for model in shelved()]
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.3)
    hint = f"did you mean {near[0]}?" if near else "see: edgeagent models list"
    raise UsageError(f"there is no model {name!r} on this machine", hint)


def put(model: Shelved) -> None:
    """Write the note: from here on the model is there. Its files must be in `Shelved.directory`."""
    try:
        for path, vision in ((model.model_path, False), *(((model.mmproj_path, True),) if model.mmproj_path else ())):
            if read_gguf(path).vision is not vision:
                raise ModelUnusable(f"{path} is {'no' if vision else 'a'} vision part (mmproj)")
    except NotAModel as error:
        raise ModelUnusable(str(error), "fetch the file again") from error
    note = model.directory / NOTE
    unfinished = note.with_suffix(".part")
    unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(model), indent=1) + b"\n")
    unfinished.replace(note)


def remove(name: str) -> Shelved:
    """Remove the model called ``name`` with its files. Raises `UsageError`."""
    model = require(name)
    shutil.rmtree(model.directory)
    return model


def import_files(model: Path, mmproj: Path | None, name: str) -> Shelved:
    """Copy ``model`` (with its vision part) onto the shelf as ``name``, or as its header calls it."""
    files = [path.resolve() for path in (model, mmproj) if path]
    try:
        described = read_gguf(files[0])
        named = plain_name(name or f"{described.name or files[0].stem} {described.quantization}")
    except NotAModel as error:
        raise ModelUnusable(str(error), "name a GGUF file of version 2 or 3") from error
    if find(named):
        raise UsageError(f"there is a model {named!r} already", f"give another --name, or remove it: edgeagent models rm {named}")
    require_room(sum(path.stat().st_size for path in files))
    directory = models_root() / named
    directory.mkdir(parents=True, exist_ok=True)
    try:
        kept = [_copied(path, directory) for path in files]
        shelf = Shelved(named, kept[0], kept[1] if mmproj else None, origin=str(files[0]))
        put(shelf)
    except BaseException:
        shutil.rmtree(directory)
        raise
    return shelf


def require_room(needed_bytes: int) -> None:
    """Raise `EnvironmentProblem` where the disk has no room for so much."""
    root = models_root()
    root.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(root).free
    if free < needed_bytes + SPARE_BYTES:
        problem = f"{needed_bytes / 1e9:.1f} GB are needed in {root} and 1 GB to spare; {free / 1e9:.1f} GB are free"
        raise EnvironmentProblem(problem, "make room, or set EDGEAGENT_HOME to another disk")


def _copied(path: Path, directory: Path) -> Kept:
    shutil.copyfile(path, directory / path.name)
    return Kept(path.name, path.stat().st_size)


def _read(note: Path) -> Shelved | None:
    try:
        model = msgspec.json.decode(note.read_bytes(), type=Shelved)
    except (OSError, msgspec.MsgspecError):
        return None
    files: Sequence[str] = [model.model.name, *([model.mmproj.name] if model.mmproj else [])]
    return model if model.name == note.parent.name and all((note.parent / name).is_file() for name in files) else None
