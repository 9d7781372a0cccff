"""``--host`` and what goes with it: the user's own desktop instead of a sandbox."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import click

from edgeagent import offline
from edgeagent.errors import UsageError
from edgeagent_harness.host.wayland import is_wayland
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.messages import HostSpec

_REGION = re.compile(r"(\d+)x(\d+)\+(-?\d+)\+(-?\d+)")
_HELP = {
    "host": "Work on your own desktop. Nothing contains it; you are asked before the first action of each kind.",
    "monitor": "With --host: this monitor alone, by name or by number from left to right.",
    "window": "With --host: the one window with TITLE in its title; nothing else is seen or touched.",
    "region": "With --host: this part alone, in pixels, such as 800x600+100+50; left of the primary monitor 800x600+-900+50.",
    "stop_key": "With --host: stops at once, wherever the keyboard is. A corner of the screen does so too.",
}


def with_host_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives ``command`` the options, and them to it as ``host: HostSpec | None``."""

    @functools.wraps(command)
    def wrapped(host: bool, monitor: str, window: str, region: str, stop_key: str | None, **others: Any) -> Any:
        return command(host=host_spec(host, monitor, window, region, stop_key), **others)

    for name, metavar in (("stop_key", "KEYS"), ("region", "WxH+X+Y"), ("window", "TITLE"), ("monitor", "NAME")):
        default = None if name == "stop_key" else ""
        wrapped = click.option(f"--{name.replace('_', '-')}", default=default, metavar=metavar, help=_HELP[name])(wrapped)
    return click.option("--host", is_flag=True, help=_HELP["host"])(wrapped)


def host_spec(host: bool, monitor: str, window: str, region: str, stop_key: str | None) -> HostSpec | None:
    """What the options ask for; None: a sandbox. Raises `UsageError`."""
    given = {"--monitor": monitor, "--window": window, "--region": region}
    parts = [name for name, value in given.items() if value]
    if not host:
        if parts or stop_key is not None:
            raise UsageError(f"{(*parts, '--stop-key')[0]} belongs to --host", "add --host to work on your own desktop")
        return None
    if len(parts) > 1:
        raise UsageError(f"{' and '.join(parts)}: name one of them")
    key = HostSpec().stop_key if stop_key is None else stop_key
    return HostSpec(monitor=monitor, window=window, region=_region(region), stop_key=key)


def _region(text: str) -> Rect | None:
    if not text:
        return None
    match = _REGION.fullmatch(text)
    if match is None:
        raise UsageError(f"--region {text}: write it like 800x600+100+50 (width, height, left, top)")
    width, height, left, top = map(int, match.groups())
    return Rect(left, top, left + width, top + height)


def refuse_what_a_host_lacks(host: HostSpec | None, home: str, policy: str, be_offline: bool) -> None:
    """Raise `UsageError` for options whose promise could not be kept on the user's own desktop; else say what does not hold."""
    if host is None:
        return
    if home:
        raise UsageError("--home is the sandbox's, and --host starts none", "leave one of the two away")
    if be_offline or policy == "offline" or offline.is_offline():
        reason = "offline mode cannot be honoured with --host: your own desktop has a network"
        raise UsageError(reason, "leave one of the two away")
    holds = " Of the policy only gate, secrets and redaction hold." if policy else ""
    told = f"your own desktop: nothing contains what is done.{holds} {_how_to_stop()}"
    click.secho(told, fg="yellow", err=True)


def _how_to_stop() -> str:
    if is_wayland():
        return "Say yes in the dialog that comes, to interaction too. The desktop's sign of a shared screen stops it, and Ctrl+C."
    return "Throw the pointer into a corner to stop."
