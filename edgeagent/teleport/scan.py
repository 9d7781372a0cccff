"""Looks for secrets in files before they leave: values that the policy lists, and what keys and tokens commonly look like."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from edgeagent.secrets.scrub import forms_of

_OVERLAP_BYTES = 512
"""So much of one piece is looked at again with the next: what is found is shorter."""
_LOOKS = {
    "a private key": (rb"-----BEGIN ",),
    "a key of Amazon Web Services": (rb"AKIA", rb"ASIA"),
    "a token of GitHub": (rb"ghp_", rb"gho_", rb"ghu_", rb"ghs_", rb"ghr_", rb"github_pat_"),
    "a token of Slack": (rb"xox",),
    "a key of OpenAI or Anthropic": (rb"sk-",),
    "a JSON web token": (rb"eyJ",),
    "an age identity": (rb"AGE-SECRET-KEY-1",),
}
"""What each begins with: looking for that is quick, so most files are done with it."""
_WHOLE = {
    "a private key": re.compile(rb"-----BEGIN (?:[A-Z]+ ){0,3}PRIVATE KEY-----"),
    "a key of Amazon Web Services": re.compile(rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a token of GitHub": re.compile(rb"\b(?:gh[pousr]_[0-9A-Za-z]{36,}|github_pat_[0-9A-Za-z_]{40,})"),
    "a token of Slack": re.compile(rb"\bxox[abprs]-[0-9A-Za-z-]{10,}"),
    "a key of OpenAI or Anthropic": re.compile(rb"\bsk-(?:ant-|proj-)?[0-9A-Za-z_-]{32,}"),
    "a JSON web token": re.compile(rb"\beyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{10,}"),
    "an age identity": re.compile(rb"\bAGE-SECRET-KEY-1[0-9A-Z]{50,}"),
}
_KEPT_BY_BROWSERS = {
    "Cookies": "the browser's cookies: whoever has them is logged in where you are",
    "Login Data": "the browser's saved passwords",
}


class SecretScan:
    """Goes through one file after the other, each fed piece by piece."""

    def __init__(self, values: Mapping[str, str]) -> None:
        """``values``: name -> value of the secrets that the policy lists."""
        forms = {form.encode(): name for name, value in values.items() for form in forms_of(value)}
        longest_first = sorted(forms, key=len, reverse=True)
        self._names = {form.lower(): name for form, name in forms.items()}
        self._values = re.compile(b"|".join(map(re.escape, longest_first)), re.IGNORECASE) if forms else None
        self._tail = b""
        self.listed: set[str] = set()
        """Names of the policy's secrets whose value is in the file."""
        self.likely: set[str] = set()
        """What else in it looks like a secret."""

    def begin(self, name: str) -> None:
        """The next file, by its name without the folder."""
        self._tail, self.listed, self.likely = b"", set(), set()
        if known := _KEPT_BY_BROWSERS.get(name):
            self.likely.add(known)

    def feed(self, piece: bytes) -> None:
        """The file's next bytes."""
        data = self._tail + piece
        self._tail = data[-_OVERLAP_BYTES:]
        self.likely.update(_kinds(data))
        if self._values is not None:
            self.listed.update(self._names.get(match[0].lower(), "?") for match in self._values.finditer(data))


def _kinds(data: bytes) -> Iterator[str]:
    for what, beginnings in _LOOKS.items():
        if any(beginning in data for beginning in beginnings) and _WHOLE[what].search(data):
            yield what
