"""Runs inside a sandbox as one of its applications: writes down what the X server says is held, and where the pointer is.

    x_watcher.py FILE

One line for each change, and one every 20 ms where nothing changes: monotonic time in ns, keys down, buttons and modifiers (the
X mask), the pointer's x and y.
"""

from __future__ import annotations

import sys
import time

from Xlib.display import Display

_LOOK_S = 0.003
_SAY_NS = 20_000_000


def main() -> None:
    """Look until the sandbox ends."""
    display = Display()
    root = display.screen().root
    last: tuple[int, ...] = ()
    said_ns = 0
    with open(sys.argv[1], "a", buffering=1, encoding="ascii") as out:
        while True:
            began_ns = time.monotonic_ns()
            keys = sum(byte.bit_count() for byte in display.query_keymap())
            pointer = root.query_pointer()
            now = (keys, pointer.mask, pointer.root_x, pointer.root_y)
            if now != last or began_ns - said_ns > _SAY_NS:
                last, said_ns = now, began_ns
                print(time.monotonic_ns(), *now, file=out)
            time.sleep(_LOOK_S)


if __name__ == "__main__":
    main()
