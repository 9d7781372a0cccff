"""What a Python inside needs of this machine: the interpreter, its library, and the few packages that ``inside/`` imports."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import sys
import sysconfig
import time
from dataclasses import dataclass
from pathlib import Path

from edgeagent_harness.errors import EnvironmentLacks

LIBRARY_INSIDE = "/opt/edgeagent/lib"
"""Where the packages are bound; the only entry on the inside's PYTHONPATH."""

_PACKAGES = (
    "msgspec", "mss", "pyautogui", "pymsgbox", "pytweening", "pyscreeze", "pygetwindow", "pyrect", "mouseinfo", "pyperclip",
    "Xlib", "six",
)  # fmt: skip
_NOT_COPIED = ("site-packages", "test", "tests", "idlelib", "tkinter", "ensurepip", "lib2to3", "config-*")
_CACHE = Path("/var/cache/edgeagent/runtime")
_UNUSED_S = 7 * 24 * 3600
_HARNESS_PARTS = ("__init__.py", "errors.py", "inside", "isolation", "protocol")


Bind = tuple[str, str]
"""(host path, place inside)."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """Host paths, all absolute and without symlinks in them."""

    python: str
    """The interpreter itself."""
    interpreter: tuple[Bind, ...]
    """Seen at the place where it is, because an interpreter finds its library by its own path."""
    packages: tuple[Bind, ...]

    @property
    def binds(self) -> tuple[Bind, ...]:
        """Everything that must be visible inside."""
        return (*self.interpreter, *self.packages)

    @property
    def host_paths(self) -> tuple[str, ...]:
        """Everything that must be readable by the user that the supervisor runs as."""
        return tuple(source for source, _ in self.binds)


def find() -> Runtime:
    """The runtime of the interpreter that runs this. Raises `EnvironmentLacks` if a package is not installed."""
    base = os.path.realpath(sys.base_prefix)
    python = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    interpreter = tuple((path, path) for path in _interpreter_paths(base, python))
    return Runtime(python, interpreter, (*_harness_parts(), *_installed_packages()))


def copied(runtime: Runtime) -> Runtime:
    """``runtime`` with copies that any user may read, for a Python or a clone that only root can. Needs root."""
    newest = max(_newest_change(source) for source in runtime.host_paths)
    key = hashlib.sha256(repr((runtime, newest)).encode()).hexdigest()[:16]
    target = _CACHE / key
    if not target.exists():
        for old in _CACHE.glob("*"):
            if time.time() - old.stat().st_mtime > _UNUSED_S:  # a younger one may be in use
                shutil.rmtree(old, ignore_errors=True)
        scratch = _CACHE / f"{key}.{os.getpid()}"
        for number, source in enumerate(runtime.host_paths):
            _copy(source, scratch / str(number))
        scratch.chmod(0o755)
        scratch.rename(target)
    copies = [str(target / str(number)) for number in range(len(runtime.binds))]
    moved = tuple((copy, place) for copy, (_, place) in zip(copies, runtime.binds, strict=True))
    return Runtime(runtime.python, moved[: len(runtime.interpreter)], moved[len(runtime.interpreter) :])


def _interpreter_paths(base: str, python: str) -> tuple[str, ...]:
    library = os.path.realpath(os.path.dirname(os.__file__))
    extensions = os.path.realpath(sysconfig.get_config_var("DESTSHARED") or library)
    shared = [str(path) for path in Path(base, "lib").glob("libpython*.so*")] if base != "/usr" else []
    paths = {python, library, *shared, *_loaded_libpython(), *(() if extensions.startswith(library) else (extensions,))}
    return tuple(sorted(path for path in paths if not path.startswith("/usr/") and os.path.exists(path)))


def _loaded_libpython() -> set[str]:
    """The shared library of this interpreter, wherever the loader found it."""
    with open("/proc/self/maps") as stream:
        mapped = {line.split(maxsplit=5)[5].strip() for line in stream if "/libpython" in line}
    return {path for path in mapped if os.path.exists(path)}


def _harness_parts() -> list[Bind]:
    root = Path(__file__).resolve().parents[2]
    return [(str(root / part), f"{LIBRARY_INSIDE}/edgeagent_harness/{part}") for part in _HARNESS_PARTS]


def _installed_packages() -> list[Bind]:
    found: list[Bind] = []
    for name in _PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is None or not spec.origin:
            if name == "six":
                continue
            raise EnvironmentLacks(f"the Python package {name} is not installed. Mend: pip install 'edgeagent-harness[desktop]'")
        origin = os.path.realpath(spec.origin)
        source = os.path.dirname(origin) if spec.submodule_search_locations else origin
        found.append((source, f"{LIBRARY_INSIDE}/{os.path.basename(source)}"))
    return found


def _newest_change(source: str) -> int:
    newest = os.stat(source).st_mtime_ns
    for directory, _, files in os.walk(source):
        newest = max(newest, *(os.stat(os.path.join(directory, name)).st_mtime_ns for name in (".", *files)))
    return newest


def _copy(source: str, target: Path) -> None:
    """Copy ``source`` so that everybody may read it."""
    if os.path.isdir(source):
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(*_NOT_COPIED))
        for directory, _, files in os.walk(target):
            os.chmod(directory, 0o755)
            for name in files:
                _open_to_all(Path(directory, name))
    else:
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        shutil.copy2(source, target)
        _open_to_all(target)


def _open_to_all(path: Path) -> None:
    path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
