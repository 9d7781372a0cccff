"""How many threads for a few tokens, found out while they are computed.

Between two operations of a graph all threads wait for the slowest. On a quiet machine the second core nearly halves the time;
where a neighbour holds it the others wait for a thread that has no turn, and one alone is faster. That changes while an engine
lives, so now and then another count is tried: soon at first and whenever the times change, then ever more seldom.
"""

from __future__ import annotations

import statistics
from collections import deque

from edgeagent_models.llama.threads import WORTH, Threads

FEW_TOKENS = 8
"""In one batch; more are arithmetic enough for all threads."""
FIRST_TRIAL_CALLS = 4
RARER = 4
MAX_CALLS = 256
"""Between two trials."""
TRIED_CALLS = 3
RECENT_CALLS = 5
CHANGED = 1.5
"""A time that differs by this factor says that the machine is not as it was, and of a trial that it is in vain."""


class Crew:
    """The count of threads for each small number of tokens, at most those that a large batch gets."""

    def __init__(self, start: Threads) -> None:
        self._start = start
        self._counts = _halvings(start)
        self._paces: dict[int, _Pace] = {}

    def threads(self, tokens: int) -> int:
        """How many to compute so many tokens with now."""
        return self._pace(tokens).threads if tokens <= FEW_TOKENS else self._start.batch

    def took(self, tokens: int, seconds: float) -> None:
        """So long it took with as many as were told."""
        if tokens <= FEW_TOKENS:
            self._pace(tokens).took(seconds)

    def _pace(self, tokens: int) -> _Pace:
        if tokens not in self._paces:
            nearest = min(self._paces, key=lambda known: abs(known - tokens), default=None)
            self._paces[tokens] = _Pace(self._counts, self._paces[nearest].best if nearest else self._start.single)
        return self._paces[tokens]


class _Pace:
    """For one number of tokens."""

    def __init__(self, counts: list[int], best: int) -> None:
        self._counts = counts
        self.best = best
        self._recent_s = deque[float](maxlen=RECENT_CALLS)
        self._typical_s = 0.0
        """With the best, when another one was last tried."""
        self._calls = 0
        self._patience = FIRST_TRIAL_CALLS
        self._upwards = True
        self._trial = 0
        self._tried_s: list[float] = []

    @property
    def threads(self) -> int:
        return self._trial or self.best

    def took(self, seconds: float) -> None:
        if self._trial:
            self._tried_s.append(seconds)
            self._judge()
            return
        self._recent_s.append(seconds)
        self._calls += 1
        now_s = statistics.median(self._recent_s)
        if self._typical_s and not self._typical_s / CHANGED < now_s < self._typical_s * CHANGED:
            self._typical_s, self._patience = now_s, FIRST_TRIAL_CALLS
        if self._calls >= self._patience and len(self._counts) > 1:
            self._calls, self._tried_s, self._typical_s = 0, [], now_s
            self._trial = self._neighbour()

    def _neighbour(self) -> int:
        """The next count up, then the next one down, in turns."""
        at = self._counts.index(self.best)
        wanted = at + 1 if self._upwards else at - 1
        self._upwards = not self._upwards
        return self._counts[wanted if 0 <= wanted < len(self._counts) else 2 * at - wanted]

    def _judge(self) -> None:
        if self._tried_s[-1] <= self._typical_s * CHANGED and len(self._tried_s) < TRIED_CALLS:
            return
        found_s = statistics.median(self._tried_s)
        bound = WORTH if self._trial > self.best else 1 / WORTH
        if len(self._tried_s) == TRIED_CALLS and found_s <= self._typical_s * bound:
            self.best, self._patience, self._typical_s = self._trial, FIRST_TRIAL_CALLS, found_s
            self._recent_s.clear()
        else:
            self._patience = min(self._patience * RARER, MAX_CALLS)
        self._trial = 0


def _halvings(start: Threads) -> list[int]:
    """Ascending: one, the powers of two in between, what was told, and all."""
    counts = {1, start.single, start.batch}
    count = start.batch
    while count > 1:
        count //= 2
        counts.add(count)
    return sorted(one for one in counts if one <= start.batch)
