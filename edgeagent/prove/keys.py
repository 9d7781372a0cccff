"""The key that statements are signed with: this user's on this machine, made at its first use."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from nacl.signing import SigningKey, VerifyKey

from edgeagent.errors import UsageError
from edgeagent.folders import sessions_root
from edgeagent.recording.problems import recording_problem
from edgeagent.small_files import why, write_new

_SEED_BYTES = 32
_PREFIX = "ed25519:"


def key_path() -> Path:
    """``keys/statements.ed25519`` in the user's data directory; nothing inside a sandbox can see it."""
    return sessions_root().parent / "keys" / "statements.ed25519"


def signing_key() -> SigningKey:
    """This user's key, made if there is none. Raises `UsageError` for a key file that others may read."""
    return kept_signing_key(key_path())


def kept_signing_key(path: Path) -> SigningKey:
    """The key in the file ``path``, made if there is none. Raises `UsageError` for one that others may read."""
    try:
        with contextlib.suppress(FileExistsError):
            write_new(path, os.urandom(_SEED_BYTES).hex() + "\n")
        if path.stat().st_mode & 0o077:
            raise UsageError(f"{path} can be read by others", f"chmod 600 {path}, and make a new one if others may have read it")
        return SigningKey(bytes.fromhex(path.read_text(encoding="ascii").strip()))
    except OSError as error:
        raise recording_problem(error, path) from error
    except ValueError as error:
        raise UsageError(f"{path} holds no key: {error}", "move it away; the next `edgeagent prove` makes a new one") from error


def public_text(key: VerifyKey) -> str:
    """How a public key is written: ``ed25519:`` and hexadecimal."""
    return _PREFIX + bytes(key).hex()


def read_public(path: Path) -> str:
    """The public key in the text file ``path``, as `public_text` writes it."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        hint = "it should hold what `edgeagent prove --public-key` prints"
        raise UsageError(f"the key file {path} cannot be read: {why(error)}", hint) from error
    digits = text.removeprefix(_PREFIX).lower()
    try:
        VerifyKey(bytes.fromhex(digits))
    except (ValueError, TypeError) as error:
        raise UsageError(f"{path} holds no public key", "it should hold what `edgeagent prove --public-key` prints") from error
    return _PREFIX + digits
