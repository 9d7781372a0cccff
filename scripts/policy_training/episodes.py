"""Plays scenarios and turns every moment of them into a training example."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from edgeagent_models.embedded import features
from edgeagent_models.embedded.candidates import Choice
from edgeagent_models.embedded.deeds import deed_of
from edgeagent_models.embedded.derived import DERIVED_SCORE, with_derived
from edgeagent_models.embedded.fragments import echoed, with_fragments
from edgeagent_models.embedded.frames import without_frames
from edgeagent_models.embedded.instruction import Instruction, parse
from edgeagent_models.embedded.memory import Done, Memory, remember
from edgeagent_models.embedded.phrases import phrase_hits
from edgeagent_models.embedded.text import similarity
from edgeagent_models.protocol import Element
from policy_training import (
    scenarios_apps,
    scenarios_click,
    scenarios_dates,
    scenarios_form,
    scenarios_lists,
    scenarios_more,
    scenarios_skills,
)
from policy_training.acting import Episode, Gold, Moment, Scenario
from policy_training.noise import Noise
from policy_training.samples import Sample, flat_index, valid
from policy_training.screens import Item, Scene, Shot, Style, draw_style, shoot

WEIGHTED: tuple[tuple[Scenario, float], ...] = (
    *scenarios_click.SCENARIOS, *scenarios_form.SCENARIOS, *scenarios_apps.SCENARIOS, *scenarios_more.SCENARIOS,
    *scenarios_skills.SCENARIOS,
    *scenarios_lists.SCENARIOS, *scenarios_dates.SCENARIOS,
)  # fmt: skip
_LONGEST, _LONGEST_LOOK = 40, 4
_ENDS = ("done", "fail", "ask")


@dataclass(slots=True)
class Player:
    """The state of one episode as the policy would have it."""

    rng: random.Random
    instruction: Instruction
    style: Style
    noise: Noise
    echo: str
    memory: Memory
    past: list[Done]
    origin: str
    scrolled: int = 0


def episode_samples(seed: int) -> list[Sample]:
    """All examples of the episode of ``seed``."""
    rng = random.Random(seed)
    scenario = rng.choices([s for s, _ in WEIGHTED], [w for _, w in WEIGHTED])[0]
    episode = scenario(rng)
    chance = rng.random()
    if chance < 0.14:
        return _refusals(rng, seed, episode, rng.choices([s for s, _ in WEIGHTED], [w for _, w in WEIGHTED])[0](rng))
    return list(_played(_player(rng, seed, episode.instruction, scenario.__name__), episode))


def _player(rng: random.Random, seed: int, task: str, origin: str) -> Player:
    style = draw_style(rng)
    echo = task if rng.random() < (0.6 if style.width < 350 else 0.05) else ""
    noise = Noise(seed, rng.choice((0.0, 0.5, 1.0, 1.0, 2.0)))
    return Player(rng, parse(task), style, noise, echo, Memory(), [], origin)


def _played(player: Player, episode: Episode) -> Iterator[Sample]:
    moment = next(episode.play)
    rows = moment.scene.rows
    lost, looks = 0, 0
    for _ in range(_LONGEST):
        if moment.scene.rows is not rows:
            rows, player.scrolled = moment.scene.rows, 0
        shot = _look(player, moment.scene)
        golds = _reachable(player, moment, shot)
        sample, chosen, choice = _example(player, shot, golds if lost < 2 else [Gold("fail")])
        if sample is None or choice is None:
            return
        yield sample
        looks = looks + 1 if chosen.kind in ("page_down", "page_up") else 0
        if looks > _LONGEST_LOOK or lost >= 2 or chosen.kind in _ENDS:
            return
        if lost == 0 and not shot.overflow and chosen.kind not in _ENDS and player.rng.random() < 0.05:
            _note(player, shot, Choice(player.rng.choice(("page_down", "page_down", "wait"))), ok=False)
            continue
        if lost == 0 and player.rng.random() < 0.06 and _stray(player, shot, choice):
            continue
        ok = player.rng.random() > 0.03 and not moment.vain
        lost = 0 if ok or moment.vain else lost + 1
        _note(player, shot, choice, ok)
        if not ok and not moment.vain:
            continue
        if chosen.kind in ("page_down", "page_up"):
            player.scrolled = max(0, player.scrolled + (shot.page_rows if chosen.kind == "page_down" else -shot.page_rows))
            continue
        try:
            moment = episode.play.send(chosen)
        except StopIteration:
            return


def _stray(player: Player, shot: Shot, meant: Choice) -> bool:
    """A wrong attempt at something without a function, of the same kind: nothing comes of it."""
    if meant.element is None or meant.copied is not None:
        return False
    real = set(shot.at.values())
    role = shot.elements[meant.element].role
    idle = [
        j
        for j, e in enumerate(shot.elements)
        if j not in real and (e.role == role or e.role == "text") and e.score > DERIVED_SCORE
    ]
    allowed = [j for j in idle if valid(player.instruction, shot.elements)[flat_index(meant.kind, j, len(shot.elements))]]
    if not allowed:
        return False
    _note(player, shot, replace(meant, element=player.rng.choice(allowed)), ok=False)
    return True


def _look(player: Player, scene: Scene) -> Shot:
    shot = shoot(
        replace(scene, scrolled_rows=min(player.scrolled, max(0, len(scene.rows) - 2))), player.style, player.noise, player.echo
    )
    task = player.instruction.source
    shot.elements = with_derived(task, with_fragments(task, without_frames(shot.elements))[:200])
    return shot


def _reachable(player: Player, moment: Moment, shot: Shot) -> list[Gold]:
    """The right actions that can be taken on what is in view; scrolling if none can."""
    seen = [g for g in moment.golds if g.item is None or id(g.item) in shot.at]
    if seen or moment.scene.overlay:
        return seen
    order = [id(item) for row in moment.scene.rows for item in row]
    first = order.index(id(moment.golds[0].item)) if id(moment.golds[0].item) in order else 0
    top = sum(len(row) for row in moment.scene.rows[: player.scrolled])
    return [Gold("page_up" if first < top else "page_down")]


def _example(player: Player, shot: Shot, golds: list[Gold]) -> tuple[Sample | None, Gold, Choice | None]:
    elements, instruction = shot.elements, player.instruction
    nothing = Gold("fail")
    if not golds or not elements:
        return None, nothing, None
    pairs = [(g, c) for g in golds for c in _choices(g, shot, instruction)]
    allowed = valid(instruction, elements)
    pairs = [(g, c) for g, c in pairs if allowed[flat_index(c.kind, c.element, len(elements))]]
    if not pairs:
        return None, nothing, None
    gold, choice = player.rng.choice(pairs)
    sample = Sample(
        inputs=features.build(instruction, elements, player.memory, player.past),
        allowed=allowed,
        right=sorted({flat_index(c.kind, c.element, len(elements)) for _, c in pairs}),
        origin=player.origin,
    )
    if gold.kind in ("type", "type_focused", "key_named", "adjust"):
        sample.row = choice.element if choice.element is not None else len(elements)
        sample.spans = [c.typed for g, c in pairs if g is gold and c.typed is not None]
        if choice.word is not None:
            sample.spans = [(choice.word, -1)]
        sample.copied = choice.copied if choice.copied is not None else -1
    if choice.drop is not None and choice.element is not None:
        sample.drop = (choice.element, choice.drop)
    return sample, gold, choice


def _choices(gold: Gold, shot: Shot, instruction: Instruction) -> list[Choice]:
    """The candidates that carry out ``gold``: one for each place of its text in the instruction."""
    element = shot.at.get(id(gold.item)) if gold.item is not None else None
    if gold.item is not None and element is None:
        return []
    if gold.kind == "key_named":
        return [Choice("key_named", word=i) for i, w in enumerate(instruction.words) if w.chord and w.text == gold.text]
    if gold.copied is not None:
        at = next((j for j, e in enumerate(shot.elements) if e.score == DERIVED_SCORE), shot.at.get(id(gold.copied)))
        return [Choice(gold.kind, element, copied=at)] if at is not None and shot.elements[at].text else []
    if gold.text:
        return [Choice(gold.kind, element, typed=span) for span in spans_of(instruction, gold.text)]
    if gold.drop is not None:
        return [Choice(gold.kind, element, drop=shot.at[id(gold.drop)])] if id(gold.drop) in shot.at else []
    return [Choice(gold.kind, element)]


def spans_of(instruction: Instruction, wanted: str) -> list[tuple[int, int]]:
    """Word ranges whose text is exactly ``wanted``."""
    found: list[tuple[int, int]] = []
    for start in range(len(instruction.words)):
        for end in range(start, min(start + 30, len(instruction.words))):
            said = instruction.span_text(start, end)
            if said == wanted:
                found.append((start, end))
            if len(said) >= len(wanted):
                break
    return found


def _note(player: Player, shot: Shot, choice: Choice, ok: bool) -> None:
    deed = deed_of(choice, player.instruction, shot.elements, len(player.past), player.past)
    player.memory = remember(player.memory, deed, shot.elements)
    player.past.append(Done(deed, ok))


def _refusals(rng: random.Random, seed: int, asked: Episode, shown: Episode) -> list[Sample]:
    """A task on a screen that has not what it needs: look further down if there is more, then refuse."""
    wanted = next(asked.play)
    scene = next(shown.play).scene if rng.random() < 0.6 else _without(wanted)
    player = _player(rng, seed, asked.instruction, "refusal")
    player.echo = player.echo if rng.random() < 0.5 else ""
    shot = _look(player, scene)
    if not shot.elements or not all(_absent(player.instruction, g.item, shot.elements) for g in wanted.golds):
        return []
    samples: list[Sample] = []
    while shot.overflow and scene.overlay is None and len(samples) < 4:
        sample, _, choice = _example(player, shot, [Gold("page_down")])
        if sample is None or choice is None:
            return samples
        samples.append(sample)
        _note(player, shot, choice, ok=True)
        player.scrolled += shot.page_rows
        shot = _look(player, scene)
    if samples and rng.random() < 0.7:
        _note(player, shot, Choice("page_down"), ok=False)
    sample, _, _ = _example(player, shot, [Gold("fail")])
    return [*samples, sample] if sample is not None else samples


def _without(moment: Moment) -> Scene:
    """The screen with what was to be acted on taken away."""
    gone = {id(g.item) for g in moment.golds}
    rows = [[item for item in row if id(item) not in gone] for row in moment.scene.rows]
    return Scene([row for row in rows if row] or [[Item("text", "Nothing here")]])


def _absent(instruction: Instruction, item: Item | None, elements: tuple[Element, ...]) -> bool:
    """Whether nothing on the screen could be what the task begins with."""
    if item is None or not (item.text or item.label):
        return False
    if item.role in ("text_field", "select") and any(e.role == item.role and not e.label for e in elements):
        return False
    if item.role == "button" and any(e.role == "button" and not e.text for e in elements):
        return False
    hidden = echoed(instruction.source, elements)
    seen = [t for j, e in enumerate(elements) if j not in hidden for t in (e.text, e.label) if t]
    name = item.label or item.text
    if any(similarity(name, t) > 0.5 or name.casefold() in t.casefold() for t in seen):
        return False
    return not any(hit.score > 0.8 for t in seen for hit in phrase_hits(instruction.source, t) if len(t) > 2)
