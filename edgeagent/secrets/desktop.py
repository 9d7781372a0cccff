"""The `Desktop` port with secrets: typed at the last moment and only where they may be, and covered on every screen after."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec

from edgeagent.desktop.pages import Pages
from edgeagent.policy.facts import facts_of, parts_of
from edgeagent.policy.gate import Surroundings
from edgeagent.policy.secret_places import place_refusal
from edgeagent.ports import Deed, Desktop, Look
from edgeagent.prompt import GUARD_MARGIN_PX
from edgeagent.screen import Screen
from edgeagent.secrets.mask import Covers
from edgeagent.secrets.scrub import Scrubber
from edgeagent.secrets.vault import Vault
from edgeagent_harness.protocol.actions import Action, Batch, Key, SingleAction, Type
from edgeagent_harness.protocol.effects import Effect, EffectStatus
from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_harness.protocol.messages import Guard, SettleSpec, WindowsTold

Reader = Callable[[Screen], Awaitable[Sequence[tuple[str, Rect]]]]
"""Reads the words on a screen: (text, where)."""
_LOCAL = SettleSpec(expect="local")
_MOST_VISIBLE: tuple[EffectStatus, ...] = ("refused", "suspected_noop", "unverifiable", "partial", "confirmed")


class GuardingDesktop(Desktop, Protocol):
    """A desktop that can hold typing to one window."""

    async def perform(
        self, action: Action, settle: SettleSpec, guard: Guard | None = None, focus_window: int = 0
    ) -> Deed: ...  # fmt: skip

    async def windows(self, points: tuple[Point, ...] = ()) -> WindowsTold: ...

    async def pages(self) -> Pages | None: ...


class SecretDesktop:
    """Wraps a desktop: what it is told to type by reference goes to ``inner`` as text, and to nobody else."""

    def __init__(
        self, inner: GuardingDesktop, surroundings: Surroundings, vault: Vault, covers: Covers, read: Reader | None = None
    ) -> None:  # fmt: skip
        self._inner = inner
        self._surroundings = surroundings
        self._vault = vault
        self._covers = covers
        self._scrubber = Scrubber(vault.values)
        self.read = read
        """Whose it is can change in mid-run."""

    async def observe(self, settle: SettleSpec | None = None) -> Look:
        return await self._shown(await self._inner.observe(settle))

    async def release_all(self) -> None:
        await self._inner.release_all()

    async def perform(self, action: Action, settle: SettleSpec, guard: Guard | None = None) -> Deed:
        """As the port says; an action that types a secret is done in stretches, with a check of the place right before it."""
        deed, box = None, _field(guard)
        stretches = cut(action)
        for number, stretch in enumerate(stretches):
            last = number == len(stretches) - 1
            reference = stretch.secret_ref if isinstance(stretch, Type) else None
            if reference is not None:
                done = await self._type(reference, settle if last else _LOCAL, guard, box)
            else:
                done = await self._inner.perform(stretch, settle if last else _LOCAL, guard)
            deed, guard = _joined(deed, done), None
            if done.effect.status == "refused":
                break
        assert deed is not None, "an action has at least one stretch"
        return Deed(self._scrubber.struct(deed.effect), await self._shown(deed.look), deed.act_ms)

    async def _type(self, reference: str, settle: SettleSpec, guard: Guard | None, box: Rect | None) -> Deed:
        if not self._vault.holds(reference):
            nothing = Effect("refused", "forbidden", f"nothing is known as {reference!r} in this run", performed=False)
            return Deed(nothing, await self._inner.observe(), 0.0)
        action = Type(secret_ref=reference)
        where = await self._surroundings.where(action)
        if reference not in self._vault.typed:
            (facts,) = facts_of(action, where, "", 0.0)
            refusal = place_refusal(self._vault.secrets, facts)
            if refusal or where.focused is None:
                reason = refusal or "no window has the keyboard"
                return Deed(Effect("refused", "forbidden", reason, performed=False), await self._inner.observe(), 0.0)
        window = where.focused.id if where.focused else 0
        deed = await self._inner.perform(Type(self._vault.resolve(reference)), settle, guard, focus_window=window)
        self._covers.add(deed.look.screen, box, deed.effect.changed)
        return deed

    async def _shown(self, look: Look) -> Look:
        """``look`` as recording and model may see it."""
        covered = self._covers.apply(look.screen)
        if self._covers.used and self.read is not None:
            words = await self.read(covered)
            leaks = [box for text, box in words if self._scrubber.text(text) != text]
            covered = self._covers.apply(covered, leaks) if leaks else covered
        return look if covered is look.screen else Look(covered, look.settle, look.capture_ms)


def _field(guard: Guard | None) -> Rect | None:
    """The field that an action is aimed at; None: what is guarded is only the surroundings of a point."""
    side = 2 * GUARD_MARGIN_PX + 1
    return guard.region if guard and (guard.region.width > side or guard.region.height > side) else None


def cut(action: Action) -> list[Action]:
    """``action`` in stretches, so that each typing of a secret stands alone, without the Return that follows it."""
    stretches: list[Action] = []
    run: list[SingleAction] = []

    def close() -> None:
        if run:
            stretches.append(run[0] if len(run) == 1 else Batch(tuple(run)))
            run.clear()

    for part in parts_of(action):
        if isinstance(part, Type) and part.secret_ref is not None:
            close()
            stretches.append(msgspec.structs.replace(part, submit=False))
            if part.submit:
                run.append(Key(("Return",)))
        else:
            run.append(part)
    close()
    return stretches if len(stretches) > 1 or _has_secret(action) else [action]


def _has_secret(action: Action) -> bool:
    return any(isinstance(part, Type) and part.secret_ref is not None for part in parts_of(action))


def _joined(before: Deed | None, after: Deed) -> Deed:
    """Two stretches of one action as one deed."""
    if before is None:
        return after
    one, two = before.effect, after.effect
    statuses: tuple[EffectStatus, ...] = (one.status, two.status)
    status = two.status if two.status == "refused" else max(statuses, key=_MOST_VISIBLE.index)
    effect = Effect(
        status,
        two.reason,
        two.message or one.message,
        (*one.changed, *two.changed)[-64:],
        "\n".join(filter(None, (one.output, two.output))),
        one.performed or two.performed,
    )
    return Deed(effect, after.look, before.act_ms + after.act_ms)
