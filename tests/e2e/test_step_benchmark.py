"""`edgeagent bench step` from the command to its report: a recorded session, real engines, variants that differ as they say."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result
from support.engines import complete, llama
from support.processes import wait_until
from support.recorded import record
from support.tiny_models import TinyModels, picture

from edgeagent.bench.step.fitting import probe
from edgeagent.bench.step.variants import ENDLESS, Shaping
from edgeagent.cli.bench_step import step
from edgeagent.runner import ModelChoice
from edgeagent_harness.protocol.actions import Action, Click, Type
from edgeagent_harness.protocol.geometry import Point
from edgeagent_models.synthetic.plan import VISION_FORMATS
from edgeagent_models.synthetic.shapes import TextShape, VisionShape
from edgeagent_models.synthetic.write import write_text_model, write_vision_encoder

ACTIONS: tuple[Action, ...] = (Click(Point(195, 41)), Type("Zoë"), Type(" Š"), Click(Point(55, 122)))
REPLY_TOKENS = 12
DOOR = Path(__file__).parents[2] / "scripts" / "step_benchmark.py"
WORDS = " the model of the text in the file is what a token of the picture in the prompt is" * 4


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path))
    return asyncio.run(record(tmp_path / "sessions" / "20260101-000000-test", ACTIONS))


def bench(*arguments: object) -> Result:
    result = CliRunner().invoke(step, [str(argument) for argument in arguments])
    if result.exception:
        raise result.exception
    return result


def report_in(path: Path) -> dict[str, Any]:
    return msgspec.json.decode(path.read_bytes())


def usage_of(report: dict[str, Any], variant: str) -> list[dict[str, int]]:
    samples = [sample for sample in report["samples"] if sample["variant"] == variant]
    return [sample["usage"] for sample in sorted(samples, key=lambda sample: (sample["repeat"], sample["step"]))]


@pytest.mark.llama
@pytest.mark.parametrize("kind", [pytest.param("dense", marks=pytest.mark.slow), "hybrid"])
def test_variants_compared(kind: str, session: Path, tiny_models: TinyModels, tmp_path: Path) -> None:
    """Each is another program in a process of its own: llama-cpp-python's chat handler, llama.cpp's server, and ours."""
    pytest.importorskip("xllamacpp", reason="llama.cpp's server comes with the extra bench")
    result = bench(
        "--session", session.name, "--model", tiny_models.named(kind), "--mmproj", tiny_models.mmproj, "--compare",
        "naive,official,server,fast", "--reply-tokens", REPLY_TOKENS, "--json", tmp_path / "r.json", "--plot",
        tmp_path / "r.svg",
    )  # fmt: skip
    report = report_in(tmp_path / "r.json")
    assert report["ratios"].keys() == {"naive", "official", "server"}
    assert all(ratio > 0 for ratio in report["ratios"].values())
    naive, official, server, fast = (usage_of(report, name) for name in ("naive", "official", "server", "fast"))
    assert {one["output_tokens"] for one in (*naive, *official, *server, *fast)} == {REPLY_TOKENS}
    assert {one["cached_tokens"] for one in (*naive, *official)} == {0}
    assert server[1]["cached_tokens"] > 0
    # The same first question; then who evicts asks another one.
    assert server[0]["prompt_tokens"] == fast[0]["prompt_tokens"]
    assert naive[0] == official[0]
    assert naive[3] != official[3]
    assert fast[1]["cached_tokens"] > fast[1]["prompt_tokens"] / 2
    # Each repeat starts from nothing: the second asks what the first asked, and finds none of it.
    for one in (naive, official, server, fast):
        assert one[4] == one[0]
        assert one[4]["cached_tokens"] == 0
    assert "naive takes" in result.stdout
    assert (tmp_path / "r.svg").read_text().startswith("<svg")


@pytest.mark.llama
def test_a_screen_that_stays_is_encoded_once(tiny_models: TinyModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path))
    asyncio.run(record(tmp_path / "sessions" / "still", (Click(Point(5, 190)), Click(Point(5, 190)))))
    bench(
        "--session", "still", "--model", tiny_models.dense, "--mmproj", tiny_models.mmproj, "--repeats", 2,
        "--reply-tokens", 1, "--json", tmp_path / "r.json",
    )  # fmt: skip
    samples = report_in(tmp_path / "r.json")["samples"]
    encoded = {one["step"]: one["phases_ms"]["encode_ms"] > 0 for one in samples if one["repeat"] == 2}
    assert encoded == {1: True, 2: False}


def test_the_embedded_model(session: Path, tmp_path: Path) -> None:
    result = bench("--session", session.name, "--steps", 3, "--json", tmp_path / "r.json")
    report = report_in(tmp_path / "r.json")
    assert report["steps"] == 3
    assert report["session"] == session.name
    (fast,) = report["variants"]
    assert {"perceive_ms", "decode_ms", "parse_ms"} <= fast["phases_ms"].keys()
    assert fast["parsed_share"] == 1
    assert fast["engine_peak_mb"] > 50
    assert {"capture_ms", "act_ms", "record_ms"} <= report["outside_ms"].keys()
    assert "as recorded then" in result.stdout


def test_ctrl_c_leaves_what_was_measured(session: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.json"
    command = [sys.executable, DOOR, "--session", session.name, "--steps", "2", "--repeats", "50", "--json", str(cut)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        assert any(line.startswith("repeat 2 step 1") for line in running.stderr)
        running.send_signal(signal.SIGINT)
        running.stderr.read()
    assert running.returncode == 130
    report = report_in(cut)
    assert 1 <= report["repeats"] < 50
    assert len(report["samples"]) == 2 * report["repeats"]


@pytest.mark.sandbox
@pytest.mark.browser
def test_ctrl_c_while_the_session_to_measure_is_made(tmp_path: Path) -> None:
    """The session's own run takes the signal for itself: that it has few steps then is not what the user is told."""
    env = {**os.environ, "EDGEAGENT_HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    program = subprocess.Popen([sys.executable, "-m", "edgeagent", "bench", "step"], env=env, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: any(tmp_path.rglob("events.jsonl")))
    program.send_signal(signal.SIGINT)
    _, said = program.communicate(timeout=60)
    assert (program.returncode, said.strip()) == (130, "")


@pytest.mark.sandbox
@pytest.mark.browser
def test_a_live_desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path))
    result = bench("--live", "--steps", 2, "--json", tmp_path / "r.json")
    report = report_in(tmp_path / "r.json")
    assert (report["how"], report["steps"]) == ("live", 2)
    assert report["outside_ms"]["settle_ms"]["count"] == 2
    assert "as measured" in result.stdout


