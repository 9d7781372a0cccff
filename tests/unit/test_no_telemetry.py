"""ONNX Runtime's reports to its maker are off: no identifier is kept; and no module of ours is a network client."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgeagent_harness.isolation import giving_up

ROOT = Path(__file__).resolve().parents[2]
USE = """
{first}
import pathlib, onnxruntime
onnxruntime.InferenceSession(next(pathlib.Path({models!r}).rglob("*.onnx")))
"""


def kept_after(first: str, home: Path) -> list[Path]:
    """Files in ``home`` after a model was loaded in an empty network."""
    home.mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    program = USE.format(first=first, models=str(ROOT / "models" / "edgeagent_models"))
    subprocess.run(
        [sys.executable, "-c", program], env=environment, check=True, timeout=60, preexec_fn=lambda: giving_up.leave_network()
    )
    return [path for path in home.rglob("*") if path.is_file()]


def test_nothing_is_kept_or_sent(tmp_path: Path) -> None:
    assert kept_after("import edgeagent_models", tmp_path / "ours") == []


def test_the_control_keeps_an_identifier(tmp_path: Path) -> None:
    if not (kept := kept_after("", tmp_path / "theirs")):
        pytest.skip("this ONNX Runtime reports nothing")
    assert any("deviceid" in path.name for path in kept)


CLIENTS = {"urllib.request", "http.client", "requests", "httpx", "aiohttp", "urllib3", "ftplib", "smtplib", "websockets"}
"""Modules that open connections. Whoever needs one goes through the broker, and is named here."""


def test_no_module_of_ours_imports_a_client() -> None:
    found: list[str] = []
    for folder in ("edgeagent", "models/edgeagent_models", "harness/edgeagent_harness"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
                if isinstance(node, ast.ImportFrom):
                    names = [f"{node.module}", *(f"{node.module}.{name}" for name in names)]
                found += [f"{path.relative_to(ROOT)}: {name}" for name in names if name in CLIENTS]
    assert found == []
