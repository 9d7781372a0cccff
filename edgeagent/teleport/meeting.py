"""Meeting a backend for the first time: what its user says of it is checked, and it shows the keys that it has to keep."""

from __future__ import annotations

from pathlib import Path

from edgeagent.errors import UsageError
from edgeagent.small_files import why
from edgeagent.teleport.api import connect
from edgeagent.teleport.backends import Connected, checked_url

_MAX_TOKEN_BYTES = 4096


async def meet(unknown: Connected) -> Connected:
    """``unknown`` with the keys that it shows now, once it is seen that its token counts. Nothing is remembered yet.

    Raises `TeleportError` where it cannot be reached, or refuses the token; `EnvironmentProblem` offline.
    """
    async with connect(unknown) as api:
        shown = await api.backend()
        await api.sessions()  # whether the token counts
    return Connected(unknown.url, unknown.token, shown.signer, shown.recipient, unknown.ca, shown.models)


def said_of(url: str, token: str, ca: str = "") -> Connected:
    """A backend that was not met yet, as its user describes it: ``ca`` is a PEM file or empty. Raises `UsageError`."""
    path = Path(ca).expanduser()
    if ca and not path.is_file():
        raise UsageError(f"{ca} is not a file", "the authority that its certificate is checked against, as PEM")
    return Connected(checked_url(url), checked_token(token), "", "", str(path.absolute()) if ca else "")


def checked_token(said: str) -> str:
    """``said`` without the blanks around it. Raises `UsageError`."""
    token = said.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError("that is no token", "it is one word, as `edgeagent cloud token create` printed it there")
    return token


def token_in(file: str) -> str:
    """The token that stands in ``file``. Raises `UsageError`."""
    path = Path(file).expanduser()
    try:
        with path.open("rb") as stream:
            return checked_token(stream.read(_MAX_TOKEN_BYTES).decode("ascii"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"the token file {file} cannot be read: {why(error)}", "a file with what `edgeagent cloud token create` printed"
        ) from error
