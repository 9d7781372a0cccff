"""Which place stands behind the disk, and who may use what: an app a folder, a backend's engines a bucket too."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from edgeagent import offline
from edgeagent.errors import EnvironmentProblem, UsageError
from edgeagent.folders import cache_root
from edgeagent.settings import Settings

if TYPE_CHECKING:
    from edgeagent.state_store.carrier import Carrier
    from edgeagent.state_store.port import StateStore
    from edgeagent.teleport.sealing import Identity

ROOM_BYTES = 8 << 30
_ROOM = re.compile(r"(\d+(?:\.\d+)?) ?(MB|GB|TB)")
_UNIT_BYTES = {"MB": 10**6, "GB": 10**9, "TB": 10**12}
_REMOTE = ("s3", "s3a", "gs", "az", "azure", "abfs", "abfss", "adl")


class StoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place behind the disk."""

    url: str
    """``file:///FOLDER``, ``s3://BUCKET/PREFIX``, …"""
    max_bytes: int = ROOM_BYTES
    key: str = ""
    """File of the secret key that states are sealed with; empty: this machine's own."""
    copies: bool = False
    """What a session leaves is sent at once: whoever goes on with it may be another machine."""


def app_store(said: Settings) -> StoreSettings | None:
    """What ``said`` names for an app; None without a place. Raises `UsageError`, `EnvironmentProblem` for what an app does
    not reach."""
    max_bytes = room(said.state_store_room)
    if not said.state_store:
        return None
    if "://" in said.state_store and not said.state_store.startswith("file://"):
        why = "this is offline mode: nothing may be reached" if offline.is_offline() else (
            "the app goes to other machines through its egress broker alone, which a bucket's client knows nothing of"
        )  # fmt: skip
        raise EnvironmentProblem(
            f"state_store = {said.state_store!r} is on another machine, and {why}",
            "name a folder (a mounted one, too); buckets are for `edgeagent cloud serve --state-store`",
        )
    return StoreSettings(checked(said.state_store), max_bytes)


def checked(place: str) -> str:
    """``place``, a folder or a URL, as a URL. Raises `UsageError`."""
    scheme, sign, rest = place.partition("://")
    if not sign or scheme == "file":
        path = Path(rest if sign else place).expanduser()
        if not path.is_absolute():
            raise UsageError(f"state store {place!r} is no absolute folder", "begin it with / or ~")
        return f"file://{path}"
    if scheme not in _REMOTE or not rest:
        raise UsageError(f"state store {place!r} is neither a folder nor a bucket", "/FOLDER, s3://BUCKET/PREFIX, gs://…, az://…")
    return place


def room(text: str) -> int:
    """Bytes of ``8 GB``. Raises `UsageError`."""
    found = _ROOM.fullmatch(text.strip())
    if not found or not float(found[1]):
        raise UsageError(f"state_store_room = {text!r} is no amount", 'write it as "8 GB" or "500 MB"')
    return int(float(found[1]) * _UNIT_BYTES[found[2]])


def store_for(wanted: StoreSettings | None) -> StateStore | None:
    """The place itself. Raises `EnvironmentProblem` without the library for it."""
    if wanted is None:
        return None
    if not find_spec("obstore"):
        raise EnvironmentProblem("a state store needs a library that is not installed", "pip install 'edgeagent[store]'")
    from edgeagent.state_store.objects import ObjectStates

    return ObjectStates(wanted.url)


def carrier_for(wanted: StoreSettings | None) -> Carrier | None:
    """Who carries states there and back. Raises as `store_for`."""
    from edgeagent.state_store.carrier import Carrier

    store = store_for(wanted)
    return Carrier(wanted, store) if wanted and store else None


def key_of(wanted: StoreSettings) -> Identity:
    """The key for states there, made if there is none: without it they are worth nothing. Raises `UsageError`."""
    from edgeagent.teleport.sealing import kept_identity

    return kept_identity(Path(wanted.key) if wanted.key else cache_root() / "states.age")
