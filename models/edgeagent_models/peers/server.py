"""llama.cpp's own server, in the build that the package xllamacpp brings, with its own defaults for one user."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import tempfile
from typing import Any

from edgeagent_models.errors import EngineProblem
from edgeagent_models.peers.handler import PeerHandler
from edgeagent_models.peers.messages import OpenAiMessage
from edgeagent_models.protocol import Completed, Load, Usage


class ServerHandler(PeerHandler):
    """`xllamacpp.Server`. It reuses prefixes, and keeps checkpoints of recurrent models, as llama.cpp's server does."""

    _server: Any

    def start(self, request: Load) -> None:
        if importlib.util.find_spec("xllamacpp") is None:
            raise EngineProblem("model", "llama.cpp's server is compared with as in xllamacpp: pip install 'edgeagent[bench]'")
        library: Any = importlib.import_module("xllamacpp")
        parameters = library.CommonParams()
        parameters.model.path = request.path
        parameters.mmproj.path = request.mmproj
        parameters.n_ctx = request.context_tokens
        parameters.n_parallel = 1
        parameters.n_gpu_layers = request.gpu_layers
        parameters.warmup = False
        parameters.verbosity = 0
        self._directory = tempfile.TemporaryDirectory(prefix="edgeagent-server-")
        parameters.hostnames = [os.path.join(self._directory.name, "server.sock")]
        self._server = library.Server(parameters)

    def answer(self, number: int, messages: list[OpenAiMessage], tokens: int) -> Completed:
        body = {"messages": messages, "max_tokens": tokens, "temperature": 0.0, "cache_prompt": True, "ignore_eos": True}
        reply = self._server.handle_chat_completions(body)
        if "choices" not in reply:
            raise EngineProblem("internal", f"the server answered {json.dumps(reply)[:500]}")
        usage, timings = reply["usage"], reply["timings"]
        prefill_ms, decode_ms = float(timings["prompt_ms"]), float(timings["predicted_ms"])
        return Completed(
            number,
            str(reply["choices"][0]["message"].get("content") or ""),
            "length",
            Usage(
                int(usage["prompt_tokens"]),
                int(usage["prompt_tokens_details"]["cached_tokens"]),
                output_tokens=int(usage["completion_tokens"]),
            ),
            {"prefill_ms": round(prefill_ms, 3), "ttft_ms": round(prefill_ms, 3), "decode_ms": round(decode_ms, 3)},
        )
