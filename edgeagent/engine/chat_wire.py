"""Pure but for the PNG: our conversations as bodies of OpenAI's chat completions, and their answers back."""

from __future__ import annotations

import base64
import io
from typing import Literal, TypeAlias

import msgspec

from edgeagent_models.protocol import ChatMessage, Complete, Completed, Image, Part, TextPart, Usage

Body: TypeAlias = dict[str, object]
_PNG_LEVEL = 3
"""Screens shrink nearly as well as at 9, several times as fast."""


class Function(msgspec.Struct):
    """A call that the server has already taken out of the model's words. Unknown fields are left unread in all of these."""

    name: str = ""
    arguments: str = ""


class ToolCall(msgspec.Struct):
    function: Function


class Message(msgspec.Struct):
    content: str | None = None
    tool_calls: list[ToolCall] | None = None


class Choice(msgspec.Struct):
    message: Message
    finish_reason: str | None = None


class CachedTokens(msgspec.Struct):
    cached_tokens: int | None = 0


class ServerUsage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: CachedTokens | None = None


class ServerAnswer(msgspec.Struct):
    """What a server answers, as far as it is read."""

    choices: list[Choice]
    usage: ServerUsage | None = None


def request_body(request: Complete, name: str) -> bytes:
    """``request`` for the model that the server calls ``name``."""
    sampling = request.sampling
    body: Body = {
        "model": name,
        "messages": [_message(message) for message in request.messages],
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "seed": sampling.seed,
        "stream": False,
    }
    if sampling.top_p < 1:
        body["top_p"] = sampling.top_p
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    return msgspec.json.encode(body)


def completed(answer: ServerAnswer, request_ms: float) -> Completed:
    """``answer`` as an engine's: calls that the server took out of the text stand in it again, as JSON."""
    usage = answer.usage or ServerUsage()
    cached = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else 0
    counted = Usage(usage.prompt_tokens, cached or 0, 0, usage.completion_tokens)
    if not answer.choices:
        return Completed(0, "", "eos", counted, {"request_ms": request_ms})
    choice = answer.choices[0]
    text = choice.message.content or ""
    if choice.message.tool_calls:
        calls = [{"type": "function", "function": call.function} for call in choice.message.tool_calls]
        text = f"{text}\n{msgspec.json.encode({'tool_calls': calls}).decode()}".strip()
    reason: Literal["eos", "length"] = "length" if choice.finish_reason == "length" else "eos"
    return Completed(0, text, reason, counted, {"request_ms": request_ms})


def _message(message: ChatMessage) -> Body:
    role = "user" if message.role == "tool" else message.role  # a tool's turn would need the id of a call that was never one
    if all(isinstance(part, TextPart) for part in message.parts):
        return {"role": role, "content": "".join(part.text for part in message.parts if isinstance(part, TextPart))}
    return {"role": role, "content": [_part(part) for part in message.parts if part != TextPart("")]}


def _part(part: Part) -> Body:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    address = "data:image/png;base64," + base64.b64encode(png(part.image)).decode()
    return {"type": "image_url", "image_url": {"url": address}}


def png(image: Image) -> bytes:
    """``image`` as PNG, at the size that it is to be sent at."""
    from PIL import Image as Pictures

    raw = "BGRX" if image.layout == "bgrx" else "RGB"
    picture = Pictures.frombuffer("RGB", (image.width, image.height), image.pixels, "raw", raw, 0, 1)
    size = (image.sent_width or image.width, image.sent_height or image.height)
    if size != picture.size:
        shrinks = size[0] * size[1] < image.width * image.height
        picture = picture.resize(size, Pictures.Resampling.BOX if shrinks else Pictures.Resampling.BICUBIC)
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=_PNG_LEVEL)
    return out.getvalue()
