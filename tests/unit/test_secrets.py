"""Secrets: looked up, referred to by models, never passed on in clear, typed only where they may be, their pixels covered."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from edgeagent import events
from edgeagent.errors import EnvironmentProblem, UsageError
from edgeagent.history import History, Step
from edgeagent.policy.facts import Facts
from edgeagent.policy.guarding import Guarding, guard
from edgeagent.policy.possible import impossible
from edgeagent.policy.secret_places import place_refusal
from edgeagent.ports import Prompt, Reply
from edgeagent.screen import Screen
from edgeagent.secrets.desktop import cut
from edgeagent.secrets.mask import Covers
from edgeagent.secrets.model import SecretModel
from edgeagent.secrets.vault import Vault, variable_of
from edgeagent.testing import FakeClock, ScriptedModel
from edgeagent_harness.policy.gate_types import Secret
from edgeagent_harness.policy.types import Policy
from edgeagent_harness.protocol.actions import Action, Batch, Click, Key, OpenUrl, Type
from edgeagent_harness.protocol.effects import Effect
from edgeagent_harness.protocol.frames import FrameInfo
from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_harness.protocol.messages import DesktopSpec

VALUE = "Hunter2&horse"
SITE = Secret("site", "environment", hosts=("bank.example", "*.bank.example"), applications=("keepass*",))
SCREEN = Screen(FrameInfo(0, 200, 100, 0), bytes(200 * 100 * 4))
CLICK = Click(Point(10, 10))


@pytest.fixture
def vault() -> Vault:
    return Vault.open([SITE], lambda _secret: VALUE)


async def passed_on(vault: Vault, *said: Action) -> list[Action]:
    """What becomes of actions that a model says one after the other, each of which is done."""
    model = SecretModel(ScriptedModel(said), vault)
    history, results = History(), list[Action]()
    for number in range(len(said)):
        reply = await model.complete(Prompt("task", SCREEN, history))
        results.append(msgspec.json.decode(reply.text, type=_Said).action)
        history = History(steps=(*history.steps, Step(number + 1, results[-1], Effect("confirmed"))))
    return results


class _Said(msgspec.Struct):
    action: Action
    thought: str = ""


def test_a_task_with_a_secret_that_the_policy_does_not_list_is_refused() -> None:
    policy = "secrets: [{name: site, source: environment, hosts: [a.example]}]"

    def begun(task: str) -> Guarding:
        created = events.SessionCreated(task, "embedded", DesktopSpec(policy_yaml=policy), "1")
        return guard(created, lambda _entry: None, FakeClock(), lookup=lambda _secret: VALUE)

    assert begun("log in with {secret:site} and {secret:site}").vault.values == {"site": VALUE}
    with pytest.raises(UsageError, match="names the secret 'sit', which the policy does not list") as refused:
        begun("log in with {secret:sit}")
    assert refused.value.hint == "it lists site"


# -- values -------------------------------------------------------------------------------------------------------------


def test_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable_of("my.site-2"), VALUE)
    secret = Secret("my.site-2", "environment", hosts=("a.example",))
    assert variable_of("my.site-2") == "EDGEAGENT_SECRET_MY_SITE_2"
    assert Vault.open([secret]).resolve("my.site-2") == VALUE


def test_from_the_keyring() -> None:
    import keyring
    from keyring.backend import KeyringBackend

    class Memory(KeyringBackend):
        priority = 1  # type: ignore[assignment]

        def get_password(self, service: str, username: str) -> str | None:
            return VALUE if (service, username) == ("edgeagent", "site") else None

        def set_password(self, service: str, username: str, password: str) -> None: ...

        def delete_password(self, service: str, username: str) -> None: ...

    before = keyring.get_keyring()
    keyring.set_keyring(Memory())
    try:
        assert Vault.open([Secret("site", "keyring", "edgeagent", "site", ("a.example",))]).resolve("site") == VALUE
        with pytest.raises(EnvironmentProblem, match="'other' that the policy lists is not there") as caught:
            Vault.open([Secret("other", "keyring", "edgeagent", "other", ("a.example",))])
        assert "keyring set edgeagent other" in caught.value.hint
    finally:
        keyring.set_keyring(before)


@pytest.mark.parametrize("value", [None, "abc"])
def test_a_secret_that_is_missing_or_too_short_is_an_error(value: str | None) -> None:
    with pytest.raises(EnvironmentProblem, match="'site'"):
        Vault.open([SITE], lambda _secret: value)


def test_the_value_is_not_shown_with_the_vault(vault: Vault) -> None:
    assert VALUE not in repr(vault)


# -- what a model says --------------------------------------------------------------------------------------------------


async def test_a_reference_is_typed_by_reference(vault: Vault) -> None:
    assert await passed_on(vault, Type("{secret:site}"), Type(VALUE, submit=True), Type(f"{VALUE}\n")) == [
        Type(secret_ref="site"), Type(secret_ref="site", submit=True), Type(secret_ref="site", submit=True),
    ]  # fmt: skip


async def test_a_value_beside_other_text_is_taken_out_and_then_refused(vault: Vault) -> None:
    (action,) = await passed_on(vault, Type(f"my password is {VALUE.lower()}!"))
    assert action == Type("my password is {secret:site}!")
    assert impossible(action, Policy(secrets=(SITE,)))


async def test_a_value_in_pieces_is_never_written_down(vault: Vault) -> None:
    first, second = await passed_on(vault, Type("Hunter"), Type("2&horse"))
    assert isinstance(first, Type)
    assert first.secret_ref is not None
    assert vault.resolve(first.secret_ref) == "Hunter"
    assert impossible(second, Policy(secrets=(SITE,)))
    letters = await passed_on(vault, *(Key((letter,)) for letter in VALUE))
    clear = [action.keys[0] for action in letters if isinstance(action, Key)]
    assert clear == list(VALUE[:2])


async def test_ordinary_words_pass(vault: Vault) -> None:
    said = (Type("hello"), CLICK, Batch((CLICK, Type("Hu"))), OpenUrl("http://a.example/"))
    assert await passed_on(vault, *said) == list(said)


async def test_a_reply_that_is_no_action_is_scrubbed_too(vault: Vault) -> None:
    model = SecretModel(ScriptedModel([Reply(f"I would type {VALUE}", problem=f"there is no action {VALUE!r}")]), vault)
    reply = await model.complete(Prompt("task", SCREEN, History()))
    assert VALUE not in reply.text + reply.problem


@pytest.mark.parametrize("action", [Type(secret_ref="other"), OpenUrl("http://e.example/?{secret:site}"), Type("x{secret:site}")])
def test_what_can_only_be_meant_to_smuggle_is_denied(action: Action) -> None:
    assert impossible(action, Policy(secrets=(SITE,)))


# -- where it may be typed ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hosts", "processes", "fits"),
    [
        ({"bank.example"}, {"chromium"}, True),
        ({"bank.example", "login.bank.example"}, {"chromium"}, True),
        ({"bank.example", "evil.example"}, {"chromium"}, False),
        ({"bank.example.evil.example"}, {"chromium"}, False),
        ({"data:"}, {"chromium"}, False),
        (set[str](), {"keepassxc"}, True),
        (set[str](), {"bank.example"}, False),
        (set[str](), set[str](), False),
    ],
)
def test_only_where_the_policy_says(hosts: set[str], processes: set[str], fits: bool) -> None:
    pages = frozenset(hosts)
    facts = Facts("type", True, frozenset(processes), frozenset(processes), hosts=pages, sure_hosts=pages, secret="site")
    assert (place_refusal((SITE,), facts) == "") is fits
    assert place_refusal((SITE,), Facts("type", True)) == ""


def test_an_action_is_cut_so_that_the_secret_is_typed_alone_and_sent_afterwards() -> None:
    action = Batch((CLICK, Key(("ctrl", "a")), Type(secret_ref="site", submit=True), Type("x")))
    assert cut(action) == [
        Batch((CLICK, Key(("ctrl", "a")))), Type(secret_ref="site"), Batch((Key(("Return",)), Type("x"))),
    ]  # fmt: skip
    assert cut(CLICK) == [CLICK]


# -- pixels -------------------------------------------------------------------------------------------------------------

WIDTH, HEIGHT = 400, 300
FIELD = Rect(100, 100, 300, 130)


def drawn(text_at: tuple[int, int] | None, label_at: tuple[int, int] = (100, 80), clear: bool = False) -> Screen:
    """A page with a label, a framed field and noise for the secret's glyphs."""
    pixels = np.full((HEIGHT, WIDTH), 0xFFFFFF, np.uint32)
    random = np.random.default_rng(1)
    x, y = label_at
    pixels[y : y + 12, x : x + 60] = random.integers(0, 2, (12, 60)) * 0x202020
    if text_at:
        x, y = text_at
        pixels[y - 8 : y + 22, x - 8] = pixels[y - 8 : y + 22, x + 191] = 0
        glyphs = np.random.default_rng(3 if clear else 2).integers(0, 2, (14, 80)) * np.uint32(0xABCDEF)
        pixels[y : y + 14, x : x + 80] = glyphs
    return Screen(FrameInfo(0, WIDTH, HEIGHT, 0), pixels.astype("<u4").tobytes())


