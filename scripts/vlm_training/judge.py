"""How often the network in training clicks right, by greedy decoding on screens that it never saw."""

from __future__ import annotations

import math
import random
import re

import numpy as np
import torch

from vlm_training.batches import ANSWER_TOKENS, Asked, pack
from vlm_training.losses import HINTED_LAYER
from vlm_training.network import TinyVLM
from vlm_training.scenes import Painter, Scene, Thing
from vlm_training.tokens import Language

NEAR = 0.03
"""Of a screen's diagonal: a click this close counts."""
_ANSWER = re.compile(r"(\d{3}),(\d{3})")


def exam(seed: int, size: tuple[int, int], count: int, scale: float = 1.0) -> list[tuple[Scene, Thing, str]]:
    """``count`` screens, each with a thing and the question for it; held-out pairs and labels among them."""
    rng = random.Random(seed)
    papers: list[tuple[Scene, Thing, str]] = []
    while len(papers) < count:
        scene = Painter(rng, *size, scale, held_out=True).scene()
        if not scene.things:
            continue
        kind = rng.choice(sorted({thing.kind for thing in scene.things} | {"shape"}))
        of_kind = [thing for thing in scene.things if thing.kind == kind]
        if of_kind:
            thing = rng.choice(of_kind)
            papers.append((scene, thing, thing.question(rng)))
    return papers


def distance(answer: str, thing: Thing, size: tuple[int, int]) -> float:
    """From the answered point to ``thing``, as a share of the screen's diagonal; 9 for no answer."""
    found = _ANSWER.search(answer)
    if found is None:
        return 9.0
    x, y = (int(text) / 1000 * side for text, side in zip(found.groups(), size, strict=True))
    return math.hypot(x - thing.x, y - thing.y) / math.hypot(*size)


@torch.no_grad()
def answers(net: TinyVLM, language: Language, papers: list[tuple[Scene, Thing, str]]) -> list[str]:
    """Greedy answers to ``papers``, which are all of one size."""
    pictures = torch.from_numpy(np.stack([scene.pixels for scene, _, _ in papers]))
    rows, columns = pictures.shape[1] // net.shape.cell_px, pictures.shape[2] // net.shape.cell_px
    before = net.embedded(torch.tensor(language.before_picture))[None].expand(len(papers), -1, -1)
    said: list[list[int]] = [[] for _ in papers]
    with torch.autocast("cpu", torch.bfloat16):
        seen = net.seen(pictures).float()
        for _ in range(ANSWER_TOKENS - 1):
            lines = [language.question(question) + line for (_, _, question), line in zip(papers, said, strict=True)]
            packed = pack(language, rows, columns, [Asked([line], [[]]) for line in lines])
            x = torch.cat([before, seen, net.embedded(packed.tokens)], 1)
            logits, _ = net.read(x, packed.places, packed.mask, packed.asked, HINTED_LAYER)
            for line, token in zip(said, logits.argmax(-1).tolist(), strict=True):
                line.append(token)
    return [language.tokenizer.decode(line) for line in said]


def shares(net: TinyVLM, language: Language, size: tuple[int, int], count: int, seed: int = 999) -> dict[str, str]:
    """``right/asked`` over all, and for each kind of thing, held-out ones apart."""
    net.eval()
    papers = exam(seed, size, count)
    hits: dict[str, list[bool]] = {}
    for (_, thing, _), answer in zip(papers, answers(net, language, papers), strict=True):
        hit = distance(answer, thing, size) < NEAR
        for group in ("all", f"{thing.kind}{' held out' if thing.held_out else ''}"):
            hits.setdefault(group, []).append(hit)
    net.train()
    return {group: f"{sum(found)}/{len(found)}" for group, found in sorted(hits.items())}
