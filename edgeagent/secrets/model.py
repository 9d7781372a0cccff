"""The `Model` port with secrets: a model refers to them, and what it says in clear is never passed on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import msgspec

from edgeagent.policy.facts import parts_of, typed_after
from edgeagent.ports import Model, Prompt, Reply
from edgeagent.secrets.scrub import Scrubber, reference
from edgeagent.secrets.vault import Vault
from edgeagent_harness.protocol.actions import Action, Batch, Key, SingleAction, Type


class _Spoken(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A reply as `edgeagent.action` reads it."""

    action: Action
    thought: str = ""


@dataclass(slots=True)
class SecretModel:
    """Wraps a model. ``{secret:NAME}`` that it types alone, and a secret's value that it types as a whole, become references;
    a piece of a value becomes a reference that only this process can resolve."""

    inner: Model
    vault: Vault
    _scrubber: Scrubber = field(init=False)
    _typed: str = field(init=False, default="", repr=False)
    """Running text of what was typed, in clear."""
    _proposed: tuple[int, Action] | None = field(init=False, default=None, repr=False)
    """The action that was replied last, in clear, and how many steps there were then."""

    def __post_init__(self) -> None:
        self._scrubber = Scrubber(self.vault.values)

    async def complete(self, prompt: Prompt) -> Reply:
        self._take_in(len(prompt.history.steps))
        reply = await self.inner.complete(prompt)
        return replace(
            reply,
            text=self._passed_on(reply.text, len(prompt.history.steps)),
            target=self._scrubber.struct(reply.target) if reply.target else None,
            memory=self._scrubber.text(reply.memory),
            problem=self._scrubber.text(reply.problem),
        )

    def _take_in(self, steps: int) -> None:
        """What was proposed last was done if there is a step more."""
        if self._proposed is not None and steps > self._proposed[0]:
            for part in parts_of(self._proposed[1]):
                self._typed = typed_after(self._typed, part)
        self._proposed = None

    def _passed_on(self, text: str, steps: int) -> str:
        try:
            spoken = msgspec.json.decode(text, type=_Spoken)
        except msgspec.MsgspecError:
            return self._scrubber.text(text)
        self._proposed = (steps, spoken.action)
        action = self._rewritten(spoken.action)
        scrubbed = self._scrubber.struct(_Spoken(action, spoken.thought))
        return text if scrubbed == spoken else msgspec.json.encode(scrubbed).decode()

    def _rewritten(self, action: Action) -> Action:
        before, parts = self._typed, list[SingleAction]()
        for part in parts_of(action):
            parts.append(self._referring(part, before))
            before = typed_after(before, part)
        return Batch(tuple(parts)) if isinstance(action, Batch) else parts[0]

    def _referring(self, part: SingleAction, before: str) -> SingleAction:
        match part:
            case Type(text=text, secret_ref=None):
                return self._typing(part, text, before)
            case Key(keys=(key,), repeat=repeat) if len(key) == 1 and self._scrubber.partial(before, key * repeat):
                return Type(secret_ref=self.vault.refer(key * repeat))
            case _:
                return part

    def _typing(self, part: Type, text: str, before: str) -> Type:
        whole = text.rstrip("\r\n")
        for name, value in self.vault.values.items():
            if whole in (value, reference(name)):
                return Type(secret_ref=name, submit=part.submit or whole != text)
        if self._scrubber.completes("", text):
            return part  # Scrubbed later: then it holds a reference beside other text, which the gate refuses.
        if self._scrubber.completes(before, text):
            return Type(text=reference("in pieces"))
        if self._scrubber.partial(before, text):
            return Type(secret_ref=self.vault.refer(text), submit=part.submit)
        return part
