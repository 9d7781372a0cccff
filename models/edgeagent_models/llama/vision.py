"""The mmproj's encoder through mtmd. Pictures are resized here, to sizes that mtmd takes as they are; nobody else resizes."""

from __future__ import annotations

import ctypes
import os

import cv2
import numpy as np
import numpy.typing as npt

from edgeagent_models.errors import EngineProblem
from edgeagent_models.families.encoder import merge_factor, token_bounds
from edgeagent_models.families.resize import SizeRule
from edgeagent_models.gguf_header import GgufHeader
from edgeagent_models.llama import log
from edgeagent_models.llama.decoder import Floats, Ints
from edgeagent_models.llama.model import LlamaModel, header_of
from edgeagent_models.llama.native import Handle, llama, mtmd
from edgeagent_models.protocol import Image, Load

Pixels = npt.NDArray[np.uint8]

MAX_SIDE_PX = 8192


class VisionEncoder:
    """One mmproj file. A ``chunk`` is what mtmd made of a picture, or of a slice of one; whoever asked for it frees it."""

    def __init__(self, request: Load, model: LlamaModel, marker: str) -> None:
        self.header = _checked_header(request.mmproj)
        self._model = model
        self._marker = marker.encode()
        self._rule = size_rule(self.header)
        self._cancelled = False

        def go_on(_tensor: object, asking: bool, _data: object) -> bool:
            return asking or not self._cancelled

        # Asked around each operation of the encoder's graph: the only way to stop it.
        self._callback = llama.ggml_backend_sched_eval_callback(go_on)
        self._context = self._load(request)
        self._mrope = bool(mtmd.mtmd_decode_use_mrope(self._context))

    def fitted(self, image: Image) -> Pixels:
        """``image`` as ``(H, W, 3) uint8`` RGB, at a size that the encoder takes as it is."""
        _check(image)
        channels = _channels(image)
        pixels = np.frombuffer(image.pixels, np.uint8).reshape(image.height, image.width, channels)
        rgb = cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGB) if channels == 4 else pixels
        size = self._size(image)
        if size != (image.width, image.height):
            shrinks = size[0] * size[1] < image.width * image.height
            rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
        return np.ascontiguousarray(rgb, np.uint8)

    def _size(self, image: Image) -> tuple[int, int]:
        """The size at which the encoder gets ``image``: the one asked for, which must be one that nobody resizes again."""
        asked = (image.sent_width or image.width, image.sent_height or image.height)
        size = self._rule.fit(*asked) if self._rule else asked
        if image.sent_width and size != asked:
            problem = f"a picture is to be sent at {asked[0]}x{asked[1]}, the vision encoder takes {size[0]}x{size[1]}"
            raise EngineProblem("usage", problem)
        return size

    def prepare(self, pixels: Pixels) -> list[list[int] | Handle]:
        """``pixels`` as they stand in a prompt: chunks, and text tokens that the model wants around them."""
        height, width = pixels.shape[:2]
        bitmap = mtmd.mtmd_bitmap_init(width, height, pixels.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8)))
        chunks = mtmd.mtmd_input_chunks_init()
        try:
            text = mtmd.mtmd_input_text(self._marker, len(self._marker), False, True)
            bitmaps = (mtmd.mtmd_bitmap_p_ctypes * 1)(bitmap)
            code = mtmd.mtmd_tokenize(self._context, chunks, ctypes.byref(text), bitmaps, 1)
            if code != 0:
                raise EngineProblem("usage", f"the vision encoder takes no picture of {width}x{height}: {log.take()}")
            count = mtmd.mtmd_input_chunks_size(chunks)
            return [_part(mtmd.mtmd_input_chunks_get(chunks, index)) for index in range(count)]
        finally:
            mtmd.mtmd_input_chunks_free(chunks)
            mtmd.mtmd_bitmap_free(bitmap)

    def encode(self, chunk: Handle) -> Floats | None:
        """Run the encoder: ``(tokens, width) float32``, or None if it was cancelled. One at a time, on any thread."""
        code = mtmd.mtmd_encode_chunk(self._context, chunk)
        if self._cancelled:
            return None
        if code != 0:
            raise EngineProblem("internal", f"the vision encoder failed ({code}): {log.take()}")
        tokens, width = chunk_tokens(chunk), self._model.input_width
        values = mtmd.mtmd_get_output_embd(self._context)
        return np.ctypeslib.as_array(values, shape=(tokens * width,)).reshape(tokens, width).copy()

    def cancel(self, cancelled: bool = True) -> None:
        """Stop `encode` after the operation it is at; False lets the next one run."""
        self._cancelled = cancelled

    def positions(self, chunk: Handle, first: int) -> Ints:
        """Where the tokens of ``chunk`` stand if it begins at ``first``: ``(4, tokens)`` for M-RoPE, else ``(1, tokens)``."""
        tokens = chunk_tokens(chunk)
        if not self._mrope:
            return np.arange(first, first + tokens, dtype=np.int32)[None]
        places = (mtmd.mtmd_decoder_pos * tokens)()
        mtmd.mtmd_helper_image_get_decoder_pos(mtmd.mtmd_input_chunk_get_tokens_image(chunk), first, places)
        t, x, y, _ = np.frombuffer(places, np.uint32).reshape(tokens, 4).T.astype(np.int32)
        # llama.cpp's sections: time, height, width, and one that pictures leave at zero.
        return np.stack([t, y, x, np.zeros_like(t)])

    def causal(self, chunk: Handle) -> bool:
        """Whether a token of ``chunk`` sees only those before it, so that it may be decoded in slices."""
        return not mtmd.mtmd_decode_use_non_causal(self._context, chunk)

    def close(self) -> None:
        mtmd.mtmd_free(self._context)

    def _load(self, request: Load) -> Handle:
        parameters = mtmd.mtmd_context_params_default()
        parameters.use_gpu = self._model.gpu_layers != 0
        parameters.print_timings = False
        parameters.warmup = False
        parameters.n_threads = self._model.threads.batch
        parameters.media_marker = self._marker
        parameters.cb_eval = self._callback
        context = mtmd.mtmd_init_from_file(os.fsencode(request.mmproj), self._model.handle, parameters)
        if not context:
            raise EngineProblem("model", f"{request.mmproj} does not fit the model {request.path}: {log.take()}")
        return context


