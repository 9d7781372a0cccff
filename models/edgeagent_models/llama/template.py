"""Render a conversation with the GGUF's own chat template, which is somebody else's program: sandboxed, and bounded.

What comes from messages is data: control tokens spelled out in it are broken up, so that text read from a screen cannot open
a turn of its own.
"""

from __future__ import annotations

import itertools
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from edgeagent_models.errors import EngineProblem
from edgeagent_models.protocol import ChatMessage, Image, TextPart

MAX_RENDERED_CHARS = 16 << 20
_TRAINING_MARKS = re.compile(r"{%-?\s*(?:end)?generation\s*-?%}")
"""Tags that some templates have to mark what is trained on; Jinja does not know them."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A prompt's text with ``marker`` wherever the next of ``images`` stands."""

    text: str
    images: tuple[Image, ...]
    seams: tuple[int, ...] = ()
    """Places in ``text`` where a later prompt is likely to go on differently: behind the system prompt, between parts."""
    system: int = 0
    """Where in ``text`` the system prompt ends; 0: it has none."""


class ChatTemplate:
    """A compiled chat template. ``marker`` stands for a picture and cannot be guessed by whoever writes the messages."""

    def __init__(self, source: str, marker: str, bos: str, eos: str, control_tokens: Sequence[str]) -> None:
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
        )  # fmt: skip
        functions = {"raise_exception": _raise_exception, "strftime_now": _strftime_now}
        environment.filters["tojson"] = _to_json
        self._marker = marker
        self._seam = f"<seam {secrets.token_hex(16)}>"
        self._tokens = {"bos_token": bos, "eos_token": eos}
        self._control = _any_of(control_tokens)
        try:
            self._template = environment.from_string(_TRAINING_MARKS.sub("", source), functions) if source else None
        except jinja2.TemplateError as error:
            raise EngineProblem("model", f"the model's chat template is broken: {error}") from error

    def render(self, messages: Sequence[ChatMessage], templated: bool, asks: bool = True) -> Rendered:
        """The prompt for ``messages``; with ``templated`` their parts are joined as they are. ``asks``: a reply is to follow."""
        images = tuple(part.image for message in messages for part in message.parts if not isinstance(part, TextPart))
        contents = [self._content(message, trusted=templated) for message in messages]
        pieces = ("".join(contents) if templated else self._apply(messages, contents, asks)).split(self._seam)
        text = "".join(pieces)
        if text.count(self._marker) != len(images):
            raise EngineProblem("usage", "the model's chat template drops pictures: it takes none in this role or place")
        seams = list(itertools.accumulate(map(len, pieces[:-1])))
        system = 0
        if messages and messages[0].role == "system" and (at := text.find(contents[0])) >= 0:
            system = at + len(contents[0])
            seams.append(system)
        return Rendered(text, images, tuple(sorted(seams)), system)

    def _content(self, message: ChatMessage, trusted: bool) -> str:
        texts = [part.text if isinstance(part, TextPart) else self._marker for part in message.parts]
        whole = "".join(texts)
        # Within a content only: at its ends templates look for words, and trim.
        inserted = [(at, self._seam) for at in itertools.accumulate(map(len, texts[:-1]))]
        if not trusted and self._control is not None:
            # A space after a control token's first character makes it plain text.
            inserted += [(match.start() + 1, " ") for match in self._control.finditer(whole)]
        pieces, done = list[str](), 0
        for at, what in sorted(inserted):
            pieces += [whole[done:at], what]
            done = at
        return "".join((*pieces, whole[done:]))

    def _apply(self, messages: Sequence[ChatMessage], contents: Sequence[str], asks: bool) -> str:
        if self._template is None:
            raise EngineProblem("model", "the model has no chat template: send the exact prompt with templated=true")
        turns = [{"role": message.role, "content": content} for message, content in zip(messages, contents, strict=True)]
        try:
            text = self._template.render(
                messages=turns, add_generation_prompt=asks, enable_thinking=False, tools=None, **self._tokens
            )  # fmt: skip
        except (jinja2.TemplateError, TypeError, ValueError, KeyError, OverflowError) as error:
            raise EngineProblem("usage", f"the model's chat template refuses these messages: {error}") from error
        if len(text) > MAX_RENDERED_CHARS:
            raise EngineProblem("usage", f"the rendered prompt has {len(text)} characters")
        return text


def _any_of(tokens: Sequence[str]) -> re.Pattern[str] | None:
    """Matches any of ``tokens`` (of two characters or more), the longest first."""
    spelled = sorted({token for token in tokens if len(token) > 1}, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, spelled))) if spelled else None


def _raise_exception(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _to_json(value: object, **options: int | None) -> str:
    """Jinja's own filter escapes for HTML; models were trained on plain JSON."""
    return json.dumps(value, ensure_ascii=False, indent=options.get("indent"))


def _strftime_now(layout: str) -> str:
    return datetime.now().strftime(layout)
