"""``edgeagent models fit``: what a step of a model would cost here, before anything is downloaded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from edgeagent.bench.step.fitting import Rates
    from edgeagent.bench.step.synthetic import Synthetic

SCREEN_PX = 1280, 800


@click.command()
@click.argument("name", metavar="NAME[:QUANT]")
@click.option("--image-tokens", type=click.IntRange(0, 4096), default=0, help="Scale screens down to about this many tokens.")
@click.option("--reply-tokens", type=click.IntRange(1, 1024), default=48, show_default=True, help="Length of a reply.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def fit(name: str, image_tokens: int, reply_tokens: int, output: str) -> None:
    """Predict the step time of NAME from a short probe of random weights in its exact shape, made on the spot."""
    import msgspec

    from edgeagent.bench.step.fitting import keep, probe
    from edgeagent.bench.step.synthetic import made, named
    from edgeagent.bench.step.variants import Shaping

    wanted = named(name)
    choice = asyncio.run(made(wanted, lambda line: click.echo(line, err=True)))
    rates = asyncio.run(probe(choice, Shaping(reply_tokens, image_tokens), SCREEN_PX))
    keep(rates, wanted.directory, image_tokens)
    if output == "json":
        click.echo(msgspec.json.encode({"model": wanted.label, "mean_step_ms": rates.mean_step_ms, "rates": rates}).decode())
        return
    for line in lines(wanted, rates, image_tokens):
        click.echo(line)


def lines(wanted: Synthetic, rates: Rates, image_tokens: int) -> list[str]:
    """The prediction in words."""
    bound = f" --image-tokens {image_tokens}" if image_tokens else ""
    fits = "fits" if rates.engine_mb < rates.available_mb else "DOES NOT FIT without swapping"
    doubt = [f"{rates.doubt}: all times are too high, run it again while nothing else runs"] if rates.doubt else []
    return [
        f"{wanted.label} on {rates.machine}; load average {rates.load_average:g} before, {rates.load_after:g} after",
        *doubt,
        f"a step takes about {rates.mean_step_ms / 1000:.1f} s: {rates.next_step_ms / 1000:.1f} s where the prompt only grew, "
        f"somewhat more where old screenshots are dropped, {rates.first_step_ms / 1000:.1f} s for the first",
        f"at {rates.image_tokens} tokens a picture, {rates.reply_tokens} tokens a reply: encoding a picture "
        f"{rates.encode_ms_per_image_token * rates.image_tokens:.0f} ms, prefill {rates.prefill_ms_per_token:.2f} ms a token, "
        f"decoding {rates.decode_ms_per_token:.1f} ms a token",
        f"memory: {rates.engine_mb:.0f} MB of {rates.available_mb:.0f} MB available: {fits}",
        f"compare with: edgeagent bench step --synthetic {wanted.name}:{wanted.quantization}{bound}",
    ]
