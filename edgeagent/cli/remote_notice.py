"""Said before anything leaves this machine for a model elsewhere."""

from __future__ import annotations

import click

from edgeagent.remote_names import is_remote, remote_name


def tell_what_leaves(model: str) -> None:
    """To a server, if ``model`` names one."""
    if is_remote(model):
        click.echo(remote_name(model).notice(), err=True)
