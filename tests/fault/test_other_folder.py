"""A second server with another folder on the same ledger, or the same blobs, is refused before it could touch anything."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import form_run
from support.cloud import backend, until
from support.earnest import Earnest, in_earnest
from support.postgres import HAS_POSTGRES
from support.teleporting import run_until_step, silent

from edgeagent.cloud.serving import Settings, open_depot
from edgeagent.errors import EnvironmentProblem
from edgeagent.sessions.store import SessionStore
from edgeagent.teleport.api import connect
from edgeagent.teleport.pulling import pull
from edgeagent.teleport.pushing import push


@pytest.fixture
def earnest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Earnest]:
    if not HAS_POSTGRES:
        pytest.skip("PostgreSQL is not installed")
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path / "client"))
    monkeypatch.setenv(form_run.WITNESS_VARIABLE, str(tmp_path / "witness"))
    with in_earnest() as made:
        for name, value in made.s3.environment.items():
            monkeypatch.setenv(name, value)
        yield made


def refused(data: Path, *what: str) -> str:
    """What a server of the folder ``data`` says that is given ``what`` of the other one's."""
    argv = [sys.executable, "-m", "edgeagent", "cloud", "serve", "--data", str(data), "--port", "0", *what]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 3, ended
    return ended.stderr


async def test_another_folder_is_refused_and_the_sessions_go_on(earnest: Earnest, tmp_path: Path) -> None:
    with backend(tmp_path / "cloud", {form_run.PACE_VARIABLE: "0.3"}, **earnest.stores()) as made:
        store = SessionStore()
        began = await run_until_step(form_run.make(store), form_run.REQUEST, 3)
        known = await made.connected()
        async with connect(known) as api:
            await push(store, began.session, "cloud", known, api, silent, lambda plan: True)
            told = refused(tmp_path / "other", "--ledger", made.ledger, "--blobs", made.blobs)
            assert "the ledger is that of servers with another --data folder" in told
            told = refused(tmp_path / "third", "--blobs", made.blobs)
            assert "the blobs are those of servers with another --data folder" in told
            standing = await until(lambda: api.standing(began.session), lambda standing: standing.state == "idle")
            assert (standing.outcome, standing.last_step, standing.trouble) == ("done", 10, "")
            await pull(store, began.session, "cloud", known, api, silent)


def test_the_same_folder_is_its_own(tmp_path: Path) -> None:
    """Also as a copy elsewhere, with its keys: that is how a backend moves."""
    first = Settings(tmp_path / "cloud", blobs=f"file://{tmp_path}/blobs")
    open_depot(first)
    open_depot(first)
    (tmp_path / "moved").mkdir()
    (tmp_path / "cloud" / "keys").rename(tmp_path / "moved" / "keys")
    ledger = f"sqlite:///{tmp_path}/cloud/ledger.sqlite"
    open_depot(Settings(tmp_path / "moved", ledger=ledger, blobs=first.blobs))
    with pytest.raises(EnvironmentProblem, match="the ledger is that of servers with another"):
        open_depot(first)
