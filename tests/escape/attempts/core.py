"""What an attempt to break out is, and the list of them. Nothing but the standard library: it goes into the sandbox as it is.

An attempt is a small function. It returns if the harm is done, and raises if it was kept from it: an `OSError`, or `Nothing` if
it looked and found nothing to take. It may be killed for trying. `outcome_of` gives the word that the tables compare.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

Given: TypeAlias = dict[str, object]
"""What the stage has laid out, and where: paths, ports, keys, process numbers."""
Body: TypeAlias = Callable[[Given], object]

DONE = "ok"
NOTHING = "nothing"
EVERYWHERE = ("app", "executor")
KILLED = "SIGSYS"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at one harm, and what must come of it."""

    name: str
    category: str
    tries: str
    harm: str
    layer: str
    """Which layer answers."""
    expected: dict[str, str]
    """Context -> outcome there; alternatives are joined by ``|``. Where the attempt means nothing its context is not named."""
    control: str
    """Who must succeed with it without any sandbox: ``user`` or ``root``."""
    control_outcome: str
    substitute: str
    """Why the control's outcome is not ``ok``, and what it shows instead."""
    capability: int
    """The capability without which root's control cannot succeed, as in some containers; -1: none in particular."""
    accepted: str
    """Why it may succeed inside; empty: it must not."""
    body: Body


class Nothing(Exception):
    """It was looked for, and it is not there."""


class Refused(Exception):
    """It was refused, with a word that is no error number's name."""


ATTEMPTS: dict[str, Attempt] = {}

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def attempt(
    harm: str,
    *,
    layer: str = "",
    blocked: str = "",
    app: str = "",
    executor: str = "",
    egress: str = "",
    control: str = "user",
    instead: tuple[str, str] | None = None,
    capability: int = -1,
    accepted: str = "",
) -> Callable[[Body], Body]:
    """Register an attempt. ``blocked``: its outcome in both contexts, unless ``app`` or ``executor`` says another; ``egress``:
    that of an application where the policy has an allowlist."""

    def register(body: Body) -> Body:
        expected = dict.fromkeys(EVERYWHERE, blocked) if blocked else {}
        expected |= {
            context: outcome for context, outcome in (("app", app), ("executor", executor), ("egress", egress)) if outcome
        }
        name = body.__name__
        assert name not in ATTEMPTS, name
        assert expected, name
        assert body.__doc__, name
        outcome, why = instead or (DONE, "")
        category = body.__module__.rpartition(".")[2]
        tries = body.__doc__.strip().rstrip(".")
        ATTEMPTS[name] = Attempt(name, category, tries, harm, layer, expected, control, outcome, why, capability, accepted, body)
        return body

    return register


def outcome_of(body: Body, given: Given) -> str:
    """``ok``, ``nothing``, or the error's name."""
    try:
        body(given)
    except Nothing:
        return NOTHING
    except Refused as refusal:
        return str(refusal)
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    return DONE


def call(given: Given, name: str, *arguments: object) -> int:
    """The system call ``name``, past the C library. Raises OSError."""
    numbers = given["numbers"]
    assert isinstance(numbers, dict)
    return call_number(int(numbers[name]), *arguments)


def call_number(number: int, *arguments: object) -> int:
    """A system call by its number. Integers go as 64 bits, so that nothing is cut off on the way. Raises OSError."""
    words = [ctypes.c_ulong(word & 0xFFFFFFFFFFFFFFFF) if isinstance(word, int) else word for word in arguments]
    result = int(_libc.syscall(ctypes.c_long(number), *words))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def checked(result: int) -> int:
    """``result`` of a C function that returns -1 for an error. Raises OSError."""
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def path(given: Given, key: str) -> str:
    """The path that the stage laid out as ``key``."""
    return str(given[key])


def number(given: Given, key: str) -> int:
    """The number that the stage noted as ``key``."""
    value = given[key]
    assert isinstance(value, int), key
    return value


def home() -> str:
    """Where this process may write."""
    return os.environ["HOME"]


def process_one() -> int:
    """Process 1 of the sandbox; outside: a process of our own, as the host's is not ours to try this on."""
    return 1 if os.path.exists("/opt/edgeagent") else child_of_own()


def child_of_own() -> int:
    """A process of our own that waits to be attacked; ends with us. Raises OSError."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(write_end)
        os.read(read_end, 1)
        os._exit(0)
    return pid
