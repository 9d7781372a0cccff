"""A session's steps through NVIDIA Dynamo's own frontend and mocker on this processor: ``scripts/dynamo_check.py PYTHON``.

PYTHON is that of an environment of its own with ``ai-dynamo-runtime``, ``ai-dynamo`` (``--no-deps``) and what that lists but
``aisimulate``. Everything runs in a network namespace with loopback only. Prints for each step how many tokens of its prompt were
cached, and whether the hints were taken; exit code 1 if the second step found nothing cached.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from edgeagent.engine import remote_family
from edgeagent.engine.conversation import Speaker
from edgeagent.engine.llama_model import LlamaModel
from edgeagent.engine.remote import open_remote
from edgeagent.engine.tagging import Tags
from edgeagent.history import History, Step
from edgeagent.ports import Prompt
from edgeagent.remote_names import remote_name
from edgeagent.screen import Screen
from edgeagent_harness.protocol.actions import Click
from edgeagent_harness.protocol.effects import Effect
from edgeagent_harness.protocol.frames import FrameInfo
from edgeagent_harness.protocol.geometry import Point

WIDTH, HEIGHT, PORT, START_S = 320, 224, 8111, 60.0
MODEL = f"openai:http://127.0.0.1:{PORT}/v1#m"
_TEMPLATE = (
    "{% for m in messages %}{{ m['role'] }}: {% if m['content'] is string %}{{ m['content'] }}{% else %}"
    "{% for p in m['content'] %}{% if p['type'] == 'text' %}{{ p['text'] }}{% endif %}{% endfor %}{% endif %}\n{% endfor %}"
)


def make_model(folder: Path) -> None:
    """Names of a model without weights: a token for each byte, a configuration, a template."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {byte: chr(byte) for byte in printable}
    others = [byte for byte in range(256) if byte not in letters]
    letters.update({byte: chr(256 + number) for number, byte in enumerate(others)})
    vocabulary = {letter: number for number, letter in enumerate(letters[byte] for byte in range(256))} | {"<end>": 256}
    pieces = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    end = {
        "id": 256,
        "content": "<end>",
        "special": True,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
    }
    numbers = {"bos_token_id": 256, "eos_token_id": 256}
    files: dict[str, object] = {
        "tokenizer.json": {
            "version": "1.0", "added_tokens": [end], "pre_tokenizer": pieces, "decoder": pieces,
            "model": {"type": "BPE", "vocab": vocabulary, "merges": []},
        },
        "config.json": {
            "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64, "intermediate_size": 128,
            "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 4, "vocab_size": 257,
            "max_position_embeddings": 131072, "rms_norm_eps": 1e-5, **numbers,
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<end>", "bos_token": "<end>", "model_max_length": 131072,
            "chat_template": _TEMPLATE + "assistant: ",
        },
        "generation_config.json": numbers,
    }  # fmt: skip
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))


@contextmanager
def dynamo(python: str, scratch: Path) -> Generator[None]:
    """Frontend and mocker, ready."""
    make_model(scratch)
    environment = {**os.environ, "DYN_FILE_KV": str(scratch / "kv"), "DYN_LOG": "warn", "HF_HUB_OFFLINE": "1"}
    frontend = ["dynamo.frontend", "--http-host", "127.0.0.1", "--http-port", str(PORT), "--router-mode", "kv"]
    mocker = ["dynamo.mocker", "--model-path", str(scratch), "--model-name", "m"]
    started = [
        subprocess.Popen([python, "-m", *argv, "--discovery-backend", "file"], env=environment, stdout=sys.stderr)
        for argv in (frontend, mocker)
    ]
    try:
        _await_model()
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()


def _await_model() -> None:
    end_s = time.monotonic() + START_S
    while time.monotonic() < end_s:
        try:
            with urlopen(f"http://127.0.0.1:{PORT}/v1/models", timeout=2) as answer:
                if json.load(answer)["data"]:
                    return
        except (URLError, OSError):
            pass
        time.sleep(0.2)
    raise SystemExit("Dynamo did not become ready")


def prompt(steps: int) -> Prompt:
    """The next step of a session that has done so many."""
    done = tuple(Step(number, Click(Point(10, 10)), Effect("confirmed"), "go on") for number in range(1, steps + 1))
    screen = Screen(FrameInfo(steps + 1, WIDTH, HEIGHT, 0), bytes([steps]) * (WIDTH * HEIGHT * 4))
    return Prompt("save the form", screen, History("save the form", done))


async def ask(steps: int) -> dict[str, object]:
    """So many steps of one session."""
    family = remote_family(MODEL, "generic")
    async with open_remote(remote_name(MODEL), lambda _: None, Tags.of("check", "one")) as engine:
        model = LlamaModel(engine, "session", 1, Speaker(family, family.resize.factor))
        usages = [(await model.complete(prompt(step))).usage for step in range(steps)]
        return {
            "prompt_tokens": [usage.prompt_tokens for usage in usages],
            "cached_tokens": [usage.cached_tokens for usage in usages],
            "hints_taken": engine.hints_are_sent,
        }  # fmt: skip


def inside(python: str) -> int:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory(prefix="edgeagent-dynamo-") as scratch, dynamo(python, Path(scratch)):
        told = asyncio.run(ask(4))
    print(json.dumps(told))
    cached = told["cached_tokens"]
    assert isinstance(cached, list)
    return 0 if cached[1] else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("python", help="of the environment with Dynamo")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        return inside(arguments.python)
    return subprocess.run(["unshare", "-rn", sys.executable, __file__, "--inside", arguments.python]).returncode


if __name__ == "__main__":
    sys.exit(main())
