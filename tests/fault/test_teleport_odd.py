"""Commands at the wrong side or time, odd names and odd files: each is told plainly, and nothing is lost."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from support import form_run
from support.cloud import Backend, backend
from support.teleporting import run_until_step

from edgeagent.cli.main import cli
from edgeagent.errors import EdgeAgentError
from edgeagent.sessions.store import SessionStore
from edgeagent.teleport.backends import keep_backend


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    root = tmp_path_factory.mktemp("odd cases ü")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("EDGEAGENT_HOME", str(root / "a client"))
        patched.setenv(form_run.WITNESS_VARIABLE, str(root / "witness"))
        with backend(root / "the backend's data", {}) as made:
            keep_backend("attic", asyncio.run(made.connected()))
            yield made


@pytest.fixture
def session(world: Backend) -> str:
    return asyncio.run(run_until_step(form_run.make(SessionStore()), form_run.REQUEST, 3)).session


def command(*argv: str, code: int) -> str:
    """What the command says; it ends with ``code``."""
    result = CliRunner().invoke(cli, list(argv))
    error = result.exception if isinstance(result.exception, EdgeAgentError) else None
    assert (error.exit_code if error else result.exit_code) == code, (result.output, result.exception)
    return f"{result.output}\n{error} {error.hint}" if error else result.output


def told(*argv: str, code: int) -> str:
    """The same, all on one line."""
    return " ".join(command(*argv, code=code).split())


def test_a_session_that_is_not_there(world: Backend) -> None:
    said = told("teleport", "pull", "20990101-nobody", "--from", "attic", code=2)
    assert "no session '20990101-nobody' here" in said
    assert "waiting for" not in said
    for name in ("../elsewhere", "a b", "ü", ""):
        assert "is no session's id" in told("teleport", "pull", name, "--from", "attic", code=2)


@pytest.mark.parametrize("words", [("pull",), ("send", "hello"), ("stop",), ("follow",)])
def test_a_session_that_is_here_is_not_looked_for_there(words: tuple[str, ...], session: str) -> None:
    name, *more = words
    at = "--from" if name in ("pull", "follow") else "--to"
    said = told("teleport", name, session, *more, at, "attic", code=2)
    assert f"session {session} is here, and yours go on with it: edgeagent sessions resume {session}" in said


def test_there_twice_and_back_twice_with_a_home_full_of_oddities(session: str) -> None:
    home = SessionStore().root / session / "home"
    (home / "a b ü").mkdir()
    (home / "a b ü" / "数据.txt").write_text("kept")
    (home / "loop").symlink_to("pool")
    (home / "pool").symlink_to("loop")
    (home / "self").symlink_to(".")
    (home / "line\nwhat stays behind:").write_text("x")
    with (home / "sparse").open("wb") as stream:
        stream.truncate(64 << 20)
    preview = command("teleport", "preview", session, code=0).splitlines()
    assert preview.count("what stays behind:") == 1
    assert any("line\\nwhat stays behind:" in line for line in preview)
    assert "there is nothing to say" in told("teleport", "send", session, " ", code=2)
    told("teleport", "push", session, "--yes", code=0)
    assert "is at attic already" in told("teleport", "push", session, "--yes", code=2)
    told("teleport", "pull", session, code=0)
    assert "is here, and yours" in told("teleport", "pull", session, code=2)
    assert (home / "a b ü" / "数据.txt").read_text() == "kept"
    assert [os.readlink(home / name) for name in ("loop", "pool", "self")] == ["pool", "loop", "."]
    sparse = (home / "sparse").stat()
    assert (sparse.st_size, sparse.st_blocks) == (64 << 20, 0)


def test_an_export_that_cannot_be_written_or_is_of_no_format(session: str, tmp_path: Path) -> None:
    word = tmp_path / "a word"
    word.write_text("long enough ü\n")
    bundle = ("sessions", "export", session, "--format", "bundle", "--passphrase-file", str(word), "--out")
    for out in (tmp_path / "none" / "s.eab", tmp_path):
        assert "choose another place with --out" in told(*bundle, str(out), code=2)
    assert "html, atif, osworld, mp4, bundle" in told("sessions", "export", session, "--format", "bundel", code=2)
    told(*bundle, str(tmp_path / "s ü.eab"), code=0)
    again = ("sessions", "import", str(tmp_path / "s ü.eab"), "--passphrase-file", str(word))
    assert f"there is a session {session} already" in told(*again, code=2)
    word.write_text("another word\n")
    assert "is that its passphrase?" in told(*again, code=2)


def self_signed(directory: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, and its key."""
    directory.mkdir()
    certificate, key = directory / "cert.pem", directory / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


def test_a_certificate_that_nobody_vouches_for_and_a_place_without_one(world: Backend, tmp_path: Path) -> None:
    (certificate, key), (other, other_key) = self_signed(tmp_path / "mine"), self_signed(tmp_path / "another one")
    token = tmp_path / "a token"
    token.write_text("abc\n")
    serve = ("cloud", "serve", "--data", str(tmp_path / "data"), "--port", "0", "--workers", "0", "--tls-cert", str(certificate))
    argv = [sys.executable, "-m", "edgeagent", *serve, "--tls-key", str(key)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split()[-1]
            connect = ("teleport", "connect", "tls", address, "--token-file", str(token))
            for more in ((), ("--ca", str(other))):
                assert "nobody known here vouches for its certificate" in told(*connect, *more, code=3)
            assert "a valid token is needed" in told(*connect, "--ca", str(certificate), code=3)
        finally:
            process.terminate()
    plain = ("teleport", "connect", "tls", f"https://127.0.0.1:{world.port}", "--token-file", str(token))
    assert "speaks no TLS" in told(*plain, code=3)
    assert "cannot be used for TLS" in told(*serve, "--tls-key", str(other_key), code=2)
