"""Fixtures that several test folders share."""

from __future__ import annotations

import signal

import pytest
from support.tiny_models import TinyModels, write_tiny_models

# A shell starts what it runs in the background with Ctrl+C ignored, and every child inherits that: the tests that press it would
# press in vain.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> TinyModels:
    """Random-weight GGUF files, made by the product's generator."""
    return write_tiny_models(tmp_path_factory.mktemp("gguf"))
