"""Where a task quotes what is to be written, nothing but quotations and names are typed without a field."""

from __future__ import annotations

import numpy as np
import pytest

from edgeagent_models.embedded.instruction import parse
from edgeagent_models.embedded.policy import at_the_caret, spans_allowed


def typed(task: str) -> set[str]:
    instruction = parse(task)
    allowed = at_the_caret(instruction, spans_allowed(instruction))
    return {instruction.span_text(int(start), int(end)) for start, end in np.argwhere(allowed)}


@pytest.mark.parametrize("name", ["note.txt", "grüße_62.txt", "list2", "ana@example.org"])
def test_quotations_and_names(name: str) -> None:
    found = typed(f"Write 'hello you' and save it as {name}")
    assert {"hello you", name} <= found
    assert not found & {"save", "save it as", "Write", f"as {name}"}


def test_without_quotations_any_words() -> None:
    assert {"hello", "save it as", "hello and save"} <= typed("Write hello and save it as note.txt")
