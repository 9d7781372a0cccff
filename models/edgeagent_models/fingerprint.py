"""What makes a saved state usable: a hash over weights, mmproj, context, and llama.cpp's version."""

from __future__ import annotations

import hashlib

from edgeagent_models.gguf_header import GgufHeader
from edgeagent_models.protocol import Load

_SAMPLES = 64
_SAMPLE_BYTES = 4096


def fingerprint(request: Load, model: GgufHeader, mmproj: GgufHeader | None, version: str) -> str:
    """Hash of the headers (settings, tokenizer and template are in them) and of samples spread over the weights: to read
    20 GB in full would take longer than what a saved state saves."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{version} {request.context_tokens} {request.max_sequences}".encode())
    _add_file(digest, request.path, model)
    if mmproj is not None:
        _add_file(digest, request.mmproj, mmproj)
    return digest.hexdigest()


def _add_file(digest: hashlib.blake2b, path: str, header: GgufHeader) -> None:
    digest.update(f" {header.file_bytes} ".encode())
    weights_bytes = max(0, header.file_bytes - header.header_bytes - _SAMPLE_BYTES)
    with open(path, "rb") as file:
        digest.update(file.read(header.header_bytes))
        for sample in range(_SAMPLES):
            file.seek(header.header_bytes + weights_bytes * sample // _SAMPLES)
            digest.update(file.read(_SAMPLE_BYTES))
