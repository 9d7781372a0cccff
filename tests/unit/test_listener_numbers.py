"""The listener's numbers and structures are those of the kernel's header."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from edgeagent_harness.inside import tighten
from edgeagent_harness.outside.containment import listener

HEADER = Path("/usr/include/linux/seccomp.h")
TYPES = {"__u64": "Q", "__s64": "q", "__u32": "I", "__s32": "i", "int": "i"}


@pytest.fixture(scope="module")
def text() -> str:
    if not HEADER.exists():
        pytest.skip("no kernel headers here (package linux-libc-dev)")
    return HEADER.read_text()


def fields(text: str, name: str) -> str:
    """The layout of ``struct name`` in the letters of Python's `struct`."""
    body = re.search(rf"struct {name} {{(.*?)}};", text, re.DOTALL)
    assert body
    code = re.sub(r"/\*.*?\*/", "", body[1], flags=re.DOTALL)
    letters = ""
    for kind, field in re.findall(r"^\s*(struct \w+|\w+)\s+(\w+(?:\[\d+\])?);", code, re.MULTILINE):
        count = re.search(r"\[(\d+)\]", field)
        inner = fields(text, kind.split()[1]) if kind.startswith("struct ") else TYPES[kind]
        letters += inner * (int(count[1]) if count else 1)
    return letters


def test_structures_are_those_of_the_header(text: str) -> None:
    for ours, theirs in ((listener.NOTIF, "seccomp_notif"), (listener.RESPONSE, "seccomp_notif_resp")):
        spelled = re.sub(r"(\d+)(\w)", lambda match: match[2] * int(match[1]), ours.format.lstrip("="))
        assert spelled == fields(text, theirs)


def test_commands_are_those_of_the_header(text: str) -> None:
    def command(direction: int, number: int, size: int) -> int:
        return direction << 30 | size << 16 | ord("!") << 8 | number

    assert command(3, 0, listener.NOTIF.size) == listener.RECV
    assert command(3, 1, listener.RESPONSE.size) == listener.SEND
    assert command(1, 2, struct.calcsize("=Q")) == listener.ID_VALID
    for name, number in (("RECV", 0), ("SEND", 1)):
        assert re.search(rf"SECCOMP_IOCTL_NOTIF_{name}\s+SECCOMP_IOWR\({number},", text)
    assert re.search(r"SECCOMP_IOCTL_NOTIF_ID_VALID\s+SECCOMP_IOW\(2, __u64\)", text)
    assert re.search(r"SECCOMP_FILTER_FLAG_NEW_LISTENER\s+\(1UL << 3\)", text)
    assert tighten.SECCOMP_FILTER_FLAG_NEW_LISTENER == 1 << 3
    assert re.search(r"SECCOMP_USER_NOTIF_FLAG_CONTINUE\s+\(1UL << 0\)", text)
    assert listener.FLAG_CONTINUE == 1
