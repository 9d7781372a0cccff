"""Path prefixes of plain HTTP. A path that a server could read in two ways is refused, never normalised and then judged."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

_PLAIN = re.compile(r"/(?:[A-Za-z0-9\-._~!$&'()*+,=:@/]|%[0-9A-Fa-f]{2})*")
"""RFC 3986's path without ``;``: servers cut parameters off a segment before they look for ``..``."""
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~!$&'()+,=:@-]+)+")
"""Without ``*``, which would be taken for a wildcard and is none."""
PREFIX_FORM = "like /api/v1: absolute, normalized, without escapes, query, wildcard or final slash; it covers all beneath it"
_HIDDEN = re.compile(r"%(?:2[eEfF5]|5[cC]|3[bBfF]|23|[01][0-9A-Fa-f]|7[fF])")
"""Encoded dot, slash, percent, backslash, semicolon, question mark, hash, control characters."""


def is_prefix(path: str) -> bool:
    """Whether ``path`` may stand in a policy: absolute, normalized, without escapes, query or final slash."""
    return bool(_PREFIX.fullmatch(path)) and not any(segment in (".", "..") for segment in path.split("/"))


def permits_path(prefixes: Iterable[str], target: str) -> bool:
    """Whether ``target`` (path with query, as sent) lies in one of ``prefixes``, at a segment border."""
    path = target.partition("?")[0]
    return is_unambiguous(path) and any(_lies_in(path, prefix) for prefix in prefixes)


def is_unambiguous(path: str) -> bool:
    """Whether every server reads the same segments in ``path``."""
    if not _PLAIN.fullmatch(path) or _HIDDEN.search(path):
        return False
    try:
        decoded = unquote_to_bytes(path).decode()
    except UnicodeDecodeError:  # overlong forms of dot and slash are no UTF-8
        return False
    # Full-width dots and slashes become plain ones where a server folds by compatibility.
    folded = unicodedata.normalize("NFKC", decoded)
    segments = folded.split("/")[1:]
    if folded.count("/") != path.count("/") or "\\" in folded:
        return False
    return not any(segment in (".", "..") for segment in segments) and "" not in segments[:-1]


def _lies_in(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix if prefix.endswith("/") else f"{prefix}/")
