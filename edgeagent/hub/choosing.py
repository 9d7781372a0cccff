"""Pure: which of a repository's files make a model that can be run here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from edgeagent.errors import UsageError

_QUANTIZATION = re.compile(r"(?i)(?:^|[-_.])((?:UD-)?(?:I?Q\d(?:_[0-9A-Z]+)*|MXFP4(?:_MOE)?|NVFP4|BF16|F16|F32))$")
_PART = re.compile(r"-(\d{5})-of-(\d{5})$")
_MMPROJ_PREFERRED = ("F16", "BF16", "Q8_0")
"""The engine runs a vision part in F16 or better without loss."""


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a repository, as the hub states it."""

    path: str
    size_bytes: int
    sha256: str = ""
    """Empty where the hub states none."""

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name

    @property
    def quantization(self) -> str:
        """As the name says; empty where it says none."""
        found = _QUANTIZATION.search(_PART.sub("", PurePosixPath(self.path).stem))
        return found[1].upper() if found else ""

    @property
    def vision(self) -> bool:
        return "mmproj" in self.name.lower()


@dataclass(frozen=True, slots=True)
class Chosen:
    """What to fetch: the model's parts in order (mostly one), and its vision part if there is one."""

    model: tuple[HubFile, ...]
    mmproj: HubFile | None

    @property
    def files(self) -> tuple[HubFile, ...]:
        return (*self.model, *((self.mmproj,) if self.mmproj else ()))


def choose(repository: str, files: Iterable[HubFile], quantization: str) -> Chosen:
    """The files of ``repository`` in ``quantization``; empty: the only one that there is. Raises `UsageError`."""
    ggufs = [file for file in files if file.name.lower().endswith(".gguf") and not file.name.startswith(".")]
    models = [file for file in ggufs if not file.vision]
    if not models:
        raise UsageError(
            f"{repository} has no GGUF files", "name a repository with GGUF files, or convert the model and import it"
        )
    offered = sorted({file.quantization for file in models})
    wanted = quantization.upper()
    if not wanted and len(offered) > 1:
        raise UsageError(f"{repository} has more than one quantization", f"name one, as {repository}:QUANT: {_sizes(models)}")
    chosen = [file for file in models if file.quantization == (wanted or offered[0])]
    if not chosen:
        raise UsageError(f"{repository} has nothing in {wanted}", f"it has {_sizes(models)}")
    return Chosen(_whole(repository, chosen), _best_mmproj(ggufs))


def _whole(repository: str, files: Sequence[HubFile]) -> tuple[HubFile, ...]:
    """One file, or all parts of a split one. Raises `UsageError`."""
    ordered = tuple(sorted(files, key=lambda file: file.name))
    if len(ordered) == 1 and not _PART.search(PurePosixPath(ordered[0].path).stem):
        return ordered
    parts = [_PART.search(PurePosixPath(file.path).stem) for file in ordered]
    numbers = [(int(part[1]), int(part[2])) for part in parts if part]
    if numbers != [(index, len(ordered)) for index in range(1, len(ordered) + 1)]:
        names = ", ".join(file.path for file in ordered)
        raise UsageError(f"{repository} has several models in that quantization, or not all parts of one: {names}")
    return ordered


def _best_mmproj(files: Sequence[HubFile]) -> HubFile | None:
    visions = sorted((file for file in files if file.vision), key=lambda file: file.path)
    for wanted in _MMPROJ_PREFERRED:
        for file in visions:
            if file.quantization == wanted:
                return file
    return visions[0] if visions else None


def _sizes(files: Sequence[HubFile]) -> str:
    """Every quantization with its size."""
    sizes: dict[str, int] = {}
    for file in files:
        sizes[file.quantization or "(unnamed)"] = sizes.get(file.quantization or "(unnamed)", 0) + file.size_bytes
    return ", ".join(f"{name} ({size / 1e9:.1f} GB)" for name, size in sorted(sizes.items(), key=lambda item: item[1]))
