"""What the commands of ``edgeagent cloud`` have in common."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from edgeagent.errors import EnvironmentProblem, UsageError
from edgeagent.folders import sessions_root
from edgeagent.remote_names import PREFIX, is_remote, remote_name

DATA = click.option(
    "--data", type=click.Path(file_okay=False, path_type=Path), help="Its folder; default: cloud in the data directory."
)
LEDGER = click.option(
    "--ledger", default="", metavar="URL", help="Another database than SQLite in --data: postgresql+psycopg://…"
)

BLOBS = click.option("--blobs", default="", metavar="URL", help="Where chunks lie, if not in --data: s3://BUCKET/PREFIX.")


def folder_of(data: Path | None) -> Path:
    """The backend's."""
    return data.absolute() if data else sessions_root().parent / "cloud"


def endpoints_of(texts: Iterable[str]) -> dict[str, str]:
    """Name of a model -> server, of ``NAME=openai:URL#NAME`` or ``openai:URL#NAME``. Raises `UsageError`."""
    told: dict[str, str] = {}
    for text in texts:
        name, sign, address = text.partition(f"={PREFIX}") if not is_remote(text) else ("", "", text)
        if not is_remote(text) and not (name and sign):
            raise UsageError(f"--model {text!r} names no server", "NAME=openai:URL#NAME, or openai:URL#NAME")
        server = address if is_remote(address) else PREFIX + address
        told[name or remote_name(server).name] = f"{PREFIX}{remote_name(server).url}#{remote_name(server).name}"
    return told


def require_extra() -> None:
    """Raise `EnvironmentProblem` if the backend's libraries are missing."""
    try:
        import alembic  # noqa: F401  # pyright: ignore[reportUnusedImport]
        import litestar  # noqa: F401  # pyright: ignore[reportUnusedImport]
        import obstore  # noqa: F401  # pyright: ignore[reportUnusedImport]
        import uvicorn  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ImportError as error:
        raise EnvironmentProblem(f"the backend is not installed: {error}", "pip install 'edgeagent[cloud]'") from error
