"""Fetches a model from a hub with huggingface_hub: resumed, checked against the hub's own checksums, by the egress broker."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from edgeagent.egress import AppEgress
from edgeagent.errors import EgressDenied, EnvironmentProblem, ModelUnusable, UsageError
from edgeagent.hub.choosing import Chosen, HubFile, choose
from edgeagent.hub.shelf import Kept, Shelved, find, plain_name, put, require_room
from edgeagent_harness.policy.hosts import canonical_endpoint_host
from edgeagent_harness.policy.types import Egress, Endpoint
from edgeagent_harness.protocol.audit import Connection

ENDPOINT_VARIABLE = "HF_ENDPOINT"
DEFAULT_ENDPOINT = "https://huggingface.co"
_HUBS_OWN = ("*.huggingface.co", "*.hf.co")
"""Where the default hub sends one for large files."""
_FORM = "write OWNER/NAME, or OWNER/NAME:QUANT"
_CHUNK_BYTES = 1 << 20
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to pull: ``repository`` in ``quantization`` (empty: the only one) at ``revision``, from ``endpoint``."""

    repository: str
    quantization: str = ""
    revision: str = "main"
    endpoint: str = DEFAULT_ENDPOINT
    also: tuple[Endpoint, ...] = ()
    """Further places that the hub may send one to."""

    @property
    def places(self) -> tuple[Endpoint, ...]:
        """All that may be reached. Raises `UsageError`."""
        own = _place(self.endpoint)
        hubs = tuple(Endpoint(host, 443) for host in _HUBS_OWN) if self.endpoint == DEFAULT_ENDPOINT else ()
        return (own, *hubs, *self.also)


