"""Starts a backend on this machine: ledger, blobs, workers, API; nothing else is needed."""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
import uvicorn
from litestar import Litestar

from edgeagent.cloud.access import Rates
from edgeagent.cloud.app import Services, make_app
from edgeagent.cloud.binding import bind
from edgeagent.cloud.blobs import Blobs
from edgeagent.cloud.depot import Depot, Quota
from edgeagent.cloud.engines import Engine
from edgeagent.cloud.engines.local import LocalEngine
from edgeagent.cloud.engines.on_ray import RayEngine
from edgeagent.cloud.ledger import Ledger
from edgeagent.cloud.ledger.database import migrate, open_database
from edgeagent.cloud.pool import Pool
from edgeagent.cloud.sweeping import Sweep, sweep_now_and_then
from edgeagent.errors import EnvironmentProblem, UsageError
from edgeagent.recording.problems import recording_problem
from edgeagent.state_store.settings import ROOM_BYTES, StoreSettings, key_of, store_for
from edgeagent.state_store.telling import behind

_STATES_HINT = "check --state-store, and for a bucket AWS_ENDPOINT_URL, AWS_REGION and the credentials in the environment"
_BACKLOG = 512
_CLOSE_S = 5
"""For requests under way when it ends; followers of events are cut off."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a backend is served."""

    root: Path
    """Everything that it keeps lies beneath this folder."""
    name: str = "cloud"
    host: str = "127.0.0.1"
    port: int = 8470
    """0: any."""
    ledger: str = ""
    """SQLAlchemy's form of a database; empty: SQLite in ``root``."""
    blobs: str = ""
    """Where `obstore` keeps chunks; empty: a folder in ``root``."""
    workers: int = 4
    """At once; 0: sessions are kept, not worked on."""
    runner: str = ""
    """``module:function`` that makes the workers' `Runner`; empty: the real one. For tests and benchmarks."""
    models: Path | None = None
    """Folder with the model files that sessions may use here."""
    endpoints: Mapping[str, str] = field(default_factory=dict[str, str])
    """Name of a model -> the server that answers for it here."""
    certificate: Path | None = None
    key: Path | None = None
    quota: Quota = field(default_factory=Quota)
    rates: Rates = field(default_factory=Rates)
    engine: Literal["local", "ray"] = "local"
    """Where workers run."""
    ray_address: str = ""
    """HOST:PORT of the Ray cluster to join; empty: one is started on this machine."""
    sweep: Sweep = field(default_factory=Sweep)
    sweep_every_s: float = 0.0
    """0: only when asked to."""
    takes_engine_states: bool = False
    """What a session's engine held elsewhere may be put into an engine here."""
    state_store: str = ""
    """URL of a place behind the disk for what engines here hold; empty: none."""
    state_store_bytes: int = ROOM_BYTES

    @property
    def ledger_url(self) -> str:
        return self.ledger or f"sqlite:///{self.root / 'ledger.sqlite'}"

    @property
    def states(self) -> StoreSettings | None:
        """All machines of this backend have one key: whoever goes on with a session may be another one."""
        if not self.state_store:
            return None
        return StoreSettings(self.state_store, self.state_store_bytes, str(self.root / "keys" / "states.age"), copies=True)

    @property
    def blobs_url(self) -> str:
        return self.blobs or f"file://{self.root / 'blobs'}"


def open_ledger(settings: Settings) -> sa.Engine:
    """The ledger, brought up to date. Raises `EnvironmentProblem`."""
    try:
        settings.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise recording_problem(error, settings.root) from error
    engine = open_database(settings.ledger_url)
    migrate(engine)
    return engine


def open_depot(settings: Settings) -> Depot:
    """What is kept of sessions. Raises `EnvironmentProblem`."""
    database, blobs = open_ledger(settings), Blobs(settings.blobs_url)
    depot = Depot(
        settings.root, Ledger(database), blobs, settings.name, settings.quota, settings.models, settings.endpoints,
        settings.takes_engine_states,
    )  # fmt: skip
    bind(database, blobs, depot.identity.recipient.text)
    return depot


def application(settings: Settings) -> Litestar:
    """The ASGI application of this backend."""
    depot = open_depot(settings)
    pool = None
    _require_states(settings.states)
    if settings.workers:
        pool = Pool(depot, settings.ledger_url, _engine(settings), settings.workers, settings.runner, settings.states)
    sweeping = partial(sweep_now_and_then, depot, settings.sweep, settings.sweep_every_s)
    return make_app(Services(depot, pool, settings.rates, (sweeping,) if settings.sweep_every_s else ()))


def _require_states(wanted: StoreSettings | None) -> None:
    """Raise `EnvironmentProblem` if the place behind the disk cannot be used now. Later that costs no more than its use."""
    store = store_for(wanted)
    if wanted and store:
        key_of(wanted)
        if problem := behind(store).problem:
            raise EnvironmentProblem(f"the state store at {store.where} cannot be used: {problem}", _STATES_HINT)


def _engine(settings: Settings) -> Engine:
    if settings.engine == "local":
        return LocalEngine(settings.states)
    return RayEngine(settings.ray_address, settings.workers, settings.ledger_url)


def _require_pair(settings: Settings) -> None:
    """Raise `UsageError` if the certificate cannot be served with the key."""
    if settings.certificate is None or settings.key is None:
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(settings.certificate, settings.key)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"{settings.certificate} and {settings.key} cannot be used for TLS: {error.strerror or error}",
            "PEM files: the certificate, and the key that it was made with",
        ) from error


def serve(settings: Settings) -> None:
    """Until a signal ends it. Prints the address once it listens; raises `UsageError` for one that is not safe."""
    if not (settings.certificate and settings.key) and not _is_loopback(settings.host):
        raise UsageError(
            f"{settings.host} can be reached from elsewhere: tokens would travel in the clear", "--tls-cert and --tls-key"
        )
    _require_pair(settings)
    app = application(settings)
    listener = _listen(settings.host, settings.port)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=_CLOSE_S, server_header=False,
        ssl_certfile=str(settings.certificate) if settings.certificate else None,
        ssl_keyfile=str(settings.key) if settings.key else None,
    )  # fmt: skip
    scheme = "https" if settings.certificate else "http"
    print(f"{settings.name}: {scheme}://{settings.host}:{listener.getsockname()[1]}", flush=True)
    print(f"whoever connects is shown the key ed25519:{app.state.services.depot.public_key}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        raise UsageError(f"--host {host!r} is no address", "write 127.0.0.1, or the address of this machine") from None


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise EnvironmentProblem(
            f"cannot listen at {host}:{port}: {os.strerror(error.errno or 0)}", "choose another --port"
        ) from error
    listener.listen(_BACKLOG)
    return listener
