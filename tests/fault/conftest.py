"""What tests of faults share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.earnest import Earnest, in_earnest
from support.postgres import HAS_POSTGRES


@pytest.fixture(scope="module")
def earnest() -> Iterator[Earnest]:
    """A PostgreSQL and an S3 server, for one file's tests."""
    if not HAS_POSTGRES:
        pytest.skip("PostgreSQL is not installed")
    with in_earnest() as made:
        yield made
