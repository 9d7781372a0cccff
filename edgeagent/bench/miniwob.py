"""MiniWoB++ pages in the sandbox's Chromium: where they are, how one is seeded, and how it is scored.

The window is 320x420 at a device scale factor of 2, so that the 160x210 task area fills it exactly and its 10 px text is
readable; what the page shows beside the area (its reward, its clock) is out of sight. The model is given the instruction text
as its task and sees pixels only; the pipe seeds the page and reads its reward.
"""

from __future__ import annotations

import asyncio
import difflib
import importlib.util
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from edgeagent.desktop.browser_pipe import BrowserPipe
from edgeagent.errors import DesktopError, EnvironmentProblem, UsageError
from edgeagent_harness.protocol.messages import DesktopSpec

WIDTH_PX, HEIGHT_PX, SCALE = 320, 420, 2.0
EPISODE_MAX_TIME_MS = 600_000
"""The page's own clock (10 s by default) is put out of the way; the runner bounds steps and time itself."""

LOAD_TIMEOUT_S = 15
READY = "document.readyState == 'complete' && typeof core != 'undefined' && core.cover_div != null"
TWO_FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"


@dataclass(frozen=True, slots=True)
class Score:
    """The page's own verdict. ``reward`` is raw: without the page's penalty for time."""

    done: bool
    reward: float

    @property
    def success(self) -> bool:
        return self.done and self.reward > 0


def pages_root() -> Path:
    """The ``html`` folder of the installed ``miniwob`` distribution."""
    spec = importlib.util.find_spec("miniwob")
    if spec is None or not spec.submodule_search_locations:
        raise EnvironmentProblem("the MiniWoB++ pages are not installed", "pip install 'edgeagent[bench]'")
    return Path(spec.submodule_search_locations[0]) / "html"


def known_tasks(root: Path) -> list[str]:
    """The names of all tasks under ``root``, sorted."""
    return sorted(path.stem for path in (root / "miniwob").glob("*.html"))


def check_tasks(names: list[str], known: list[str]) -> None:
    """Raise `UsageError` that names the nearest task for one that does not exist."""
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
            raise UsageError(f"there is no MiniWoB++ task {name!r}", f"the nearest is {near[0]!r}" if near else "")


def copy_pages(root: Path, target: Path) -> None:
    """Copy the pages to ``target`` so that the sandbox's unprivileged user may read them wherever the package lies."""
    shutil.copytree(root, target, copy_function=shutil.copyfile)
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def desktop_spec(pages: Path) -> DesktopSpec:
    """The sandbox that the suite runs in."""
    return DesktopSpec(
        width=WIDTH_PX,
        height=HEIGHT_PX,
        url="about:blank",
        kiosk=True,
        browser_scale=SCALE,
        browser_debug_pipe=True,
        shared_dirs=(str(pages),),
    )


class MiniwobPage:
    """The page in the browser behind ``pipe``."""

    def __init__(self, pipe: BrowserPipe, pages: Path) -> None:
        self._pipe = pipe
        self._pages = pages

    async def start(self, task: str, seed: int) -> str:
        """Load ``task``, begin the episode of ``seed``, and return the instruction once it is painted."""
        url = (self._pages / "miniwob" / f"{task}.html").as_uri()
        answer = await self._pipe.call("Page.navigate", url=url)
        if answer.get("errorText"):
            raise DesktopError(f"the page of {task} did not load: {answer['errorText']}")
        async with asyncio.timeout(LOAD_TIMEOUT_S):
            while not await self._pipe.evaluate(f"location.href == {json.dumps(url)} && {READY}"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await self._pipe.evaluate(
            "document.documentElement.style.overflow = 'hidden';"
            "addEventListener('scroll', () => scrollTo(0, 0));"  # a dialog that takes the focus would move the task out of sight
            f"core.EPISODE_MAX_TIME = {EPISODE_MAX_TIME_MS};"
            f"Math.seedrandom({json.dumps(str(seed))}); core.startEpisodeReal(); true"
        )
        await self._pipe.evaluate(TWO_FRAMES, wait=True)
        return str(await self._pipe.evaluate("core.getUtterance()"))[:2000]

    async def score(self) -> Score:
        """What the page says about the episode so far."""
        done, reward = await self._pipe.evaluate("[WOB_DONE_GLOBAL, WOB_RAW_REWARD_GLOBAL]")
        return Score(bool(done), float(reward))
