"""How many bytes the steps of recorded sessions took: log lines and new tiles, each counted where it was written.

python scripts/recording_sizes.py [SESSIONS_DIRECTORY] [--json PATH]     (default: the sessions of this user)
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from edgeagent import events
from edgeagent.bench.stats import percentile
from edgeagent.folders import sessions_root
from edgeagent.recording.frame_index import PACK_NAME
from edgeagent.recording.log import LOG_NAME
from edgeagent.recording.log_reading import read_log
from edgeagent.recording.pack import Record, scan
from edgeagent.sessions.store import SessionStore


def frame_sizes(session: Path) -> dict[str, int]:
    """Bytes of the record that each frame of ``session`` brought with it."""
    path = session / PACK_NAME
    if not path.exists():
        return {}
    fd = os.open(path, os.O_RDONLY)
    try:
        records = [found for found in scan(fd, os.fstat(fd).st_size) if isinstance(found, Record)]
    finally:
        os.close(fd)
    return {record.head.frame.hex(): record.end - record.offset for record in records}


def step_sizes(session: Path) -> list[int]:
    """Bytes of each step of ``session``: from the effect before it to its own."""
    frames, sizes, size = frame_sizes(session), list[int](), 0
    lines = (session / LOG_NAME).read_bytes().splitlines(keepends=True)
    for event, line in zip(read_log(session / LOG_NAME).events, lines, strict=False):
        size += len(line)
        if isinstance(event.data, events.Observed | events.Intent | events.Acted):
            size += frames.pop(event.data.frame, 0)
        if isinstance(event.data, events.Acted):
            sizes.append(size)
            size = 0
    return sizes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("directory", type=Path, nargs="?", default=sessions_root())
    parser.add_argument("--json", type=Path, dest="json_path")
    arguments = parser.parse_args()
    store = SessionStore(arguments.directory)
    sizes = [size for known in store.ids() for size in step_sizes(store.root / known)]
    if not sizes:
        raise SystemExit(f"no session in {store.root} has a step")
    report = {
        "sessions": len(store.ids()),
        "steps": len(sizes),
        "bytes_per_step": {"p50": percentile(sizes, 50), "p95": percentile(sizes, 95), "max": max(sizes)},
    }
    print(json.dumps(report, indent=2))
    if arguments.json_path:
        arguments.json_path.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
