"""Models of random weights in a real model's exact shape, made once on this machine and kept in the cache."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edgeagent.errors import EnvironmentProblem, UsageError
from edgeagent.folders import HOME_VARIABLE, cache_root
from edgeagent.runner import ModelChoice
from edgeagent_models.synthetic.plan import QUANTIZATIONS, VISION_FORMATS, planned_bytes, text_tensors, vision_tensors
from edgeagent_models.synthetic.shapes import Shape, load_shapes

DEFAULT_QUANTIZATION = "Q4_0"
OFFERED = tuple(name for name in QUANTIZATIONS if name != "F32")
VOCABULARY_BYTES = 40 << 20
"""Room for header and vocabulary: the largest has 250,000 tokens of some 20 bytes each."""
SPARE_BYTES = 2 << 30
"""Of the disk, that stays free."""
_FORMAT = 3
"""Counts up when the same shape gives other files."""


@dataclass(frozen=True, slots=True)
class Synthetic:
    """A shape in a quantization."""

    name: str
    quantization: str
    shape: Shape

    @property
    def label(self) -> str:
        return f"synthetic {self.name} {self.quantization} (shape of {self.shape.like})"

    @property
    def weights_bytes(self) -> int:
        """Of both files, without vocabulary and header."""
        text = text_tensors(self.shape.text, self.shape.text.vocabulary)
        vision = planned_bytes(vision_tensors(self.shape.vision), VISION_FORMATS)
        return planned_bytes(text, QUANTIZATIONS[self.quantization]) + vision

    @property
    def directory(self) -> Path:
        """Where it is kept: another shape under the same name is another directory."""
        digest = hashlib.blake2b(
            msgspec.json.encode((self.shape.text, self.shape.vision)) + bytes([_FORMAT]), digest_size=4
        ).hexdigest()
        return cache_root() / "synthetic" / f"{self.name}-{self.quantization}-{digest}"


def named(text: str) -> Synthetic:
    """``NAME`` or ``NAME:QUANTIZATION``. Raises `UsageError` for what is not known."""
    name, _, quantization = text.partition(":")
    shapes, quantization = load_shapes(), quantization.upper() or DEFAULT_QUANTIZATION
    if name not in shapes:
        raise UsageError(f"no shape is known of {name!r}", f"known are {', '.join(shapes)}")
    if quantization not in OFFERED:
        raise UsageError(f"no random weights are made in {quantization!r}", f"known are {', '.join(OFFERED)}")
    return Synthetic(name, quantization, shapes[name])


async def made(wanted: Synthetic, tell: Callable[[str], None]) -> ModelChoice:
    """The files of ``wanted``, written now if they are not there. Raises `EnvironmentProblem` where that cannot be."""
    directory = wanted.directory
    model, mmproj = directory / "model.gguf", directory / "mmproj.gguf"
    if not (model.is_file() and mmproj.is_file()):
        needed = wanted.weights_bytes + VOCABULARY_BYTES
        _check(directory, needed)
        tell(f"writing {needed / 1e9:.1f} GB of random weights to {directory}")
        await _write(wanted, model, mmproj)
    return ModelChoice(str(model), str(mmproj), wanted.shape.family)


def _check(directory: Path, needed: int) -> None:
    if importlib.util.find_spec("gguf") is None:
        raise EnvironmentProblem(
            "random weights are written with the gguf package, which is missing", "pip install 'edgeagent[bench]'"
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(directory).free
    except OSError as error:
        raise EnvironmentProblem(
            f"cannot use {directory}: {error.strerror}", f"set {HOME_VARIABLE} to a writable directory"
        ) from error
    if free < needed + SPARE_BYTES:
        raise EnvironmentProblem(
            f"{directory} has {free / 1e9:.1f} GB free: {needed / 1e9:.1f} GB are needed, {SPARE_BYTES / 1e9:.1f} GB stay free",
            f"make room, or set {HOME_VARIABLE} to a directory on another disk",
        )


async def _write(wanted: Synthetic, model: Path, mmproj: Path) -> None:
    """Under other names first: a half-written file is never taken for a model."""
    unfinished = [path.with_suffix(f".{os.getpid()}") for path in (model, mmproj)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "edgeagent_models.synthetic", wanted.name, wanted.quantization, *map(str, unfinished),
        stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        _, said = await process.communicate()
        if process.returncode != 0:
            last = said.decode(errors="replace").strip().splitlines()[-1:]
            raise EnvironmentProblem(f"the random weights could not be written: {' '.join(last)}", "see the disk's free space")
        for path, finished in zip(unfinished, (model, mmproj), strict=True):
            path.replace(finished)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        for path in unfinished:
            path.unlink(missing_ok=True)
