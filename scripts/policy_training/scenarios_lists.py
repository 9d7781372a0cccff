"""Lists: long ones, entries with small pictures to press, the smallest or largest of several numbers."""
# ruff: noqa: E501  (one wording a line)

from __future__ import annotations

import random
from collections.abc import Generator

from policy_training import lexicon as lx
from policy_training.acting import Episode, Gold, Moment, button, click, finish, text
from policy_training.screens import Item, Rows, Scene

Play = Generator[Moment, Gold, None]
_ENDS = ("Submit", "Submit", "OK", "Done", "Go!", "Send")


def long_list(rng: random.Random) -> Episode:
    """Entries of a list box of which only a part shows: the further ones with ctrl held, the hidden ones after scrolling."""
    size = rng.randint(3, 6)
    options = [Item("option", o, key=o) for o in rng.sample([*lx.FIRST, *lx.PLACES], size + rng.randint(1, 8))]
    wanted = rng.sample(options, rng.randint(1, 3))
    end = button(rng.choice(_ENDS))
    task = rng.choice(
        ("Select {} from the scroll list and click {}.", "Choose {} in the list and press {}.", "Mark {} in the list, then click {}", "Pick {} in the list box and hit {}.")
    ).format(lx.listed(rng, [o.text for o in wanted]), end.text)  # fmt: skip
    bar = [Item("icon", key="up"), Item("icon", key="down")] if rng.random() < 0.5 else []

    def play() -> Play:
        at, todo = 0, list(wanted)
        while todo:
            view = options[at : at + size]
            scene = Scene([*([o] for o in view), *([bar] if bar else []), [end]])
            kind = "click" if len(todo) == len(wanted) else "ctrl_click"
            seen = [o for o in todo if o in view]
            down = any(options.index(o) >= at + size for o in todo)
            golds = [Gold(kind, o) for o in seen] or [Gold("scroll_down" if down else "scroll_up", o) for o in view]
            chosen = yield Moment(scene, golds)
            if chosen.kind in ("scroll_down", "scroll_up"):
                at = max(0, min(len(options) - size, at + (size if chosen.kind == "scroll_down" else -size)))
            elif chosen.item is not None:
                chosen.item.state = "selected"
                todo.remove(chosen.item)
        yield Moment(scene, [click(end)])
        yield finish(scene)

    return Episode(task, play())


_ROW_ICONS = {
    "star": ("click the star icon", "mark it as important", "star it", "click the star icon to mark it as important"),
    "trash": ("delete it", "click the trash icon", "click the trash icon to delete it", "move it to the trash"),
    "reply": ("click the reply icon", "reply to it", 'click on the "Reply" button'),
    "share": ("share it", 'click on the "Share" button'),
    "like": ("like it", 'click on the "Like" button'),
    "retweet": ("retweet it", 'click on the "Retweet" button'),
}
_MENU = ("Report", "Block", "Mute", "Embed Tweet", "Copy link", "Share via DM", "Hide", "Pin", "Translate")


def _entries(rng: random.Random, heads: list[Item], icons: list[list[Item]], social: bool) -> Rows:
    """The list: icons in the first or second line of a message, or below a post."""
    line, rows = rng.choice((0, 0, 1)), []
    for head, signs in zip(heads, icons, strict=True):
        lines = [[head], [text(lx.lorem(rng, 1, 5).capitalize() + ".")]]
        if social:
            rows += [[head, text(f"{rng.randint(2, 20)}h ago")] if rng.random() < 0.3 else [head], lines[1], signs]
        else:
            lines[line] += signs
            rows += [*lines, [text(lx.lorem(rng, 2, 4) + "..")]]
    return rows


