"""NemoClaw's public example form, translated. ``docs/policy.md`` has the table; each change of meaning becomes a note."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from edgeagent_harness.policy.decide import TLS_PORT
from edgeagent_harness.policy.hosts import canonical_endpoint_host
from edgeagent_harness.policy.http_path import PREFIX_FORM, is_prefix
from edgeagent_harness.policy.strict_yaml import Section
from edgeagent_harness.policy.types import Endpoint

_ENVIRONMENT = "isolated-container"
_DEFAULT_PORTS = {"https": 443, "http": 80}
_EXECUTOR_CALLS = ("execve", "execveat")


def is_form(top: Section) -> bool:
    """Whether the policy is in this form: its environment is one word."""
    return top.is_text("execution_environment")


def environment(top: Section) -> None:
    """Read ``execution_environment: isolated-container``: our sandbox with its defaults."""
    top.text("execution_environment", _ENVIRONMENT, (_ENVIRONMENT,))


def ingress(network: Section) -> None:
    """Read ``ingress: deny-all``, which is what always holds."""
    network.text("ingress", "deny-all", ("deny-all",))


def endpoint(section: Section, url: str, line: int) -> tuple[Endpoint, str]:
    """The endpoint that ``url`` means, and a note if it permits more than the URL says."""
    parts, port = _split(section, url, line)
    try:
        host = canonical_endpoint_host(parts.hostname or "")
    except ValueError as error:
        raise section.error(f"{section.full('endpoints')}: the host of {url!r} {error}", line) from error
    path = parts.path.rstrip("/")
    if path and not is_prefix(path):
        raise section.error(f"{section.full('endpoints')}: the path of {url!r} must be {PREFIX_FORM}", line)
    if parts.scheme == "http":
        if port == TLS_PORT:
            raise section.error(f"{section.full('endpoints')}: {url!r} cannot be honoured: port 443 is TLS; write https", line)
        return Endpoint(host, port, paths=(path,) if path else ()), ""
    note = f"line {line}: {url}: TLS hides the path, so all of https://{host} is permitted" if path else ""
    return Endpoint(host, port), note


def system_calls(section: Section, allowed: tuple[str, ...], denied: tuple[str, ...]) -> tuple[tuple[str, ...], list[str]]:
    """The calls of ``denied`` that are denied to everything (starting programs is denied to the executor), and notes."""
    executor = [name for name in denied if name in _EXECUTOR_CALLS]
    notes: list[str] = []
    if executor:
        reason = "is denied to the program that drives screen and keyboard; applications are programs, and must be started"
        notes.append(f"line {section.line_of('deny')}: {' and '.join(executor)} {reason}")
    if allowed:
        reason = (
            "permits again what is denied by default; calls that neither list names keep their default (a desktop needs hundreds)"
        )
        notes.append(f"line {section.line_of('allow')}: system_calls.allow {reason}")
    return tuple(name for name in denied if name not in _EXECUTOR_CALLS), notes


def _split(section: Section, url: str, line: int) -> tuple[SplitResult, int]:
    """``url`` taken apart, refused if it has more than scheme, host, port and path."""

    def wrong(reason: str) -> Exception:
        form = "write https://host[:port][/path], or {host: …, port: …}"
        return section.error(f"{section.full('endpoints')}: {url!r} {reason}; {form}", line)

    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise wrong(f"is no URL: {error}") from error
    if parts.scheme not in _DEFAULT_PORTS:
        raise wrong("is no http or https URL")
    if parts.username is not None or parts.password is not None:
        raise wrong("has user information in it")
    if "?" in url or "#" in url:
        raise wrong("has a query or fragment in it")
    if port == 0:
        raise wrong("has port 0")
    return parts, port or _DEFAULT_PORTS[parts.scheme]
