"""No secret's value passes the scrubber: in clear, in any case, or as programs commonly encode it, whatever stands around it."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeagent import events
from edgeagent.secrets.scrub import PREFIX_CHARS, Scrubber
from edgeagent_harness.protocol.actions import Type

values = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x24F, exclude_categories=("Cc", "Cs", "Zs")), min_size=6, max_size=24
)
around = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)


@given(values, around, around, st.sampled_from(["as it is", "upper", "lower"]))
def test_the_value_itself_in_any_case(value: str, before: str, after: str, case: str) -> None:
    said = {"as it is": value, "upper": value.upper(), "lower": value.lower()}[case]
    found = Scrubber({"x": value}).text(before + said + after)
    assert "{secret:x}" in found
    assert said not in found.replace("{secret:x}", "")


@given(values, around, around)
def test_what_programs_make_of_it(value: str, before: str, after: str) -> None:
    scrubber = Scrubber({"x": value})
    encoded = (quote(value, safe=""), quote_plus(value), html.escape(value), json.dumps(value)[1:-1], value.encode().hex())
    for form in encoded:
        assert "{secret:x}" in scrubber.text(before + form + after), form


@given(values, st.binary(max_size=5), st.binary(max_size=5), st.sampled_from([base64.b64encode, base64.urlsafe_b64encode]))
def test_base64_at_any_alignment(value: str, before: bytes, after: bytes, encode: Callable[[bytes], bytes]) -> None:
    assert "{secret:x}" in Scrubber({"x": value}).text(encode(before + value.encode() + after).decode())


@given(values, st.integers(1, 24))
def test_what_is_typed_in_two_pieces_is_noticed_at_the_first_that_tells_much(value: str, cut: int) -> None:
    scrubber = Scrubber({"x": value})
    first, second = value[:cut], value[cut:]
    if len(first) >= PREFIX_CHARS:
        assert scrubber.partial("", first)
    if second:
        assert scrubber.partial(first, second)
        assert scrubber.completes(first, second)


@given(values)
def test_every_string_of_an_event_is_scrubbed(value: str) -> None:
    scrubber = Scrubber({"x": value})
    fact = events.Intent(1, Type(value), "frame", thought=f"typing {value}")
    scrubbed = scrubber.struct(fact)
    assert scrubbed == events.Intent(1, Type("{secret:x}"), "frame", thought="typing {secret:x}")


@pytest.mark.parametrize("text", ["", "an ordinary text", "Hunte", "r2"])
def test_what_is_no_secret_stays(text: str) -> None:
    assert Scrubber({"x": "Hunter2"}).text(text) == text
    assert Scrubber({}).text("Hunter2") == "Hunter2"
