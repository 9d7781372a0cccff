"""The signed statement: what was checked of one session, and with what result.

A file of two lines: the statement as JSON, and its signature. What is signed are the bytes of the first line, after a prefix that
nothing else of ours is signed with; nothing is encoded anew to verify it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from edgeagent.errors import RecordingDamaged
from edgeagent.machine import Machine
from edgeagent.prove.keys import public_text
from edgeagent.recording.problems import recording_problem
from edgeagent_harness.isolation.canary import Canary

STATEMENT_NAME = "proof.jsonl"
FORMAT = 1
_PREFIX = b"edgeagent offline statement\n"

Result = Literal["passed", "failed", "not_available"]
Verdict = Literal["PROVEN", "NOT PROVEN"]


class Check(msgspec.Struct, frozen=True):
    """One thing that was checked."""

    name: str
    words: str
    result: Result
    detail: str = ""


class LogHead(msgspec.Struct, frozen=True):
    """How far a log of the session is covered, and the hash of that line."""

    lines: int
    hash: str


class SeenProcess(msgspec.Struct, frozen=True):
    """A process of the session, as it was seen last."""

    pid: int
    kind: str
    name: str
    network: int
    """Inode of its network namespace."""
    devices: tuple[str, ...]
    filtered: bool
    sockets: int


class Looks(msgspec.Struct, frozen=True):
    """How often all processes were looked at: what came and went in between was not seen."""

    count: int
    longest_gap_s: float


class Statement(msgspec.Struct, frozen=True):
    """What the prober states."""

    format: int
    verdict: Verdict
    session: str
    began_s: float
    """Unix seconds, by this machine's clock."""
    ended_s: float
    events: LogHead
    audit: LogHead
    versions: dict[str, str]
    machine: Machine
    prober_user: int
    outside_network: int
    """Inode of the network namespace that the prober was in, and the session was not."""
    checks: tuple[Check, ...]
    processes: tuple[SeenProcess, ...]
    canaries: tuple[Canary, ...]
    looks: Looks
    limits: tuple[str, ...]
    """What the statement does not say."""


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The second line."""

    algorithm: Literal["ed25519"]
    public_key: str
    signature: str
    """Hexadecimal."""


def write(path: Path, statement: Statement, key: SigningKey) -> None:
    """Write and sign ``statement``. Raises `RecordingError`."""
    line = msgspec.json.encode(statement)
    signature = Signature("ed25519", public_text(key.verify_key), key.sign(_PREFIX + line).signature.hex())
    try:
        path.write_bytes(line + b"\n" + msgspec.json.encode(signature) + b"\n")
        path.chmod(0o600)
    except OSError as error:
        raise recording_problem(error, path) from error


def read(path: Path) -> tuple[Statement, Signature]:
    """The statement in ``path`` and its signature, which holds. Raises `RecordingDamaged` if it does not."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise recording_problem(error, path) from error
    if len(lines) != 3 or lines[2]:
        raise RecordingDamaged(f"{path} is no signed statement: it has not two lines")
    try:
        signature = msgspec.json.decode(lines[1], type=Signature)
        key = VerifyKey(bytes.fromhex(signature.public_key.removeprefix("ed25519:")))
        key.verify(_PREFIX + lines[0], bytes.fromhex(signature.signature))
        statement = msgspec.json.decode(lines[0], type=Statement)
    except (msgspec.MsgspecError, ValueError, TypeError) as error:
        raise RecordingDamaged(f"{path} is no signed statement: {error}") from error
    except BadSignatureError as error:
        raise RecordingDamaged(f"{path}: the signature does not hold: the statement was changed after it was signed") from error
    return statement, signature
