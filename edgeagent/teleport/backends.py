"""The backends that the user has connected to: where each is, its token, and the keys that it showed then, which must stay."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from edgeagent.errors import UsageError
from edgeagent.folders import sessions_root
from edgeagent.recording.problems import recording_problem
from edgeagent.teleport.sealing import Identity, kept_identity

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class Connected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One backend."""

    url: str
    """``https://host:port``, or ``http`` to this machine itself."""
    token: str
    signer: str
    """Its public key (hexadecimal): what comes back must be signed with it."""
    recipient: str
    """Its age public key: what goes there is sealed for it."""
    ca: str = ""
    """PEM file with the authority that its certificate is checked against; empty: the usual ones."""
    models: tuple[str, ...] = ()
    """Names of models that a server answers for there, as it said when it was connected to."""

    @property
    def place(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def backends_path() -> Path:
    """Beside the signing key: no sandbox may see that folder."""
    return sessions_root().parent / "keys" / "backends.json"


def own_identity() -> Identity:
    """This user's age key, for what comes back; made at its first use."""
    return kept_identity(sessions_root().parent / "keys" / "teleport.age")


def backends() -> dict[str, Connected]:
    """All by name. Raises `UsageError` for a file that cannot be read."""
    path = backends_path()
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Connected])
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise recording_problem(error, path) from error
    except msgspec.MsgspecError as error:
        raise UsageError(f"{path}: {error}", "mend it, or remove it and connect anew") from error


def backend(name: str) -> Connected:
    """The one that is called ``name``; empty: the only one. Raises `UsageError`."""
    known = backends()
    if not name and len(known) == 1:
        return next(iter(known.values()))
    if name not in known:
        listed = f"known: {', '.join(known)}" if known else "connect first: edgeagent teleport connect NAME URL --token-file FILE"
        raise UsageError(f"no backend is called {name!r}" if name else "which backend? --to NAME", listed)
    return known[name]


def name_of(wanted: str) -> str:
    """``wanted``, or the name of the only backend. Raises `UsageError`."""
    backend(wanted)
    return wanted or next(iter(backends()))


def checked_name(name: str) -> str:
    """``name``, if a backend may be called that. Raises `UsageError`."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be the name of a backend", "lower-case letters, digits and hyphens")
    return name


def keep_backend(name: str, connected: Connected | None) -> None:
    """Remember ``connected`` as ``name``; None: forget it. Raises `UsageError`."""
    checked_name(name)
    known = {other: kept for other, kept in backends().items() if other != name}
    if connected is not None:
        known[name] = connected
    path = backends_path()
    new = path.with_suffix(".new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(fd, "wb") as stream:
            stream.write(msgspec.json.encode(known))
        os.replace(new, path)
    except OSError as error:
        raise recording_problem(error, path) from error


def checked_url(url: str) -> str:
    """``url`` without a path. Raises `UsageError` for anything but https, or http to this machine."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # read only now
    except ValueError as error:
        raise UsageError(f"{url!r} is no address of a backend: {error}", "write https://HOST:PORT") from error
    local = parts.hostname in ("127.0.0.1", "::1")
    if not parts.hostname or parts.path not in ("", "/") or parts.query or parts.username:
        raise UsageError(f"{url!r} is no address of a backend", "write https://HOST:PORT")
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise UsageError(f"{url}: a token would travel in the clear", "use https; http is for 127.0.0.1 alone")
    return f"{parts.scheme}://{parts.netloc}"