def chunk_tokens(chunk: Handle) -> int:
    """Cells that ``chunk`` takes in the context."""
    return int(mtmd.mtmd_input_chunk_get_n_tokens(chunk))


def chunk_positions(chunk: Handle) -> int:
    """By how much ``chunk`` moves the position on."""
    return int(mtmd.mtmd_input_chunk_get_n_pos(chunk))


def without_pixels(chunk: Handle) -> Handle:
    """Free ``chunk``, and return one that only knows how its tokens lie."""
    placeholder = mtmd.mtmd_input_chunk_get_placeholder(chunk)
    free_chunk(chunk)
    return placeholder


def free_chunk(chunk: Handle) -> None:
    mtmd.mtmd_input_chunk_free(chunk)


def size_rule(header: GgufHeader) -> SizeRule | None:
    """How pictures must be sized for the encoder; None where it scales every picture to sizes of its own."""
    factor = merge_factor(header)
    return token_bounds(factor) if factor else None


def _part(chunk: Handle) -> list[int] | Handle:
    if mtmd.mtmd_input_chunk_get_type(chunk) != mtmd.MTMD_INPUT_CHUNK_TYPE_TEXT:
        return mtmd.mtmd_input_chunk_copy(chunk)
    length = ctypes.c_size_t()
    tokens = mtmd.mtmd_input_chunk_get_tokens_text(chunk, ctypes.byref(length))
    found = [int(tokens[at]) for at in range(length.value)]
    if any(token < 0 for token in found):
        raise EngineProblem("model", "the vocabulary lacks tokens that stand around pictures: the mmproj is another model's")
    return found


def _channels(image: Image) -> int:
    return 4 if image.layout == "bgrx" else 3


def _check(image: Image) -> None:
    size = f"{image.width}x{image.height}"
    sides = (image.width, image.height, image.sent_width or 1, image.sent_height or 1)
    if not all(1 <= side <= MAX_SIDE_PX for side in sides):
        raise EngineProblem("usage", f"a picture of {size}: each side must be 1 to {MAX_SIDE_PX} px")
    expected = image.width * image.height * _channels(image)
    if len(image.pixels) != expected:
        raise EngineProblem("usage", f"a {image.layout} picture of {size} has {expected} bytes, not {len(image.pixels)}")


def _checked_header(path: str) -> GgufHeader:
    header = header_of(path)
    if not header.vision:
        raise EngineProblem("model", f"{path} is no vision encoder but a {header.architecture or 'nameless'} model")
    return header
