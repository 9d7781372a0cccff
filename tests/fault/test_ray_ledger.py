"""A Ray cluster of several machines is refused with SQLite's ledger, which only one machine could reach: clearly, and at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cloud import HAS_RAY, Backend

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not HAS_RAY, reason="Ray is not installed: there is no wheel of it")]


def test_several_machines_need_a_ledger_that_all_reach(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    made = Backend(tmp_path / "cloud", engine="ray", machines=2)
    try:
        with pytest.raises(AssertionError, match="it did not start"):
            made.start()
        assert made.process is not None
        assert made.process.wait(60) == 3
    finally:
        made.stop()
        if made.door:
            made.door.close()
    told = capfd.readouterr().err
    assert "the cluster has other machines (127.0.0.2, 127.0.0.3), and SQLite's ledger works on one" in told
    assert "--ledger postgresql+psycopg://" in told
