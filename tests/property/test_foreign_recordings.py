"""A recording made to attack its reader gives damage, not a crash, a wrong picture or a full memory."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import msgspec
import numpy as np
import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edgeagent.errors import RecordingDamaged
from edgeagent.recording.frame_index import PACK_NAME
from edgeagent.recording.frames import FrameReader
from edgeagent.recording.log import LOG_NAME
from edgeagent.recording.log_reading import read_log
from edgeagent.recording.pack import Head, encode_record
from edgeagent.recording.reader import SessionReader

FRAME_ID = b"f" * 16
SOUND = Head(
    frame=FRAME_ID, width=80, height=10, base=b"", places=np.array([0, 1], np.uint32).tobytes(),
    tiles=np.array([0, 1], np.uint32).tobytes(), first_tile=0, solid=b"\1\1", shapes=bytes([10, 64, 10, 16]), digests=b"d" * 32,
)  # fmt: skip
BODY = zstandard.compress(bytes(8))

numbers = st.integers(-(2**33), 2**33)
parts = st.one_of(st.binary(max_size=40), st.lists(st.sampled_from([0, 1, 2, 2**32 - 1]), max_size=4).map(
    lambda values: np.array(values, np.uint32).tobytes()
))  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    changes=st.dictionaries(
        st.sampled_from(["base", "places", "tiles", "solid", "shapes", "digests", "frame"]), parts, max_size=3
    ),
    sizes=st.dictionaries(st.sampled_from(["width", "height", "first_tile"]), numbers, max_size=2),
    body=st.one_of(st.just(BODY), st.binary(max_size=30), st.binary(max_size=30).map(zstandard.compress)),
)
@example(changes={"base": b"\0"}, sizes={}, body=BODY)  # the frame is known already, its base is not
def test_any_head_with_a_right_checksum_is_survived(changes: dict[str, bytes], sizes: dict[str, int], body: bytes) -> None:
    head = msgspec.structs.replace(SOUND, **changes, **sizes)
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / PACK_NAME).write_bytes(encode_record(SOUND, BODY) + encode_record(head, body))
        reader = FrameReader(Path(scratch))
        for frame_id in (FRAME_ID, head.frame):
            with pytest.raises(RecordingDamaged):
                reader.read(frame_id.hex())
        reader.close()


def test_a_small_body_does_not_become_a_large_one(tmp_path: Path) -> None:
    bomb = zstandard.compress(bytes(1 << 28))
    (tmp_path / PACK_NAME).write_bytes(encode_record(SOUND, bomb))
    with pytest.raises(RecordingDamaged, match="not what was written"):
        FrameReader(tmp_path).read(FRAME_ID.hex())


@settings(max_examples=100, deadline=None)
@given(lines=st.lists(st.one_of(st.binary(max_size=60), st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["format", "seq", "data", "kind"]), inner),
    max_leaves=8,
).map(lambda value: json.dumps(value).encode())), max_size=5))  # fmt: skip
def test_any_log_is_survived(lines: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / LOG_NAME).write_bytes(b"\n".join(lines))
        with SessionReader.open(Path(scratch)) as reader:
            assert reader.steps() == ()


def test_a_deeply_nested_line_is_survived(tmp_path: Path) -> None:
    envelope = b'{"format":1,"seq":0,"prev_hash":"' + b"0" * 64 + b'","data":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"
    (tmp_path / LOG_NAME).write_bytes(envelope * 2)
    assert [damage.line for damage in read_log(tmp_path / LOG_NAME).damage] == [1]


def test_a_frame_id_that_is_none_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(RecordingDamaged, match="is not there"):
        FrameReader(tmp_path).read("../../etc/passwd")
