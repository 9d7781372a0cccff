"""Takes the hands off a desktop at once, past everything that could be busy or hung: the run's loop, the recording, the model."""

from __future__ import annotations

import os


class Brake:
    """A pipe that desktops watch with processes of their own. Pulled once, or when this program dies: the hands are off for good.

    Who runs a session makes one for each run. What was taken off goes on by resuming, with a new one.
    """

    def __init__(self) -> None:
        self._read_end, self._write_end = os.pipe()
        os.set_blocking(self._write_end, False)
        self.pulled = False

    def fileno(self) -> int:
        """What a desktop watches: it can be read once the brake is pulled, and nobody reads it."""
        return self._read_end

    def pull(self) -> None:
        """Safe at any time, from any thread and in a signal's handler: one system call, which cannot wait."""
        if not self.pulled:
            self.pulled = True
            os.write(self._write_end, b"!")

    def __del__(self) -> None:
        os.close(self._read_end)
        os.close(self._write_end)