def glyphs_in(screen: Screen) -> int:
    pixels = np.frombuffer(screen.pixels, "<u4") & np.uint32(0xFFFFFF)
    return int((pixels == 0xABCDEF).sum())


def test_the_field_is_covered_where_it_was_typed_into() -> None:
    covers = Covers()
    typed = drawn((108, 108))
    covers.add(typed, FIELD, [Rect(108, 108, 188, 122)])
    assert glyphs_in(typed) > 0
    assert glyphs_in(covers.apply(typed)) == 0
    assert covers.apply(typed).pixels == covers.apply(drawn((108, 108), clear=True)).pixels, "the cover tells something"


def test_the_cover_moves_with_the_page() -> None:
    covers = Covers()
    covers.add(drawn((108, 108)), FIELD, [Rect(108, 108, 188, 122)])
    assert glyphs_in(covers.apply(drawn((108, 58), label_at=(100, 30)))) == 0


def test_a_field_that_shows_its_text_now_stays_covered() -> None:
    covers = Covers()
    covers.add(drawn((108, 108)), FIELD, [Rect(108, 108, 188, 122)])
    assert glyphs_in(covers.apply(drawn((108, 108), clear=True))) == 0


def test_a_page_that_is_gone_is_not_covered() -> None:
    covers = Covers()
    covers.add(drawn((108, 108)), FIELD, [Rect(108, 108, 188, 122)])
    other = drawn(None, label_at=(10, 250))
    assert covers.apply(other) is other
    assert covers.covers == []


def test_without_a_known_field_every_change_is_covered() -> None:
    covers = Covers()
    covers.add(drawn((108, 108)), None, [Rect(104, 104, 200, 126)])
    assert glyphs_in(covers.apply(drawn((108, 108)))) == 0
