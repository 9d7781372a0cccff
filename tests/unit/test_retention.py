"""The shelf of parked states keeps what is worth most, within its bytes, and gives nothing expired or of another model."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeagent_models.llama import shelf as shelves
from edgeagent_models.llama.sequence import Checkpoint, Held, Hints
from edgeagent_models.llama.shelf import Shelf
from edgeagent_models.retention import to_go, worth

pytest.importorskip("llama_cpp")
NOW_S = 1_000.0
LATER = time.time() + 3600


@dataclass(frozen=True)
class Kept:
    priority: int
    expires_s: float
    cost_tokens: int
    size_bytes: int
    pinned: bool = False


kept = st.builds(
    Kept, st.integers(0, 100), st.floats(NOW_S - 500, NOW_S + 500), st.integers(1, 9000), st.integers(1, 1000), st.booleans()
)


@given(st.lists(kept, max_size=12), st.integers(0, 4000))
def test_what_goes_is_expired_or_worth_less_than_all_that_stays(entries: list[Kept], limit: int) -> None:
    going = to_go(entries, limit, NOW_S)
    staying = list(entries)
    for entry in going:
        staying.remove(entry)
    assert all(entry.expires_s > NOW_S for entry in staying)
    alive = [entry for entry in going if entry.expires_s > NOW_S]
    for gone in alive:
        assert all((gone.pinned, worth(gone)) <= (entry.pinned, worth(entry)) for entry in staying)
    assert sum(entry.size_bytes for entry in staying) <= limit
    # Nothing went without need: without the last one it would still have been too much.
    assert not alive or sum(entry.size_bytes for entry in staying) + alive[-1].size_bytes > limit


def held(tokens: int, size_bytes: int = 1000, checkpoints: tuple[int, ...] = ()) -> Held:
    marks = tuple(Checkpoint(units, units, np.zeros(10, np.uint8)) for units in checkpoints)
    return Held(tuple(range(tokens)), marks, np.full(size_bytes, tokens % 256, np.uint8))


def names(shelf: Shelf, tokens: int = 10_000) -> list[tuple[str, int]]:
    return [(entry.name, units) for entry, units in shelf.found(range(tokens), "")]


def test_ram_spills_to_disk_and_disk_forgets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelves, "RAM_BYTES", 2500)
    shelf = Shelf(str(tmp_path), "model", recurrent=False, disk_bytes=6000)
    for name, tokens in (("small", 10), ("large", 1000), ("middle", 100)):
        assert shelf.put(name, held(tokens), Hints(expires_s=LATER))
    assert [path.name for path in tmp_path.iterdir()] == ["small.state"]
    assert names(shelf) == [("large", 1000), ("middle", 100), ("small", 10)]
    for number in range(4):
        entry = shelf.put(f"other-{number}", held(500 + number), Hints(expires_s=LATER), to_disk=True)
        assert entry is not None
        assert entry.where == "disk"
    assert not (tmp_path / "small.state").exists()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 6000


def test_a_wanted_state_stays_where_an_equal_one_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelves, "RAM_BYTES", 2500)
    shelf = Shelf("", "model", recurrent=False)
    shelf.put("wanted", held(100), Hints(90, LATER))
    shelf.put("less", held(100), Hints(10, LATER))
    shelf.put("new", held(100), Hints(50, LATER))
    assert {name for name, _ in names(shelf)} == {"wanted", "new"}


def test_another_engine_reads_it_another_model_does_not(tmp_path: Path) -> None:
    first = Shelf(str(tmp_path), "model", recurrent=True)
    first.put("s-1", held(100, checkpoints=(20, 60)), Hints(expires_s=LATER), to_disk=True)
    second = Shelf(str(tmp_path), "model", recurrent=True)
    ((entry, units),) = second.found([*range(50), 9999, 9998], "")
    assert units == 20, "a recurrent model goes back to a checkpoint"
    again = second.take(entry, "s-1")
    assert (again.units, again.data.tolist()) == (tuple(range(100)), held(100).data.tolist())
    assert names(Shelf(str(tmp_path), "another", recurrent=True)) == []


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_what_is_damaged_or_gone_is_forgotten(tmp_path: Path, damage: bytes | None) -> None:
    shelf = Shelf(str(tmp_path), "model", recurrent=False)
    entry = shelf.put("s-1", held(100), Hints(expires_s=LATER), to_disk=True)
    assert entry is not None
    path = tmp_path / "s-1.state"
    whole = path.read_bytes()
    path.unlink()
    if damage is not None:
        path.write_bytes(damage or whole[:-100])
    with pytest.raises(Exception, match=r"cannot read|no saved state|cut off"):
        shelf.take(entry, "s-1")
    assert names(shelf) == []
    assert not path.exists()


def test_what_has_expired_is_removed(tmp_path: Path) -> None:
    shelf = Shelf(str(tmp_path), "model", recurrent=False)
    shelf.put("soon", held(100), Hints(expires_s=time.time() + 0.05), to_disk=True)
    assert os.listdir(tmp_path) == ["soon.state"]
    time.sleep(0.1)
    assert names(shelf) == []
    Shelf(str(tmp_path), "model", recurrent=False)
    assert os.listdir(tmp_path) == []


def test_a_name_that_is_no_file_name_stays_in_ram(tmp_path: Path) -> None:
    shelf = Shelf(str(tmp_path), "model", recurrent=False)
    entry = shelf.put("../../etc/passwd", held(100), Hints(expires_s=LATER), to_disk=True)
    assert entry is not None
    assert entry.where == "ram"
    assert os.listdir(tmp_path) == []


def test_what_finds_no_room_is_put_aside_for_the_app_to_carry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not system prompts, nothing that has expired, and no more than may wait there."""
    leaving = tmp_path / "leaving"
    shelf = Shelf(str(tmp_path), "model", recurrent=False, disk_bytes=4000, leaving=str(leaving))
    shelf.put("system-1", held(10), Hints(100, LATER, pinned=True), to_disk=True)
    shelf.put("soon", held(20), Hints(expires_s=time.time() + 0.05), to_disk=True)
    time.sleep(0.1)
    for number in range(4):
        shelf.put(f"s-{number}", held(100 + number), Hints(expires_s=LATER), to_disk=True)
    assert sorted(path.name for path in leaving.iterdir()) == ["s-0.state", "s-1.state"]
    assert sorted(path.name for path in tmp_path.glob("*.state")) == ["s-2.state", "s-3.state", "system-1.state"]
    again = Shelf(str(tmp_path), "model", recurrent=False)
    os.replace(leaving / "s-0.state", tmp_path / "s-0.state")
    again.look_again("s-0")
    assert ("s-0", 100) in names(again)
    monkeypatch.setattr(shelves, "LEAVING_BYTES", 2000)
    shelf.put("s-5", held(200), Hints(expires_s=LATER), to_disk=True)
    assert [path.name for path in leaving.iterdir()] == ["s-1.state"], "what there is no room for is removed"
