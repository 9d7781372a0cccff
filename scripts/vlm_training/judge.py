"""How often the network in training clicks right, by greedy decoding on screens that it never saw."""

from __future__ import annotations

import numpy as np
import torch

from vlm_training.answers import ANSWER_TOKENS
from vlm_training.batches import Asked, pack
from vlm_training.losses import HINTED_LAYER
from vlm_training.network import TinyVLM
from vlm_training.papers import NEAR, Paper, distance, exam, group, read_point
from vlm_training.tokens import Language


@torch.no_grad()
def answers(net: TinyVLM, language: Language, papers: list[Paper]) -> list[str]:
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
        hit = distance(read_point(answer, size), thing, size) < NEAR
        for heading in ("all", group(thing)):
            hits.setdefault(heading, []).append(hit)
    net.train()
    return {heading: f"{sum(found)}/{len(found)}" for heading, found in sorted(hits.items())}
