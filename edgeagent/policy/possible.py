"""What is denied whatever the rules say, because it cannot work: the model is told why instead of running into it."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from edgeagent.policy.facts import parts_of
from edgeagent_harness.policy.decide import judge_url
from edgeagent_harness.policy.types import Policy
from edgeagent_harness.protocol.actions import Action, ClipboardWrite, OpenApp, OpenUrl, Type

SECRET_MARK = "{secret:"
"""Begins a reference to a secret within a text; a text that holds one beside other words cannot be typed."""


def impossible(action: Action, policy: Policy) -> tuple[str, str] | None:
    """The rule and the reason why ``action`` is denied beforehand; None if nothing speaks against it."""
    known = {secret.name for secret in policy.secrets}
    for part in parts_of(action):
        match part:
            case Type(secret_ref=str(name)) if name not in known and not is_typed_reference(name):
                return "secrets", f"this run has no secret named {name!r}"
            case Type(text=text) | ClipboardWrite(text=text) | OpenUrl(url=text) | OpenApp(name=text) if SECRET_MARK in text:
                return "secrets", "a secret is typed by reference and alone: type with secret_ref, without other text"
            case OpenUrl(url=url) if not is_reachable(url):
                if refusal := _unreachable_outside(url, policy):
                    return "network.egress", f"{url!r} is not reachable: {refusal}"
            case _:
                pass
    return None


def _unreachable_outside(url: str, policy: Policy) -> str:
    """Why the egress broker would refuse ``url``; empty: it would not."""
    if policy.egress.mode != "allowlist":
        return "the sandbox has no network but its own loopback"
    ruling = judge_url(policy.egress, url)
    return "" if ruling.permitted or policy.violations.egress == "log" else ruling.reason


def is_typed_reference(name: str) -> bool:
    """Whether ``name`` stands for text that the model typed itself and that is not recorded, as it is part of a secret."""
    return name.startswith("typed:")


def is_reachable(url: str) -> bool:
    """Whether a sandbox without egress can open ``url``: a file of its own, or a page on its own loopback."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme in {"file", "about", "data"}:
        return True
    if parts.scheme not in {"http", "https"}:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
