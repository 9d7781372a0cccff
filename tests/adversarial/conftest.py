"""One sandbox for all pages of a test file."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from adversarial.world import VALUE, World, open_world


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEAGENT_SECRET_SITE", VALUE)
        async with open_world(tmp_path_factory.mktemp("adversarial")) as opened:
            yield opened
