"""What training asks of the model: the answer, and, fading out, what each cell holds and where a question should look."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from vlm_training.answers import ANSWER_TOKENS, SOFT
from vlm_training.batches import GLYPH_COLUMNS, Batch, Labels
from vlm_training.network import Looked, TinyVLM
from vlm_training.reading import WordHead
from vlm_training.shape import Shape
from vlm_training.tokens import Language
from vlm_training.wording import COLOURS, LETTERS, SHAPES

HINTED_LAYER = 2
_HINTED_HEADS = (0, 2)
_DIGIT_WEIGHTS = (1.0, 1.0, 0.1, 0.1, 1.0, 1.0, 0.1, 0.1)
"""Hundreds and tens decide whether a click hits; the rest is learned by itself."""
_CLASSES = (1 + len(SHAPES), 1 + len(COLOURS), 1 + len(LETTERS), 2)
_GLYPHS = 1 + len(LETTERS)
_FOUND_WEIGHT = 3.0
_CONTENTS_WEIGHT, _GLYPHS_WEIGHT, _SEEN_WORDS_WEIGHT = 0.5, 1.5, 0.4
_HINT_WEIGHT, _HEARD_WORDS_WEIGHT = 0.3, 0.15


class CellHead(nn.Module):
    """Reads off each picture token what its cell holds, and labels off pictures and questions; thrown away after training."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.read = nn.Linear(shape.width, sum(_CLASSES) + 4 + GLYPH_COLUMNS * _GLYPHS)
        self.seen_words = WordHead(shape.width)
        self.heard_words = WordHead(shape.width)

    def forward(self, seen: Tensor, labels: Labels) -> Tensor:
        said = self.read(seen).float()
        *classes, places, glyphs = said.split((*_CLASSES, 4, GLYPH_COLUMNS * _GLYPHS), -1)
        loss = said.new_zeros(())
        for number, logits in enumerate(classes):
            weights = torch.full((logits.shape[-1],), _FOUND_WEIGHT)
            weights[0] = 1.0
            loss = loss + functional.cross_entropy(logits.flatten(0, 1), labels.contents[..., number].flatten(), weight=weights)
        found = labels.contents.sum(-1) > 0
        loss = loss + 2 * functional.smooth_l1_loss(places[found], labels.offsets[found])
        loss = _CONTENTS_WEIGHT * loss + _SEEN_WORDS_WEIGHT * self.seen_words(seen, labels.words)
        written = labels.glyphs.sum(-1) > 0
        if written.any():
            letters = glyphs[written].view(-1, _GLYPHS)
            loss = loss + _GLYPHS_WEIGHT * functional.cross_entropy(letters, labels.glyphs[written].flatten())
        return loss


def seeing(net: TinyVLM, cells: CellHead, batch: Batch) -> Tensor:
    """The loss of the encoder alone, without which there is nothing to ask about."""
    return cells(net.seen(batch.pictures), batch.labels)


def losses(net: TinyVLM, cells: CellHead, language: Language, batch: Batch, aided: bool) -> tuple[Tensor, Tensor, Tensor]:
    """The loss of the answers, of the helps (0 unless ``aided``), and of each token of an answer ``(8,)``."""
    packed, count = batch.packed, len(batch.pictures)
    before = torch.tensor(language.before_picture)
    seen = net.seen(batch.pictures)
    x = torch.cat([net.embedded(before)[None].expand(count, -1, -1), seen.float(), net.embedded(packed.tokens)], 1)
    logits, looked = net.read(x, packed.places, packed.mask, packed.asked, HINTED_LAYER)
    each = functional.cross_entropy(logits.float(), batch.wanted, reduction="none").view(-1, ANSWER_TOKENS)
    said = logits.float().view(-1, ANSWER_TOKENS, logits.shape[-1])[:, list(SOFT)].log_softmax(-1)
    each[:, list(SOFT)] = -(said[..., language.digits] * batch.bells).sum(-1)
    weights = torch.tensor(_DIGIT_WEIGHTS)
    answers = (each * weights).sum(1).mean() / weights.sum()
    helps = _helps(cells, seen, looked, batch, len(before)) if aided else answers.new_zeros(())
    return answers, helps, each.detach().mean(0)


def _helps(cells: CellHead, seen: Tensor, looked: Looked, batch: Batch, first: int) -> Tensor:
    hint = _hint(looked.queries, looked.keys, batch, first)
    return cells(seen, batch.labels) + _HINT_WEIGHT * hint + _HEARD_WORDS_WEIGHT * cells.heard_words(looked.x, batch.words)


def _hint(queries: Tensor, keys: Tensor, batch: Batch, first: int) -> Tensor:
    """How far two heads are from looking, wherever an answer's token is due, at the cell of what was asked for."""
    mask = batch.packed.mask
    count, _, tokens, width = queries.shape
    at = (batch.packed.asked % tokens).view(count, -1)  # (B, K * 8)
    heads = list(_HINTED_HEADS)
    asking = queries[:, heads].float().gather(2, at[:, None, :, None].expand(-1, len(heads), -1, width))
    scores = asking @ keys[:, heads].float().transpose(-1, -2) * width**-0.5
    may = mask[:, 0].gather(1, at[..., None].expand(-1, -1, tokens))
    target = (first + batch.cells.view(count, -1)).repeat_interleave(ANSWER_TOKENS, 1)
    chosen = scores.masked_fill(~may[:, None], -1e4).log_softmax(-1)
    return -chosen.gather(-1, target[:, None, :, None].expand(-1, len(heads), -1, 1)).mean()
