"""Ranges and lists are read as documented, and the suite plays everything once whatever breaks."""

import pytest

from edgeagent.bench.episode import Episode
from edgeagent.bench.miniwob import check_tasks
from edgeagent.bench.suite import parse_seeds, parse_tasks, run_suite
from edgeagent.errors import DesktopLost, EnvironmentProblem, UsageError, WorkerLost


@pytest.mark.parametrize(("text", "seeds"), [("0:3", [0, 1, 2]), ("7", [7]), ("1,5,9", [1, 5, 9])])
def test_seeds(text: str, seeds: list[int]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "3:3", "5:2", "1:2:3", "-4", "1,,2"])
def test_bad_seeds(text: str) -> None:
    with pytest.raises(UsageError, match="seeds"):
        parse_seeds(text)


def test_tasks_from_a_list_and_a_file() -> None:
    assert parse_tasks("b, a,b", str) == ["b", "a"]
    assert parse_tasks("@list.txt", {"list.txt": "# ours\na  # first\n\nb\n"}.__getitem__) == ["a", "b"]
    with pytest.raises(UsageError, match="no tasks"):
        parse_tasks(",", str)


def test_unknown_task_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="clik-test") as caught:
        check_tasks(["clik-test"], ["click-test", "enter-text"])
    assert "'click-test'" in caught.value.hint


class Flaky:
    """Fails at seed 1; counts how many were hired and closed."""

    hired = 0
    closed = 0

    def __init__(self, error: Exception) -> None:
        Flaky.hired += 1
        self.error = error

    async def play(self, task: str, seed: int) -> Episode:
        if seed == 1:
            raise self.error
        return Episode(task, seed, True)

    async def close(self) -> None:
        Flaky.closed += 1


async def test_a_crash_is_a_failed_episode_and_the_worker_starts_afresh() -> None:
    Flaky.hired = Flaky.closed = 0
    seen: list[Episode] = []
    episodes = await run_suite(["a", "b"], [0, 1, 2], lambda: Flaky(DesktopLost("gone")), 2, seen.append)
    assert [(episode.task, episode.seed) for episode in episodes] == [(task, seed) for task in "ab" for seed in range(3)]
    assert [episode.success for episode in episodes] == [True, False, True] * 2
    assert episodes[1].error == "DesktopLost: gone"
    assert len(seen) == 6
    assert Flaky.hired == Flaky.closed == 4


async def test_an_episode_whose_machine_was_lost_is_played_again() -> None:
    Flaky.hired = Flaky.closed = 0
    lost = iter([Flaky(WorkerLost("gone")), Flaky(WorkerLost("gone"))])
    episodes = await run_suite(["a"], [0, 1, 2], lambda: next(lost, Sound()), 1, lambda _: None)
    assert [episode.success for episode in episodes] == [True, True, True]
    assert Flaky.closed == 2
    again = await run_suite(["a"], [0, 1, 2], lambda: Flaky(WorkerLost("gone")), 1, lambda _: None)
    assert [episode.error for episode in again] == ["", "WorkerLost: gone", ""], "not for ever"


class Sound:
    async def play(self, task: str, seed: int) -> Episode:
        return Episode(task, seed, True)

    async def close(self) -> None:
        pass


async def test_a_machine_that_cannot_do_it_ends_the_suite() -> None:
    with pytest.raises(EnvironmentProblem, match="no bwrap"):
        await run_suite(["a"], [0, 1, 2], lambda: Flaky(EnvironmentProblem("no bwrap")), 1, lambda _: None)
