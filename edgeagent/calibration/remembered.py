"""What was measured stays known: one file of calibrations in the user's data directory, by model file, family and screen."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec

from edgeagent.calibration.verdict import Calibration
from edgeagent.errors import ModelUnusable
from edgeagent.folders import sessions_root
from edgeagent_models.catalog import read_gguf
from edgeagent_models.errors import NotAModel

EMBEDDED = "embedded"
_KEPT = msgspec.json.Decoder(dict[str, Calibration])


def calibrations_path() -> Path:
    """``calibrations.json`` beside the sessions."""
    return sessions_root().with_name("calibrations.json")


def identity(model: str, mmproj: str) -> str:
    """Names a model: by size and beginning of its files, which hold its name, tokenizer, template and quantization; a server
    by its address."""
    return " ".join(_file_identity(path) for path in (model, mmproj) if path)


def remember(identity: str, calibration: Calibration) -> None:
    """Keep ``calibration``, in place of an earlier one of that model, family and screen."""
    path = calibrations_path()
    kept = {**known(), _key(identity, calibration): calibration}
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}")
    unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n")
    unfinished.replace(path)


def known() -> dict[str, Calibration]:
    """All that is remembered; what cannot be read is forgotten."""
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        return _KEPT.decode(calibrations_path().read_bytes())
    return {}


def of_model(identity: str, family: str = "") -> list[Calibration]:
    """What is remembered of that model, as ``family`` if one is named."""
    found = [calibration for key, calibration in known().items() if key.startswith(f"{identity}|")]
    return [calibration for calibration in found if not family or calibration.family == family]


def refuse_wrong_convention(model: str, mmproj: str, family: str) -> None:
    """Raise `ModelUnusable` where that model was found to count otherwise than ``family`` (empty: its header's) reads."""
    if model == EMBEDDED or not known():
        return
    if not family and Path(model).is_file():
        with contextlib.suppress(NotAModel):  # who opens it will say what is wrong with it
            family = read_gguf(Path(model)).family
    for calibration in of_model(identity(model, mmproj), family):
        if calibration.verdict == "wrong_convention":
            hint = "give the --family that fits, or measure again: edgeagent models calibrate MODEL"
            raise ModelUnusable(f"{model}: {calibration.reason}", hint)


def _key(identity: str, calibration: Calibration) -> str:
    width, height = calibration.screen
    return f"{identity}|{calibration.family}|{width}x{height}@{calibration.scale:g}"


def _file_identity(path: str) -> str:
    import hashlib

    if not Path(path).is_file():
        return path
    with open(path, "rb") as file:
        return f"{hashlib.sha256(file.read(1 << 20)).hexdigest()[:24]}-{Path(path).stat().st_size}"
