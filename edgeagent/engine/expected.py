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
    except (NotAModel, NoSuchFamily):
        return ""
    return fingerprint_of(Load(0, model, mmproj, context_tokens=spoken.context_tokens, max_sequences=SEQUENCES))


def fingerprint_of(load: Load) -> str:
    """As an engine with ``load`` would say it; empty where its files or llama.cpp are missing. Reads some 500 kB."""
    try:
        return fingerprint(load, read_header(Path(load.path)), read_header(Path(load.mmproj)), version("llama-cpp-python"))
    except (NotAModel, PackageNotFoundError, OSError):
        return ""
