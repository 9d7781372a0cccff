"""The training loop: bounded by wall time, from nothing or from its own checkpoint."""

from __future__ import annotations

import json
import math
import random
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from vlm_training.answers import ANSWER_TOKENS
from vlm_training.batches import Batch, draw
from vlm_training.judge import shares
from vlm_training.losses import CellHead, losses, seeing
from vlm_training.network import TinyVLM
from vlm_training.shape import SIZES_PX, Shape
from vlm_training.tokens import Language

_PIXELS_A_BATCH = 16 * 320 * 224
_QUESTIONS = 7
"""For a picture of 320x224; larger ones, of which there are fewer in a batch, are asked more."""
_RATES = (4e-3, 2e-3)
"""Of the matrices inside (Muon), and of everything else (AdamW)."""
_WARM_UP_STEPS = 40
_DECAYS_FROM = 0.45
_AIDED = (0.45, 0.85)
"""Shares of the time at which the helps begin to fade, and are gone."""
_JUDGE_EVERY_S = 900.0
_READS_UNTIL = 0.17
"""Share of the time in which the encoder learns alone what is to be seen, which costs less than half."""
_READING_SIZES = ((192, 160), (256, 192))
_FIRST_SIZES = ((192, 160), (256, 192), (320, 224))
_LEAST_PIXELS, _MOST_PIXELS = 320 * 224, 640 * 448
_ANY_SIZE = 0.45
"""Share of batches at a size by dice, once larger pictures are drawn at all."""
_LOG_SHAPES = (math.log(0.45), math.log(4.5))
"""Of width to height: a telephone's screen to two monitors in a row."""
_ONLY_SMALL_UNTIL = 0.27
"""Share of the time after which pictures are no longer small alone; those hold fewer things and cost less."""


@dataclass(slots=True)
class Progress:
    """Where the training stands; kept with the checkpoint, so that going on keeps the schedule."""

    steps: int = 0
    pictures: int = 0
    spent_s: float = 0.0


class Trainer:
    """One run. ``budget_s`` is the wall time of all runs on this checkpoint together."""

    def __init__(self, shape: Shape, language: Language, checkpoint: Path, budget_s: float, seed: int) -> None:
        torch.manual_seed(seed)
        self.shape, self.language, self.checkpoint, self.budget_s = shape, language, checkpoint, budget_s
        self.net, self.cells, self.progress = TinyVLM(shape), CellHead(shape), Progress()
        self.optimizers = _optimizers(self.net, self.cells)
        if checkpoint.is_file():
            self._resume()
        self.rng = random.Random(f"{seed}/{self.progress.steps}")

    def run(self) -> TinyVLM:
        began, at_start = time.monotonic(), self.progress.spent_s
        judged, told = self.progress.spent_s, 0.0
        each = torch.zeros(ANSWER_TOKENS)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
        try:
            while self.progress.spent_s < self.budget_s:
                each = each * 0.95 + self._step() * 0.05
                self.progress.spent_s = at_start + time.monotonic() - began
                if self.progress.spent_s - told > 20:
                    told = self.progress.spent_s
                    self._say(loss=[round(value, 2) for value in each.tolist()])
                if self.progress.spent_s - judged > _JUDGE_EVERY_S:
                    judged = self.progress.spent_s
                    self._save()
                    for size in SIZES_PX[::2]:
                        self._say(size=size, right=shares(self.net, self.language, size, 48))
        finally:
            self._save()
        return self.net

    def _step(self) -> torch.Tensor:
        done = self.progress.spent_s / self.budget_s
        batch = self._batch(done)
        loss, each = self._loss(batch, done)
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        share = min(1.0, (self.progress.steps + 1) / _WARM_UP_STEPS)
        share *= 1 - 0.98 * max(0.0, done - _DECAYS_FROM) / (1 - _DECAYS_FROM)
        for optimizer, rate in zip(self.optimizers, _RATES, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * share
            optimizer.step()
            optimizer.zero_grad()
        self.progress.steps += 1
        self.progress.pictures += len(batch.pictures)
        return each

    def _batch(self, done: float) -> Batch:
        size = self._size(done)
        count = max(4, _PIXELS_A_BATCH // (size[0] * size[1]))
        reads = done < _READS_UNTIL
        questions = 1 if reads else round(_QUESTIONS * max(1.0, size[0] * size[1] / (320 * 224)) ** 0.5)
        return draw(self.rng, self.language, self.shape, size, count, questions, reads)

    def _loss(self, batch: Batch, done: float) -> tuple[torch.Tensor, torch.Tensor]:
        """What to make smaller, and the loss of each token of an answer (of everything, while the encoder learns alone)."""
        with torch.autocast("cpu", torch.bfloat16):
            if done < _READS_UNTIL:
                loss = seeing(self.net, self.cells, batch)
                return loss, loss.detach().expand(ANSWER_TOKENS)
            aid = min(1.0, max(0.0, (_AIDED[1] - done) / (_AIDED[1] - _AIDED[0])))
            answers, helps, each = losses(self.net, self.cells, self.language, batch, aid > 0)
            return answers + aid * helps, each

    def _size(self, done: float) -> tuple[int, int]:
        """Small ones first; then the five, and at times any multiple of a cell."""
        if done < _READS_UNTIL:
            return self.rng.choice(_READING_SIZES)
        if done < _ONLY_SMALL_UNTIL:
            return self.rng.choice(_FIRST_SIZES)
        if self.rng.random() < _ANY_SIZE:
            area = self.rng.uniform(_LEAST_PIXELS, _MOST_PIXELS)
            width = round(math.sqrt(area * math.exp(self.rng.uniform(*_LOG_SHAPES))) / 32) * 32
            return width, round(area / width / 32) * 32
        return self.rng.choices(SIZES_PX, weights=(4, 3, 3, 3, 3))[0]

    def _say(self, **what: object) -> None:
        where = {"spent_s": round(self.progress.spent_s), "steps": self.progress.steps, "pictures": self.progress.pictures}
        print(json.dumps({**where, **what}), flush=True)

    def _save(self) -> None:
        state = {
            "net": self.net.state_dict(),
            "cells": self.cells.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "progress": (self.progress.steps, self.progress.pictures, self.progress.spent_s),
        }
        unfinished = self.checkpoint.with_suffix(".part")
        torch.save(state, unfinished)
        unfinished.replace(self.checkpoint)

    def _resume(self) -> None:
        state = torch.load(self.checkpoint)
        self.net.load_state_dict(state["net"])
        self.cells.load_state_dict(state["cells"])
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        self.progress = Progress(*state["progress"])


def _optimizers(net: TinyVLM, cells: CellHead) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside, AdamW for embeddings, norms, biases and the heads."""
    inner = [p for name, p in net.named_parameters() if p.ndim == 2 and "embed" not in name]
    chosen = set(map(id, inner))
    outer = [p for p in [*net.parameters(), *cells.parameters()] if id(p) not in chosen]
    return [
        torch.optim.Muon(inner, lr=_RATES[0], weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(outer, lr=_RATES[1], weight_decay=0.0, betas=(0.9, 0.98), fused=True),
    ]
