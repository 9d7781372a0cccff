"""Dates: typed into a field, or picked in the calendar that it opens."""
# ruff: noqa: E501  (one wording a line)

from __future__ import annotations

import random
from collections.abc import Generator

from policy_training import lexicon as lx
from policy_training.acting import Episode, Gold, Moment, button, click, finish, typing
from policy_training.screens import Item, Scene

Play = Generator[Moment, Gold, None]
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def _calendar(rng: random.Random, scene: Scene, box: Item, said: str) -> Play:
    """What was typed opened a calendar: its months are turned until the day shows. The way there is a link that says the date."""
    for turn in range(rng.randint(1, 6)):
        way = Item("link", said, key=f"way{turn}")
        signs = [Item("icon", key="previous"), Item("icon", key="next")]
        signs[rng.randrange(2)] = way
        title = Item("text", f"{rng.choice(_MONTHS)} {rng.randint(2010, 2028)}", key="title")
        cells = [Item(rng.choice(("button", "link", "text")), str(d), key=f"d{d}") for d in range(1, 29)]
        last = rng.random() < 0.3
        head = [signs[0], title, signs[1]] if not last else [Item("icon", key="previous"), title, Item("icon", key="next")]
        if last:
            cells[rng.randrange(len(cells))] = way
        weeks = [cells[k : k + 7] for k in range(0, 28, 7)]
        yield Moment(Scene(scene.rows, [head, *weeks], under=box), [click(way)])
        if last:
            return


def enter_date(rng: random.Random) -> Episode:
    said = lx.spell_day(rng, lx.day(rng))
    box, end = (
        Item(
            "text_field",
            rng.choice(("mm/dd/yyyy", "mm/dd/yyyy", "", "", "dd.mm.yyyy")),
            label=rng.choice(("", "", "Date")),
            key="d",
        ),
        button("Submit"),
    )
    task = rng.choice(
        ("Enter {d} as the date and hit submit.", "Set the date to {d} and press Submit.", "Pick {d} and click submit.", "Type the date {d}, then submit.",
         "Choose {d} as the date and press submit")
    ).format(d=lx.quoted(rng, said, 0.3))  # fmt: skip

    def play() -> Play:
        scene = Scene([[box], [end]])
        yield Moment(scene, [typing(box, said)])
        if not box.text and rng.random() < 0.6:
            yield from _calendar(rng, scene, box, said)
        box.text = said
        yield Moment(scene, [click(end)])
        yield finish(scene)

    return Episode(task, play())


SCENARIOS = ((enter_date, 1.4),)
