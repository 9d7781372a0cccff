"""What a session from elsewhere may not ask of the machine that it comes to.

Going on with a session starts the desktop that its log describes. A log that another machine wrote could describe one that sees
this machine's folders, types its secrets, or is this machine's own desktop. Whatever is not listed here as harmless is refused,
so that a field that comes with a later version is, too.
"""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Container, Iterable, Iterator

import msgspec

from edgeagent import events
from edgeagent.errors import BundleRefused, UsageError
from edgeagent.policy.loading import read_policy
from edgeagent.remote_names import model_name
from edgeagent.teleport.plan import model_of
from edgeagent_harness.policy.types import Policy
from edgeagent_harness.protocol.messages import DesktopSpec

_HARMLESS_SPEC = frozenset({
    "width", "height", "home", "applications", "url", "kiosk", "browser_scale", "browser_debug_pipe", "policy_yaml",
    "policy_name",
})  # fmt: skip
"""``home``: the session's own is taken, whatever it says. The policy's text is judged by itself."""
_HARMLESS_POLICY = frozenset({
    "profile", "width", "height", "tmpfs", "egress", "extra_denied", "executor_denied", "limits", "violations", "audit", "gate",
    "redaction", "teleport",
})  # fmt: skip
"""``egress`` is looked at beyond that."""
_MODEL = "embedded"


def require_harmless(facts: Iterable[events.EventData], models: Container[str] = ()) -> None:
    """Raise `BundleRefused`, naming everything, if the session of ``facts`` asks for something of this machine's own.

    ``models``: names of models that it may use here.
    """
    told = list(dict.fromkeys(_wanted(list(facts), models)))
    if told:
        raise BundleRefused(
            f"the session asks for things of the machine that it comes to: {', '.join(told)}", "leave it where it is"
        )


def _wanted(facts: list[events.EventData], models: Container[str]) -> Iterator[str]:
    now = model_of(facts)
    for path in filter(None, (now.model, now.mmproj)):
        if path != _MODEL and _name(path) not in models:
            yield f"the model {path}"
    for fact in facts:
        if isinstance(fact, events.SessionCreated):
            yield from _of_spec(fact.desktop)


def _name(path: str) -> str:
    try:
        return model_name(path)
    except UsageError:
        return path


def _of_spec(spec: DesktopSpec) -> Iterator[str]:
    default = DesktopSpec()
    for field in msgspec.structs.fields(DesktopSpec):
        if field.name not in _HARMLESS_SPEC and getattr(spec, field.name) != getattr(default, field.name):
            yield field.name
    try:
        policy = read_policy(spec.policy_yaml, "its policy")
    except UsageError as error:
        yield f"a policy that cannot be read ({error})"
        return
    for name in (field.name for field in dataclasses.fields(Policy) if field.compare):
        if name not in _HARMLESS_POLICY and getattr(policy, name) != getattr(Policy(), name):
            yield f"{name} of its policy"
    if policy.egress.mode == "offline":
        yield "network.egress.mode offline"
    yield from (f"{endpoint.host}:{endpoint.port}" for endpoint in policy.egress.endpoints if _is_private(endpoint.host))


def _is_private(host: str) -> bool:
    """Whether ``host`` is an address that is not of the public internet; for names the broker looks at what they stand for."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False
