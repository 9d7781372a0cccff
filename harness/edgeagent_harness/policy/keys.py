"""Which keys a policy has, and where: a key that is mistyped, or stands in the wrong place, is told the right one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

_EDGES = ("left", "top", "right", "bottom")
KEYS: dict[str, tuple[str, ...]] = {
    "": (
        "version", "agent_profile", "execution_environment", "network", "system_calls", "resource_limits", "on_violation",
        "enforcement", "audit", "gate", "redaction", "secrets", "teleport",
    ),
    "execution_environment": ("backend", "browser_sandbox", "filesystem", "display"),
    "execution_environment.display": ("width", "height"),
    "execution_environment.filesystem": ("read_only", "read_write", "tmpfs"),
    "network": ("egress", "ingress"),
    "network.egress": ("mode", "endpoints"),
    "network.egress.endpoints[0]": ("host", "port", "methods", "paths"),
    "network.ingress": ("mode",),
    "system_calls": ("default", "deny", "allow", "executor_deny"),
    "resource_limits": ("max_memory_gb", "max_pids", "cpu_percent", "timeout_seconds", "max_disk_gb"),
    "on_violation": ("seccomp", "exec", "egress", "resources"),
    "enforcement": ("missing_layer", "accept_missing"),
    "audit": ("path", "hash_chain", "exec"),
    "gate": ("mode", "rules", "limits", "escalation", "governor"),
    "gate.rules[0]": (
        "name", "decision", "actions", "applications", "titles", "hosts", "text", "regions", "times", "days",
    ),
    "gate.rules[0].regions[0]": _EDGES,
    "gate.limits": ("max_steps", "max_wall_seconds", "max_tokens", "max_typed_characters", "max_files_written"),
    "gate.escalation": ("unanswered", "on_denied", "on_limit"),
    "gate.governor": (
        "max_steps_per_hour", "max_tokens_per_hour", "max_typed_characters_per_hour", "max_sessions", "forbidden_hosts",
    ),
    "redaction": ("regions", "patterns"),
    "redaction.regions[0]": ("name", *_EDGES),
    "redaction.patterns[0]": ("name", "match"),
    "secrets[0]": ("name", "source", "service", "account", "hosts", "applications"),
}  # fmt: skip
"""Section -> its keys. Of a list's items the first stands for all."""

_SURE = 0.8
"""From this likeness on (difflib's ratio) a key of another section is a better guess than one that is less like it here."""
_LIKELY = 0.5


def nearest(word: str, known: Sequence[str], always: bool = False) -> str:
    """The hint at the word of ``known`` that ``word`` may have meant; with ``always``, or else at all of them."""
    near = difflib.get_close_matches(word, known, 1, cutoff=_LIKELY)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known here: {', '.join(known)}" if always else ""


def nearest_key(word: str, here: Sequence[str]) -> str:
    """The hint at the key that ``word`` may have meant: one ``here``, else one of another section that is more like it."""
    own = max((_likeness(word, key) for key in here), default=0.0)
    elsewhere = {key: _likeness(word, key) for keys in KEYS.values() for key in keys if key not in here}
    best = max(elsewhere, key=elsewhere.__getitem__)
    if elsewhere[best] < _SURE or elsewhere[best] <= own:
        return nearest(word, here, always=True)
    return f"; did you mean {best!r}? It belongs under {_or(_sections_with(best))}"


def _sections_with(key: str) -> list[str]:
    return [section.replace("[0]", "[…]") for section, keys in KEYS.items() if key in keys]


def _likeness(word: str, key: str) -> float:
    return difflib.SequenceMatcher(None, word.lower(), key).ratio()


def _or(names: Iterable[str]) -> str:
    *most, last = (name or "the top" for name in names)
    return f"{', '.join(most)} or {last}" if most else last
