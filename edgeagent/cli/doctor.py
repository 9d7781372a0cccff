"""``edgeagent doctor``: everything that a bug report needs, and for each failing line its fix. Sends nothing anywhere."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

import click
import msgspec

from edgeagent.cli.exits import Exit
from edgeagent.errors import EdgeAgentError
from edgeagent.folders import sessions_root
from edgeagent.machine import describe_machine
from edgeagent.sessions.store import SessionStore
from edgeagent_models.catalog import embedded

PROGRAMS = {
    "bwrap": ("bubblewrap", True),
    "Xvfb": ("xvfb", True),
    "openbox": ("openbox", True),
    "chromium": ("chromium", False),
    "ffmpeg": ("ffmpeg", False),
}
"""Program -> its Debian package, and whether nothing runs without it."""
PACKAGES = (
    "edgeagent", "edgeagent-harness", "edgeagent-models", "msgspec", "numpy", "onnxruntime", "mss", "pyautogui",
    "llama-cpp-python",
)  # fmt: skip
OPTIONAL_PACKAGES = {"llama-cpp-python": "GGUF models: pip install 'edgeagent[llama]' (compiles llama.cpp)"}


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One finding."""

    name: str
    ok: bool
    value: str
    fix: str = ""
    required: bool = True


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def doctor(as_json: bool) -> None:
    """Everything a bug report needs; each failing line with its fix. Exit code 3 if something required is missing."""
    lines = [*_machine(), *_packages(), *_programs(), *_sandbox(), *_models(), *_states(), *_sessions()]
    if as_json:
        click.echo(msgspec.json.encode(lines).decode())
    else:
        for line in lines:
            mark = click.style("ok  ", fg="green") if line.ok else click.style("FAIL" if line.required else "none", fg="red")
            click.echo(f"{mark}  {line.name:22} {line.value}")
            if not line.ok and line.fix:
                click.echo(f"{'':30}fix: {line.fix}")
    sys.exit(Exit.DONE if all(line.ok or not line.required for line in lines) else Exit.ENVIRONMENT)


def _machine() -> Iterator[Line]:
    machine = describe_machine()
    for field in machine.__struct_fields__:
        yield Line(field, True, str(getattr(machine, field)))


def _packages() -> Iterator[Line]:
    for name in PACKAGES:
        optional = OPTIONAL_PACKAGES.get(name)
        try:
            yield Line(name, True, version(name))
        except PackageNotFoundError:
            yield Line(name, False, "not installed", optional or f"pip install {name}", required=optional is None)


def _programs() -> Iterator[Line]:
    for program, (package, required) in PROGRAMS.items():
        path = shutil.which(program)
        yield Line(program, path is not None, path or "not found", f"apt-get install {package}", required)


def _sandbox() -> Iterator[Line]:
    command = [sys.executable, "-P", "-m", "edgeagent_harness.outside", "check", "--json"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        report = json.loads(found.stdout)
    except (subprocess.TimeoutExpired, json.JSONDecodeError) as error:
        yield Line("sandbox", False, f"its check failed: {error}", "run: edgeagent sandbox check")
        return
    for layer in report["layers"]:
        yield Line(f"layer {layer['name']}", layer["present"], layer["detail"], layer["mend"], layer["required"])


def _models() -> Iterator[Line]:
    for part in embedded().parts:
        yield Line(part.name, part.present, part.what, "reinstall edgeagent-models and rapidocr")


def _states() -> Iterator[Line]:
    from edgeagent.cli.models_states import own_store, told
    from edgeagent.state_store.telling import behind, on_disk

    for held in on_disk():
        yield Line(f"states, {held.place}", True, told(held))
    try:
        store = own_store()
    except EdgeAgentError as error:
        yield Line("states, store", False, str(error), error.hint, required=False)
        return
    if store:
        held = behind(store)
        yield Line("states, store", not held.problem, told(held), "edgeagent models states", required=False)


def _sessions() -> Iterator[Line]:
    root = sessions_root()
    existing = next(parent for parent in (root, *root.parents) if parent.exists())
    free_gb = shutil.disk_usage(existing).free / 1e9
    yield Line("sessions", True, f"{len(SessionStore().ids())} in {root}")
    yield Line("free disk", free_gb > 1, f"{free_gb:.1f} GB", f"make room on the file system of {existing}")
