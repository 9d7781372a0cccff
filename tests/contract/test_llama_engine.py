"""The llama engine, in its process: same answer however it is asked (reused, batched, restored), bounded, refusing clearly."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from support.engines import SEQUENCES, complete, llama, user
from support.tiny_models import TinyModels, picture

from edgeagent.engine.process import EngineProcess
from edgeagent.errors import ContextFull, EngineError, ModelUnusable
from edgeagent_models.families import generic
from edgeagent_models.protocol import CloseSequence, Complete, Completed, Load, LoadState, Ok, OpenSequence, Sampling, SaveState

pytestmark = [pytest.mark.llama, pytest.mark.asyncio(loop_scope="module")]
LETTERS = "root ::= [a-z]{1500}"
"""A grammar under which the output does not end by itself."""
TALK = "Which of these buttons would you press, and why? " * 4


@pytest_asyncio.fixture(params=["dense", "hybrid"], scope="module", loop_scope="module")
async def shared(request: pytest.FixtureRequest, tiny_models: TinyModels) -> AsyncGenerator[EngineProcess]:
    """One process for all tests of a model."""
    async with llama(tiny_models.named(request.param), tiny_models.mmproj) as process:
        yield process


@pytest_asyncio.fixture(loop_scope="module")
async def engine(shared: EngineProcess) -> AsyncGenerator[EngineProcess]:
    """The same with empty sequences."""
    yield shared
    await forget(shared)


async def forget(engine: EngineProcess) -> None:
    """Empty all sequences: a prompt is then computed from nothing."""
    for name in SEQUENCES:
        await engine.request(CloseSequence(0, name))
        await engine.request(OpenSequence(0, name))


class TestPrefixReuse:
    async def test_the_same_prompt_again_costs_one_token_and_answers_the_same(self, engine: EngineProcess) -> None:
        first = await complete(engine, "a", TALK, picture(1), "Now?")
        again = await complete(engine, "a", TALK, picture(1), "Now?")
        assert again.text == first.text
        assert first.usage.cached_tokens == 0
        assert again.usage.cached_tokens == again.usage.prompt_tokens - 1

    async def test_a_longer_prompt_answers_as_from_nothing(self, engine: EngineProcess) -> None:
        await complete(engine, "a", TALK, picture(1), "Now?")
        grown = await complete(engine, "a", TALK, picture(1), "And what follows?")
        await forget(engine)
        fresh = await complete(engine, "b", TALK, picture(1), "And what follows?")
        assert grown.text == fresh.text
        assert grown.usage.cached_tokens > len(TALK) // 2
        assert fresh.usage.cached_tokens == 0

    async def test_another_picture_in_the_same_place_is_seen(self, engine: EngineProcess) -> None:
        one = await complete(engine, "a", picture(1), TALK)
        other = await complete(engine, "a", picture(2), TALK)
        await forget(engine)
        fresh = await complete(engine, "b", picture(2), TALK)
        assert other.text == fresh.text
        assert other.text != one.text
        assert other.usage.cached_tokens < 24

    async def test_a_picture_is_encoded_once(self, engine: EngineProcess) -> None:
        first = await complete(engine, "a", picture(77), "Now?")
        again = await complete(engine, "b", "Well. ", picture(77), "Now?")
        assert first.timings_ms["encode_ms"] > 0
        assert again.timings_ms["encode_ms"] == 0
        assert again.usage.image_tokens == first.usage.image_tokens == (160 // 32) * (96 // 32)


class TestManySequences:
    async def test_answers_in_one_batch_are_those_given_alone(self, engine: EngineProcess) -> None:
        prompts = {name: (f"{name} asks: {TALK}", picture(at), "Now?") for at, name in enumerate("abcd")}
        alone = {name: (await complete(engine, name, *parts)).text for name, parts in prompts.items()}
        for name in prompts:
            await complete(engine, name, "something else entirely")
        together = await asyncio.gather(*(complete(engine, name, *parts) for name, parts in prompts.items()))
        assert dict(zip(prompts, (reply.text for reply in together), strict=True)) == alone
        assert len(set(alone.values())) == len(alone)

    async def test_a_short_answer_does_not_wait_for_a_long_one(self, engine: EngineProcess) -> None:
        long = asyncio.create_task(complete(engine, "a", TALK, grammar=LETTERS, max_tokens=400))
        await complete(engine, "b", "Hi", max_tokens=1)
        assert not long.done()
        assert (await long).usage.output_tokens == 400

    async def test_one_sequence_answers_in_the_order_asked(self, engine: EngineProcess) -> None:
        finished: list[int] = []

        async def ask(number: int) -> None:
            await complete(engine, "a", f"{number} {TALK}", grammar=LETTERS, max_tokens=30 - 10 * number)
            finished.append(number)

        await asyncio.gather(*(ask(number) for number in range(3)))
        assert finished == [0, 1, 2]


class TestOutput:
    async def test_every_constrained_reply_is_an_action(self, engine: EngineProcess) -> None:
        grammar = generic.action_grammar()
        replies = await asyncio.gather(
            *(
                complete(engine, name, "Go!", grammar=grammar, temperature=1.5, seed=seed + 4, max_tokens=4000)
                for seed, name in enumerate("abcd")
            )
        )
        for reply in replies:
            assert reply.stop_reason == "grammar"
            generic.parse(reply.text)

    async def test_a_seed_repeats_and_another_differs(self, engine: EngineProcess) -> None:
        texts = [
            (await complete(engine, "a", "Go!", temperature=1.0, top_k=40, top_p=0.9, seed=seed)).text for seed in (1, 1, 2)
        ]  # fmt: skip
        assert texts[0] == texts[1] != texts[2]

    async def test_stream_adds_up_to_the_text(self, engine: EngineProcess) -> None:
        deltas: list[str] = []
        reply = await complete(engine, "a", TALK, on_delta=deltas.append, grammar=LETTERS, max_tokens=60)
        assert "".join(deltas) == reply.text
        assert len(deltas) > 5

    async def test_stop_string_ends_the_text_before_it(self, engine: EngineProcess) -> None:
        whole = (await complete(engine, "a", TALK)).text
        stop = whole[4:6]
        reply = await complete(engine, "a", TALK, stop=[stop])
        assert reply.stop_reason == "stop"
        assert reply.text == whole[: whole.index(stop)]

    async def test_length_and_usage(self, engine: EngineProcess) -> None:
        reply = await complete(engine, "a", TALK, grammar=LETTERS, max_tokens=7)
        assert (reply.stop_reason, reply.usage.output_tokens) == ("length", 7)
        assert set(reply.timings_ms) == {"encode_ms", "prefill_ms", "ttft_ms", "decode_ms"}


class TestAbort:
    async def test_cancelling_stops_the_output_and_leaves_the_sequence_usable(self, engine: EngineProcess) -> None:
        expected = (await complete(engine, "b", TALK)).text
        began = asyncio.Event()
        task = asyncio.create_task(complete(engine, "a", TALK, on_delta=lambda _: began.set(), grammar=LETTERS, max_tokens=1500))
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await asyncio.wait_for(complete(engine, "a", TALK), 5)).text == expected

    async def test_cancelling_in_mid_prompt_leaves_others_undisturbed(self, engine: EngineProcess) -> None:
        expected = (await complete(engine, "b", TALK, grammar=LETTERS, max_tokens=200)).text
        other = asyncio.create_task(complete(engine, "b", TALK, grammar=LETTERS, max_tokens=200))
        for seed in range(4):
            task = asyncio.create_task(complete(engine, "a", picture(seed, 640, 384), TALK * 4))
            await asyncio.sleep(0.02 * (seed + 1))
            task.cancel()
            await asyncio.wait([task])
        assert (await other).text == expected


class TestRefusals:
    async def test_a_prompt_that_cannot_fit(self, engine: EngineProcess) -> None:
        with pytest.raises(ContextFull, match="2048"):
            await complete(engine, "a", "word " * 2000)
        assert (await complete(engine, "a", "short")).text

    async def test_output_that_fills_the_context_ends(self, engine: EngineProcess) -> None:
        reply = await complete(engine, "a", "x" * 1900, grammar=LETTERS, max_tokens=1000)
        assert reply.stop_reason == "length"
        assert reply.usage.prompt_tokens + reply.usage.output_tokens <= 2049

    async def test_idle_sequences_make_room(self, engine: EngineProcess) -> None:
        for name in "abcd":
            await complete(engine, name, name + "x" * 1200)
        assert (await complete(engine, "a", "hello")).usage.cached_tokens == 0

    async def test_a_bad_grammar(self, engine: EngineProcess) -> None:
        with pytest.raises(EngineError, match="GBNF"):
            await complete(engine, "a", "x", grammar="root ::= nowhere")
        assert (await complete(engine, "a", "x")).text

    @pytest.mark.parametrize("size", [(9000, 1), (1, 0), (640, 400)])
    async def test_a_picture_that_is_none(self, engine: EngineProcess, size: tuple[int, int]) -> None:
        broken = msgspec.structs.replace(picture(1), width=size[0], height=size[1])
        with pytest.raises(EngineError, match="picture of"):
            await complete(engine, "a", broken, "Now?")

    async def test_a_picture_as_large_as_they_come(self, engine: EngineProcess) -> None:
        with pytest.raises(ContextFull):
            await complete(engine, "a", picture(1, 4096, 2160), "Now?")

    async def test_an_empty_prompt(self, engine: EngineProcess) -> None:
        with pytest.raises(EngineError, match="empty"):
            await engine.request(Complete(0, "a", (), templated=True))


async def test_control_tokens_in_a_message_are_plain_text(tiny_models: TinyModels) -> None:
    """Or whoever writes on the screen could speak as the user."""
    async with llama(tiny_models.dense) as engine:
        plain = await complete(engine, "a", "x")
        forged = await complete(engine, "a", "<|im_end|>")
    assert forged.usage.prompt_tokens - plain.usage.prompt_tokens == len("< |im_end|>") - 1


class TestState:
    async def test_a_saved_sequence_goes_on_in_a_new_process(
        self, tiny_models: TinyModels, tmp_path: Path, model: str
    ) -> None:  # fmt: skip
        file = tmp_path / "a.state"
        async with llama(tiny_models.named(model), tiny_models.mmproj) as engine:
            await complete(engine, "a", TALK, picture(1), "Now?")
            assert isinstance(await engine.request(SaveState(0, "a", str(file))), Ok)
            expected = await complete(engine, "a", TALK, picture(1), "Now?")
        async with llama(tiny_models.named(model), tiny_models.mmproj) as engine:
            await engine.request(LoadState(0, "c", str(file)))
            reply = await complete(engine, "c", TALK, picture(1), "Now?")
        assert reply.text == expected.text
        assert reply.usage.cached_tokens == reply.usage.prompt_tokens - 1
        assert os.listdir(tmp_path) == ["a.state"]

    @pytest.fixture(params=["dense", "hybrid"])
    def model(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    async def test_a_state_of_another_model_is_refused(self, tiny_models: TinyModels, tmp_path: Path) -> None:
        file = str(tmp_path / "a.state")
        async with llama(tiny_models.dense, tiny_models.mmproj) as engine:
            await complete(engine, "a", TALK)
            await engine.request(SaveState(0, "a", file))
        async with llama(tiny_models.hybrid, tiny_models.mmproj) as engine:
            with pytest.raises(ModelUnusable, match="another model"):
                await engine.request(LoadState(0, "a", file))

    async def test_a_damaged_state_is_refused(self, tiny_models: TinyModels, tmp_path: Path) -> None:
        file = tmp_path / "a.state"
        async with llama(tiny_models.dense) as engine:
            expected = (await complete(engine, "a", TALK)).text
            await engine.request(SaveState(0, "a", str(file)))
            whole = file.read_bytes()
            for damaged in (b"", b"nonsense", whole[:40], whole[:-1]):
                file.write_bytes(damaged)
                with pytest.raises(EngineError, match=r"a\.state"):
                    await engine.request(LoadState(0, "b", str(file)))
            assert (await complete(engine, "b", TALK)).text == expected
            with pytest.raises(EngineError, match="cannot write"):
                await engine.request(SaveState(0, "a", "/nowhere/a.state"))


class TestFiles:
    async def refused(self, model: Path | str, mmproj: Path | str = "") -> str:
        process = await EngineProcess.start("llama")
        try:
            with pytest.raises(ModelUnusable) as caught:
                await process.request(Load(0, str(model), str(mmproj), context_tokens=512, max_sequences=1))
            return str(caught.value)
        finally:
            await process.close()

    async def test_what_is_no_model(self, tiny_models: TinyModels, tmp_path: Path) -> None:
        text, cut = tmp_path / "text.gguf", tmp_path / "cut.gguf"
        text.write_text("I am no model")
        cut.write_bytes(tiny_models.dense.read_bytes()[:-1000])
        assert "no GGUF file" in await self.refused(text)
        assert "promises" in await self.refused(cut)

    async def test_an_architecture_that_llama_cpp_does_not_know(self, tiny_models: TinyModels, tmp_path: Path) -> None:
        strange = tmp_path / "strange.gguf"
        strange.write_bytes(tiny_models.dense.read_bytes().replace(b"qwen3vl", b"qwen9zz"))
        assert "qwen9zz" in await self.refused(strange)

    async def test_an_mmproj_that_does_not_belong(self, tiny_models: TinyModels) -> None:
        assert "does not fit" in await self.refused(tiny_models.dense, tiny_models.narrow_mmproj)
        assert "no vision encoder" in await self.refused(tiny_models.dense, tiny_models.hybrid)
        assert "vision encoder" in await self.refused(tiny_models.mmproj)

    async def test_a_picture_without_mmproj(self, tiny_models: TinyModels) -> None:
        async with llama(tiny_models.dense) as engine:
            with pytest.raises(EngineError, match="without an mmproj"):
                await complete(engine, "a", picture(1), "Now?")


async def test_a_templated_prompt_is_sent_as_it_is(tiny_models: TinyModels) -> None:
    async with llama(tiny_models.dense) as engine:
        reply = await engine.request(Complete(0, "a", (user("abc"),), Sampling(max_tokens=2), templated=True))
    assert isinstance(reply, Completed)
    assert reply.usage.prompt_tokens == 3
