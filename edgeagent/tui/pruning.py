"""Deleting sessions by a rule: the rule is written, what would go is shown, and only then it goes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from textual.app import App

from edgeagent.errors import UsageError
from edgeagent.sessions.retention import Doomed, Rules, doomed, kept_by_user
from edgeagent.sessions.store import SessionStore
from edgeagent.sessions.summary import human_bytes
from edgeagent.tui.dialog import ConfirmScreen, LineScreen

_WORDS = "What runs, waits for you, is elsewhere, or is kept (K) stays whatever the rule says."
_FORMS = "older 30 (days), last 50 (the newest stay), total 2000 (MB for all)"


async def pruned(app: App[None], store: SessionStore) -> int | None:
    """Delete what goes by a rule that the user writes and then confirms; how many went. None: nothing was to be done.

    In a worker. Raises `UsageError` for what is no rule, and what deleting raises.
    """
    said = await app.push_screen_wait(LineScreen("Delete sessions by a rule", _WORDS, hint=_FORMS))
    if said is None:
        return None
    rules = rules_from(said)
    going = await asyncio.to_thread(_doomed, store, rules)
    if not going:
        return 0
    size = human_bytes(sum(one.summary.size_bytes for one in going))
    title = f"Delete {'this session' if len(going) == 1 else f'these {len(going)} sessions'}, {size}, for good?"
    if not await app.push_screen_wait(ConfirmScreen(title, list(_lines(going)), "Delete", "Keep")):
        return None
    for one in going:
        await asyncio.to_thread(store.remove, one.summary.id)
    return len(going)


def rules_from(said: str) -> Rules:
    """``older 30``, ``last 50`` or ``total 2000``, as rules. Raises `UsageError`."""
    kind, _, number = said.strip().partition(" ")
    try:
        count = float(number)
    except ValueError:
        count = -1.0
    match kind:
        case "older" if count >= 0:
            return Rules(older_than_days=count)
        case "last" if count >= 0 and count.is_integer():
            return Rules(keep_last=int(count))
        case "total" if count >= 0:
            return Rules(total_bytes=round(count * 1e6))
        case _:
            raise UsageError(f"{said!r} is no rule", f"write one of: {_FORMS}")


def _doomed(store: SessionStore, rules: Rules) -> list[Doomed]:
    return doomed(store.summaries(), rules, kept_by_user(store), time.time())


def _lines(going: list[Doomed]) -> Iterator[str]:
    for one in going:
        yield f"{one.summary.id}  {human_bytes(one.summary.size_bytes):>8}  {one.why}  {' '.join(one.summary.task.split())}"
