"""What an engine of this machine would be made of, without starting one."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from edgeagent.engine.host import SEQUENCES
from edgeagent.remote_names import is_remote
from edgeagent_models.catalog import read_gguf
from edgeagent_models.errors import NotAModel
from edgeagent_models.families.registry import NoSuchFamily, by_name
from edgeagent_models.fingerprint import fingerprint
from edgeagent_models.gguf_header import read_header
from edgeagent_models.protocol import Load


def expected_fingerprint(model: str, mmproj: str, family: str) -> str:
    """As the engine says it (`edgeagent_models.protocol.Loaded`); empty where there are no such files here, or no engine."""
    if is_remote(model) or not Path(model).is_file() or not Path(mmproj).is_file():
        return ""
    try:
        spoken = by_name(family or read_gguf(Path(model)).family)
        load = Load(0, model, mmproj, context_tokens=spoken.context_tokens, max_sequences=SEQUENCES)
        return fingerprint(load, read_header(Path(model)), read_header(Path(mmproj)), version("llama-cpp-python"))
    except (NotAModel, NoSuchFamily, PackageNotFoundError, OSError):
        return ""
