"""``network``: which connections out of the sandbox are permitted."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from edgeagent_harness.policy import nemoclaw
from edgeagent_harness.policy.decide import TLS_PORT
from edgeagent_harness.policy.hosts import canonical_endpoint_host
from edgeagent_harness.policy.http_path import PREFIX_FORM, is_prefix
from edgeagent_harness.policy.keys import nearest
from edgeagent_harness.policy.strict_yaml import Section
from edgeagent_harness.policy.types import Egress, EgressMode, Endpoint, Policy

_MODES = ("deny", "allowlist", "offline")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def network(section: Section, policy: Policy) -> Policy:
    """``policy`` with what ``section`` says."""
    if egress := section.section("egress"):
        policy = _egress(egress, policy)
    if section.is_text("ingress"):
        nemoclaw.ingress(section)
    elif ingress := section.section("ingress"):
        ingress.text("mode", "deny", ("deny",))
        ingress.done()
    section.done()
    return policy


def _egress(section: Section, policy: Policy) -> Policy:
    mode = cast(EgressMode, section.text("mode", "deny", _MODES))
    endpoints: list[Endpoint] = []
    notes: list[str] = []
    for item in section.mixed("endpoints"):
        if isinstance(item, Section):
            line, endpoint = item.line_of("host"), _endpoint(item)
        else:
            line = item[1]
            endpoint, note = nemoclaw.endpoint(section, *item)
            notes += [note] if note else []
        if clash := _clash(endpoint, endpoints):
            raise section.error(f"{section.full('endpoints')}: {endpoint.host} port {endpoint.port} {clash}", line)
        endpoints.append(endpoint)
    section.done()
    if endpoints and mode != "allowlist":
        message = f"endpoints are given, but mode {mode!r} permits none; write mode: allowlist, or remove them"
        raise section.error(f"network.egress: {message}", section.line_of("endpoints"))
    return replace(policy, egress=Egress(mode, tuple(endpoints)), notes=(*policy.notes, *notes))


def _endpoint(section: Section) -> Endpoint:
    host = section.needed_text("host")
    port = section.needed_integer("port", 1, 65_535)
    methods, paths = section.texts("methods"), section.texts("paths")
    section.done()
    for key, given in (("methods", methods), ("paths", paths)):
        if key in section and not given:
            raise section.error(f"{section.full(key)} is empty; leave it away to permit all", section.line_of(key))
        if given and port == TLS_PORT:
            reason = f"port {port} is TLS, which hides {key}; permit the whole host by leaving them away"
            raise section.error(f"{section.full(key)} cannot be honoured: {reason}", section.line_of(key))
    for method in methods:
        if method not in _METHODS:
            hint = nearest(method.upper(), _METHODS, always=True)
            raise section.error(
                f"{section.full('methods')}: {method!r} is no method that can be permitted{hint}", section.line_of("methods")
            )
    for path in paths:
        if not is_prefix(path):
            raise section.error(f"{section.full('paths')}: {path!r} must be {PREFIX_FORM}", section.line_of("paths"))
    return Endpoint(_host_of(section, host, section.line_of("host")), port, methods, paths)


def _clash(endpoint: Endpoint, others: list[Endpoint]) -> str:
    """Different methods may go with different paths of one place; everything beside some of it says two things."""
    for other in others:
        if (endpoint.host, endpoint.port) == (other.host, other.port):
            if endpoint == other:
                return "is given twice"
            if not (endpoint.methods or endpoint.paths) or not (other.methods or other.paths):
                return "is given twice, once as a whole and once limited to methods or paths; keep one"
    return ""


def _host_of(section: Section, text: str, line: int) -> str:
    """``text`` in canonical form, or its problem at ``line``."""
    try:
        return canonical_endpoint_host(text)
    except ValueError as error:
        raise section.error(f"{section.full('host')}: {text!r} {error}", line) from error
