"""An executor that tells the guardian when it acts: what moves or is copied at other times is the user's."""

from __future__ import annotations

import mmap
import time

from edgeagent_harness.host.acting import ACTING
from edgeagent_harness.inside.service import Service
from edgeagent_harness.protocol import actions as act
from edgeagent_harness.protocol import executor_wire as wire


class TellsActing(Service):
    """Mixed into an executor on the user's own desktop, before what it serves with."""

    _acting: mmap.mmap
    """``ACTING.size`` bytes, which the guardian reads."""
    _parts: tuple[act.SingleAction, ...] = ()
    """The action under way, its batch taken apart."""

    def warm_up(self) -> None:
        """Nothing is released here: what is down is held by the user."""
        self._screen.capture()
        self._tell_acting()

    def _arrange(self, request: wire.Arrange) -> None:
        """Where windows are is the user's affair."""
        Service._arrange(self, request)

    def _do(self, request: wire.Do) -> None:
        self._parts = request.action.actions if isinstance(request.action, act.Batch) else (request.action,)
        self._tell_acting()
        try:
            super()._do(request)
        finally:
            self._tell_acting()

    def _serve_overtaking(self) -> None:
        self._tell_acting()
        super()._serve_overtaking()

    def _tell_acting(self) -> None:
        self._acting[: ACTING.size] = ACTING.pack(time.monotonic())
