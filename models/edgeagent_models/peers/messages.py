"""Our messages in OpenAI's form, pictures as PNG in data addresses."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import TypeAlias

import cv2
import numpy as np

from edgeagent_models.errors import EngineProblem
from edgeagent_models.protocol import ChatMessage, Image, TextPart

OpenAiMessage: TypeAlias = dict[str, object]
_FAST_PNG = (int(cv2.IMWRITE_PNG_COMPRESSION), 1)


class Writer:
    """Writes messages. Each picture is compressed once: these programs are not to be charged for our form of pictures."""

    def __init__(self) -> None:
        self._addresses: dict[bytes, str] = {}

    def written(self, messages: Sequence[ChatMessage]) -> list[OpenAiMessage]:
        return [{"role": message.role, "content": self._content(message)} for message in messages]

    def _content(self, message: ChatMessage) -> str | list[dict[str, object]]:
        texts = [part.text for part in message.parts if isinstance(part, TextPart)]
        if len(texts) == len(message.parts):
            return "".join(texts)
        return [
            {"type": "text", "text": part.text} if isinstance(part, TextPart)
            else {"type": "image_url", "image_url": {"url": self._address(part.image)}}
            for part in message.parts
        ]  # fmt: skip

    def _address(self, image: Image) -> str:
        key = hashlib.blake2b(image.pixels, digest_size=16).digest()
        if key not in self._addresses:
            self._addresses[key] = "data:image/png;base64," + base64.b64encode(_png(image)).decode()
        return self._addresses[key]


def _png(image: Image) -> bytes:
    channels = 4 if image.layout == "bgrx" else 3
    pixels = np.frombuffer(image.pixels, np.uint8).reshape(image.height, image.width, channels)
    bgr = pixels[:, :, :3] if channels == 4 else pixels[:, :, ::-1]
    done, data = cv2.imencode(".png", np.ascontiguousarray(bgr), _FAST_PNG)
    if not done:
        raise EngineProblem("usage", f"a picture of {image.width}x{image.height} cannot be written as PNG")
    return data.tobytes()
