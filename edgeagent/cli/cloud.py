"""``edgeagent cloud``: a backend that sessions move to, on a machine of yours."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from edgeagent.cli.cloud_keeping import gc, sessions
from edgeagent.cli.cloud_options import BLOBS, DATA, LEDGER, endpoints_of, folder_of, require_extra
from edgeagent.cli.exits import EXIT_CODES_HELP
from edgeagent.cli.sessions_text import echo_json
from edgeagent.errors import UsageError
from edgeagent.offline import require_network

if TYPE_CHECKING:
    import sqlalchemy as sa


@click.group(epilog=EXIT_CODES_HELP)
def cloud() -> None:
    """Serve sessions that move here. Needs the extra: pip install 'edgeagent[cloud]'."""


cloud.add_command(gc)
cloud.add_command(sessions)


@cloud.command()
@DATA
@LEDGER
@BLOBS
@click.option("--name", default="cloud", show_default=True, help="What it calls itself in the sessions' logs.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; any but loopback needs TLS.")
@click.option("--port", default=8470, show_default=True, type=click.IntRange(0, 65535), help="0: any.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(0, 1000), help="Sessions worked on at once.")
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True, help="Where workers run.")
@click.option("--ray-address", default="", metavar="HOST:PORT", help="Ray cluster to join; default: one on this machine.")
@click.option(
    "--models", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Folder with GGUF files to use here."
)
@click.option(
    "--model", "endpoints", multiple=True, metavar="[NAME=]openai:URL#NAME", help="A server that answers for a model here."
)
@click.option(
    "--take-engine-states", is_flag=True, help="Go on from what sessions' engines held elsewhere: for tenants that you trust."
)
@click.option(
    "--state-store",
    default="",
    metavar="URL",
    help="Where engines' states go that find no room here, or may be wanted on "
    "another machine: s3://BUCKET/PREFIX, gs://…, az://…, a folder; sealed. Default: nowhere.",
)
@click.option("--state-store-gb", default=8.0, show_default=True, type=click.FloatRange(min=0.001), help="Of states there.")
@click.option("--tls-cert", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="PEM file.")
@click.option("--tls-key", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="PEM file.")
@click.option("--rate", default=100.0, show_default=True, type=click.FloatRange(0.1), help="Requests a second for each token.")
@click.option("--max-sessions", default=1000, show_default=True, type=click.IntRange(1), help="Of each tenant.")
@click.option("--max-gb", default=100.0, show_default=True, type=click.FloatRange(min=0.001), help="Stored for each tenant.")
@click.option(
    "--gc-hours", default=24.0, show_default=True, type=click.FloatRange(0), help="How often to do `cloud gc`; 0: never."
)
@click.option("--runner", default="", hidden=True, help="module:function that makes the workers' runner, for tests.")
def serve(
    data: Path | None, ledger: str, blobs: str, name: str, host: str, port: int, workers: int,
    engine: Literal["local", "ray"], ray_address: str, models: Path | None, endpoints: tuple[str, ...],
    tls_cert: Path | None, tls_key: Path | None, rate: float, max_sessions: int, max_gb: float,
    gc_hours: float, runner: str, take_engine_states: bool, state_store: str, state_store_gb: float,
) -> None:  # fmt: skip
    """Serve until Ctrl-C. Prints the address once it listens."""
    require_network("serving sessions of other machines")
    require_extra()
    from edgeagent.cloud.access import Rates
    from edgeagent.cloud.depot import Quota
    from edgeagent.cloud.serving import Settings
    from edgeagent.cloud.serving import serve as serve_backend
    from edgeagent.state_store.settings import checked

    if bool(tls_cert) != bool(tls_key):
        raise UsageError("TLS needs both --tls-cert and --tls-key")
    if ray_address and engine != "ray":
        raise UsageError("--ray-address goes with --engine ray")
    settings = Settings(
        folder_of(data), name, host, port, ledger, blobs, workers, runner, models, endpoints_of(endpoints), tls_cert, tls_key,
        Quota(max_sessions, int(max_gb * 1e9)), Rates(rate, 4 * rate), engine, ray_address,
        sweep_every_s=3600 * gc_hours, takes_engine_states=take_engine_states,
        state_store=checked(state_store) if state_store else "", state_store_bytes=int(state_store_gb * 1e9),
    )  # fmt: skip
    serve_backend(settings)


@cloud.group()
def token() -> None:
    """Who may use the backend. Tokens are kept as digests: one is shown once, when it is made."""


@token.command("create")
@click.argument("tenant")
@click.option("--scope", "scopes", multiple=True, default=("read", "write"), show_default=True, help="read, write, metrics.")
@click.option("--days", default=90.0, show_default=True, type=click.FloatRange(min=0.001), help="How long it counts.")
@click.option("--note", default="", help="For people: whose it is.")
@DATA
@LEDGER
def create(tenant: str, scopes: tuple[str, ...], days: float, note: str, data: Path | None, ledger: str) -> None:
    """Print a new token of TENANT."""
    from edgeagent.cloud.tokens import make_token

    click.echo(make_token(_engine(data, ledger), tenant, scopes, days, note))


@token.command("list")
@DATA
@LEDGER
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_(data: Path | None, ledger: str, output: str) -> None:
    """All tokens, by tenant."""
    from edgeagent.cloud.tokens import list_tokens

    listed = list_tokens(_engine(data, ledger))
    if output == "json":
        return echo_json(listed)
    for row in listed:
        end = time.strftime("%Y-%m-%d", time.localtime(float(str(row["expires_s"]))))
        click.echo(f"{row['id']}  {row['tenant']:<20}  {row['scopes']:<20}  until {end}  {row['note']}")
    return None


@token.command()
@click.argument("number", metavar="ID")
@DATA
@LEDGER
def revoke(number: str, data: Path | None, ledger: str) -> None:
    """Let the token with this id (of `token list`) count no more."""
    from edgeagent.cloud.tokens import revoke_token

    if not revoke_token(_engine(data, ledger), number):
        raise UsageError(f"no token has the id {number!r}", "`edgeagent cloud token list` shows them")


@cloud.command()
@DATA
def schema(data: Path | None) -> None:
    """Print the OpenAPI description of the API."""
    require_extra()
    from edgeagent.cloud.serving import Settings, application

    echo_json(application(Settings(folder_of(data), workers=0)).openapi_schema.to_schema())


def _engine(data: Path | None, ledger: str) -> sa.Engine:
    require_extra()
    from edgeagent.cloud.serving import Settings, open_ledger

    return open_ledger(Settings(folder_of(data), ledger=ledger))