def row_icons(rng: random.Random) -> Episode:
    """A list in which each entry has small pictures to press, one of which may open a menu."""
    names = rng.sample(lx.FIRST, rng.randint(2, 4))
    who = rng.randrange(len(names))
    kinds = rng.choice(
        (
            ["star", "trash"],
            ["star", "trash"],
            ["reply", "retweet", "like", "more"],
            ["reply", "retweet", "like", "more"],
            ["like", "share"],
        )
    )
    kind = rng.choice(kinds)
    icons = [[Item("icon", k, key=f"{n}{k}") for k in kinds] for n in names]
    social = "like" in kinds
    handles = [f"@{n.lower()}" for n in names]
    shown = [
        f"{rng.choice(lx.FIRST)} {h}{rng.choice(('', ' · 9h ago', '·12h ago'))}" if rng.random() < 0.5 else h for h in handles
    ]
    heads = [text(s) for s in (shown if social else names)]
    rows = _entries(rng, heads, icons, social)
    entry = rng.choice(_MENU)
    deed = f'click on the "{entry}" button' if kind == "more" else rng.choice(_ROW_ICONS[kind])
    start = (
        rng.choice(("For the user {}, ", "Find the post by {} and "))
        if social
        else rng.choice(("Find the email by {} and ", "Find the message from {} and ", "In the mail by {}, "))
    )
    task = f"{start.format(handles[who] if social else names[who])}{deed}."
    if not social and rng.random() < 0.3:
        task = rng.choice(
            ("Delete the email from {}.", "Delete {}'s message")
            if kind == "trash"
            else ("Mark the email from {} as important.", "Star {}'s mail.")
        ).format(names[who])

    def play() -> Play:
        target = icons[who][kinds.index(kind)]
        yield Moment(Scene(rows), [click(target)])
        if kind == "more":
            menu = [
                Item(rng.choice(("option", "text", "menu_item")), m, key=m)
                for m in dict.fromkeys([*rng.sample(_MENU, rng.randint(2, 5)), entry])
            ]
            rng.shuffle(menu)
            yield Moment(Scene(rows, [[m] for m in menu], under=target), [click(m) for m in menu if m.text == entry])
        yield finish(Scene(rows))

    return Episode(task, play())


def extreme(rng: random.Random) -> Episode:
    """The smallest or the largest number, or price."""
    count = rng.randint(2, 6)
    money = rng.random() < 0.5
    lowest = rng.random() < 0.5
    values = rng.sample(range(1, 2000 if money else 120), count)
    words = rng.choice(("Book for ${}", "${}", "Buy: ${}", "€{}")) if money else "{}"
    role = rng.choice(("button", "button", "text", "link")) if money else rng.choice(("text", "button", "image"))
    items = [Item("text" if role == "image" else role, words.format(v), key=f"v{v}") for v in values]
    right = items[values.index(min(values) if lowest else max(values))]
    end = button("Submit") if rng.random() < 0.3 else None
    if money:
        what = (
            rng.choice(("the ticket with the cheapest cost", "the cheapest one", "the lowest price"))
            if lowest
            else rng.choice(("the most expensive one", "the highest price"))
        )
        task = f"{rng.choice(('Buy', 'Choose', 'Click on', 'Pick'))} {what}"
    else:
        which = rng.choice(("smallest", "lowest")) if lowest else rng.choice(("greatest", "largest", "highest"))
        task = rng.choice(
            ("Click on the {} number", "Choose the {} number", "Find and pick the card with the {} number", "Click the {} number")
        ).format(which)
    task += rng.choice((", then press submit.", " and click Submit.")) if end else "."

    def play() -> Play:
        rows: Rows = []
        for item in items:
            rows += [[text(f"Duration: {rng.randint(1, 20)}h {rng.randint(1, 59)}m")]] if money and rng.random() < 0.5 else []
            rows.append([item])
        scene = Scene([*rows, *([[end]] if end else [])])
        yield Moment(scene, [click(right)])
        if end is not None:
            yield Moment(scene, [click(end)])
        yield finish(scene)

    return Episode(task, play())


SCENARIOS = ((long_list, 0.9), (row_icons, 1.2), (extreme, 0.6))