def wanted(text: str, revision: str, also: Sequence[str]) -> Wanted:
    """``OWNER/NAME[:QUANT]`` from the hub that the environment names. Raises `UsageError`."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    repository, _, quantization = text.partition(":")
    try:
        validate_repo_id(repository)
    except HFValidationError as error:
        raise UsageError(f"{text!r} is no repository: {error}", _FORM) from error
    if "/" not in repository:
        raise UsageError(f"{text!r} is no repository: its owner is missing", _FORM)
    endpoint = (os.environ.get(ENDPOINT_VARIABLE) or DEFAULT_ENDPOINT).rstrip("/")
    return Wanted(repository, quantization, revision, endpoint, tuple(_place(f"https://{place}") for place in also))


async def pull(what: Wanted, name: str, tell: Tell, on_audited: Callable[[Connection], None]) -> Shelved:
    """Fetch ``what`` onto the shelf, as ``name`` if one is given. What was fetched before an interruption is kept.

    Raises `UsageError` for what the hub does not have, `EnvironmentProblem` (in offline mode always), `EgressDenied`.
    """
    async with AppEgress(Egress("allowlist", what.places), on_audited) as egress:
        with _client(egress.broker_socket):
            return await asyncio.to_thread(_pulled, what, name, tell)


def _pulled(what: Wanted, name: str, tell: Tell) -> Shelved:
    from httpx2 import HTTPError
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        api = HfApi(endpoint=what.endpoint, library_name="edgeagent")
        info = api.model_info(what.repository, revision=what.revision, files_metadata=True)
        files = [
            HubFile(file.rfilename, file.size or 0, file.lfs.sha256 if file.lfs else "") for file in info.siblings or []
        ]  # fmt: skip
        chosen = choose(what.repository, files, what.quantization)
        shelf = _planned(what, name, chosen, info.sha or what.revision, str(getattr(info.card_data, "license", None) or ""))
        tell(_announcement(what, shelf))
        _fetch_all(what, info.sha or what.revision, chosen, shelf.directory, tell)
    except EgressDenied as denied:
        raise EgressDenied(f"{denied}: the hub sent us there", "permit it with --also HOST[:PORT]") from denied
    except HfHubHTTPError as error:
        status = error.response.status_code
        kind = UsageError if status in (401, 403, 404) else EnvironmentProblem
        raise kind(f"{what.endpoint} answered {status} for {what.repository}: {_first_line(error)}", _hint(status)) from error
    except (HTTPError, OSError) as error:
        raise EnvironmentProblem(f"{what.endpoint}: {_first_line(error)}", "run it again: it goes on where it stopped") from error
    try:
        put(shelf)
    except ModelUnusable:
        shutil.rmtree(shelf.directory)
        raise
    return shelf


def _planned(what: Wanted, name: str, chosen: Chosen, commit: str, licence: str) -> Shelved:
    """The model as it will stand on the shelf."""
    first, *more = chosen.model
    short = what.repository.split("/")[1].removesuffix("-GGUF").removesuffix("-gguf")
    named = plain_name(name or f"{short} {first.quantization}")
    if find(named):
        raise UsageError(f"there is a model {named!r} already", f"remove it first: edgeagent models rm {named}")
    mmproj = _kept(chosen.mmproj) if chosen.mmproj else None
    return Shelved(named, _kept(first), mmproj, tuple(map(_kept, more)), f"{what.repository}@{commit}", licence)


def _kept(file: HubFile) -> Kept:
    return Kept(file.name, file.size_bytes, file.sha256)


def _announcement(what: Wanted, shelf: Shelved) -> str:
    """What is about to be fetched, from where, under which licence."""
    sight = f"with {shelf.mmproj.name}" if shelf.mmproj else "WITHOUT a vision part: it cannot see"
    licence = shelf.licence or "not stated"
    size = f"{shelf.size_bytes / 1e9:.2f} GB"
    return f"{shelf.model.name} {sight}, {size}, licence: {licence}\nfrom {what.endpoint} to {shelf.directory}"


def _fetch_all(what: Wanted, commit: str, chosen: Chosen, directory: Path, tell: Tell) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    missing = [file for file in chosen.files if not (directory / file.name).is_file()]
    require_room(sum(file.size_bytes - _fetched_bytes(_part(directory, file)) for file in missing))
    for file in missing:
        _fetch(what, commit, file, directory, tell)


def _fetch(what: Wanted, commit: str, file: HubFile, directory: Path, tell: Tell) -> None:
    """One file: what is there of it stays, the rest is fetched, the whole is checked."""
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    part = _part(directory, file)
    if have := _fetched_bytes(part):
        tell(f"{file.name}: goes on at {have / 1e9:.2f} GB")
    url = hf_hub_url(what.repository, file.path, revision=commit, endpoint=what.endpoint)
    with part.open("ab") as out:
        headers = {**build_hf_headers(library_name="edgeagent"), "Accept-Encoding": "identity"}
        http_get(url, out, resume_size=have, headers=headers, expected_size=file.size_bytes, displayed_filename=file.name)
    if file.sha256 and (found := _sha256(part)) != file.sha256:
        part.unlink()
        raise EnvironmentProblem(f"{file.name}: its SHA-256 is {found}, the hub states {file.sha256}", "pull it again")
    tell(f"{file.name}: {'SHA-256 as the hub states it' if file.sha256 else 'the hub states no checksum: size checked'}")
    part.replace(directory / file.name)


def _part(directory: Path, file: HubFile) -> Path:
    """Where a file grows; another content under the same name is another part."""
    return directory / f"{file.name}.{file.sha256[:16] or file.size_bytes}.part"


def _fetched_bytes(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def _client(broker_socket: Path) -> Generator[None]:
    """Have huggingface_hub use the broker for every connection; its faster transport (Xet) makes its own, so it is off."""
    os.environ["HF_HUB_DISABLE_XET"] = os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    import httpx2
    from huggingface_hub import set_client_factory

    from edgeagent.egress_http import BrokerTransport

    def made() -> httpx2.Client:
        return httpx2.Client(transport=BrokerTransport(broker_socket), follow_redirects=True, timeout=None, trust_env=False)

    def closed() -> httpx2.Client:
        raise EnvironmentProblem("the way to the hub is closed")

    set_client_factory(made)
    try:
        yield
    finally:
        set_client_factory(closed)


def _place(url: str) -> Endpoint:
    """Host and port of ``url``. Raises `UsageError`."""
    parts = urlsplit(url)
    try:
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise ValueError("write it as https://HOST")
        return Endpoint(canonical_endpoint_host(parts.hostname), parts.port or {"http": 80, "https": 443}[parts.scheme])
    except ValueError as error:
        raise UsageError(f"{url} is no place to fetch from: {error}", f"see {ENDPOINT_VARIABLE} and --also") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _hint(status: int) -> str:
    if status in (401, 403):
        return "a gated or private repository: accept its terms on the hub, and set HF_TOKEN"
    return "look at the name" if status == 404 else "try again later; what was fetched is kept"