@pytest.mark.llama
async def test_a_probe_predicts_from_what_it_measured(tiny_models: TinyModels) -> None:
    choice = ModelChoice(str(tiny_models.hybrid), str(tiny_models.mmproj))
    rates = await probe(choice, Shaping(REPLY_TOKENS), (320, 200))
    assert rates.reply_tokens == REPLY_TOKENS
    assert rates.image_tokens == 60
    assert min(rates.encode_ms_per_image_token, rates.prefill_ms_per_token, rates.decode_ms_per_token) > 0
    assert 0 < rates.engine_mb < rates.available_mb


@pytest.mark.llama
async def test_quantized_random_weights_write_as_long_as_they_are_let(tmp_path: Path) -> None:
    shape = TextShape(
        "qwen35", layers=4, attention_every=4, width=256, heads=2, kv_heads=1, head_width=128, feed_forward=512, rope_width=32,
        rope_sections=(6, 5, 5, 0), vocabulary=16_000, tied=True, ssm_key_heads=2, ssm_value_heads=4, ssm_width=64, ssm_kernel=4,
    )  # fmt: skip
    write_text_model(tmp_path / "m.gguf", shape, 0, "Q4_0")
    async with llama(tmp_path / "m.gguf") as process:
        free = await complete(process, "a", WORDS, max_tokens=40)
        held = await complete(process, "b", WORDS, max_tokens=40, grammar=ENDLESS)
    assert (free.stop_reason, free.usage.output_tokens) == ("length", 40)
    assert (held.stop_reason, held.usage.output_tokens) == ("length", 40)
    assert free.text.isascii()
    # A word is a token, not a token for each letter.
    assert free.usage.prompt_tokens < 30 + len(WORDS.split())


@pytest.mark.llama
async def test_random_weights_with_deepstack_see(tmp_path: Path) -> None:
    text = TextShape(
        "qwen3vl", layers=4, attention_every=1, width=256, heads=4, kv_heads=2, head_width=64, feed_forward=512, rope_width=64,
        rope_sections=(12, 10, 10, 0), vocabulary=16_000, tied=True, deepstack=2,
    )  # fmt: skip
    vision = VisionShape(256, width=128, layers=3, heads=4, feed_forward=256, deepstack=(0, 2))
    write_text_model(tmp_path / "m.gguf", text, 0, "Q8_0")
    write_vision_encoder(tmp_path / "v.gguf", vision, 0, VISION_FORMATS)
    async with llama(tmp_path / "m.gguf", tmp_path / "v.gguf") as process:
        reply = await complete(process, "a", picture(1), " what is in the picture", max_tokens=8)
    assert (reply.usage.image_tokens, reply.usage.output_tokens) == (15, 8)
