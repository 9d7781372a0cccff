"""General skills: questions over several fields, numbers to set, the n-th of a kind, dragging, capitals."""
# ruff: noqa: E501  (one wording a line)

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from dataclasses import dataclass

from policy_training import lexicon as lx
from policy_training.acting import Episode, Gold, Moment, button, click, finish, text, typing
from policy_training.screens import Item, Rows, Scene

Play = Generator[Moment, Gold, None]
_NTH = ("1st", "2nd", "3rd", "4th", "5th", "6th")
_NTH_WORDS = ("first", "second", "third", "fourth", "fifth", "sixth")
_ENDS = ("Submit", "Submit", "OK", "Done", "Go!", "Send")


_KINDS = (
    "drama",
    "comedy",
    "saga",
    "horror",
    "crime",
    "romance",
    "fantasy",
    "war",
    "music",
    "family",
    "travel",
    "art",
    "history",
    "sport",
)


def _one_word(rng: random.Random) -> str:
    return rng.choice(
        (rng.choice(lx.LAST), rng.choice(lx.FIRST), rng.choice(lx.LOREM), rng.choice(lx.THINGS), lx.gibberish(rng, 4, 8))
    )


def _year(rng: random.Random) -> str:
    return str(rng.randint(1950, 2030))


def _place(rng: random.Random) -> str:
    return rng.choice(lx.PLACES)


def _small(rng: random.Random) -> str:
    return str(rng.randint(1, 90))


Value = Callable[[random.Random], str]
_QUESTIONS: tuple[tuple[tuple[str, ...], tuple[tuple[tuple[str, ...], Value], ...]], ...] = (
    (
        ("Search for {0} movies directed by {1} from year {2}.", "Find {0} films by {1} released in {2}", "Look for a {0} movie from {2} directed by {1}.", "Find movies directed by {1} from year {2} in the {0} genre.", "Show {0} movies of the year {2}, directed by {1}."),
        ((("Genre", "Movie Genre", "Category", "Kind"), _one_word), (("Director", "Director Name", "Directed by", "Made by"), _one_word), (("Year", "Released Date", "Release year", "Movie Year"), _year)),
    ),
    (
        ("Find books by {0} about {1} published in {2}.", "Search for a {1} book written by {0} in {2}", "Look up the author {0}, subject {1}, year {2}."),
        ((("Author", "Author name", "Written by"), _one_word), (("Subject", "Topic", "About", "Genre"), _one_word), (("Year", "Published", "Year of publication"), _year)),
    ),
    (
        ("Book a trip from {0} to {1} for {2} people.", "Find flights from {0} to {1} for {2}", "Travel from {0} to {1} with {2} passengers."),
        ((("From", "From:", "Departure", "Leaving from"), _place), (("To", "To:", "Destination", "Going to"), _place), (("Passengers", "Travellers", "People"), _small)),
    ),
    (
        ("Find a hotel in {0} for {1} nights and {2} guests.", "Search for rooms in {0}, {1} nights, {2} guests", "Book {1} nights in {0} for {2} guests."),
        ((("City", "Where", "Place"), _place), (("Nights", "How long", "Number of nights"), _small), (("Guests", "Persons", "Number of guests"), _small)),
    ),
    (
        ("Search for {0} {1} by {2}.", "Find a {0} {1} made by {2}", "Look for {0} {1} of the brand {2}."),
        ((("Colour", "Color"), lambda rng: rng.choice(("red", "blue", "green", "black", "white", "grey"))), (("Product", "What", "Item"), lambda rng: rng.choice(lx.THINGS)), (("Brand", "Maker", "Brand name"), _one_word)),
    ),
    (
        ("Play {1} by {0} from the album {2}.", "Find the song {1} of {0}, album {2}", "Search for the title {1} by the artist {0} on {2}."),
        ((("Artist", "Singer", "Band"), _one_word), (("Title", "Song", "Track"), _one_word), (("Album", "Record"), _one_word)),
    ),
    (
        ("Find a job as {0} in {1} at {2}.", "Search {0} jobs in {1} with {2}", "Look for work as {0} at {2} in {1}."),
        ((("Job", "Job title", "Position"), _one_word), (("City", "Location", "Where"), _place), (("Company", "Employer"), _one_word)),
    ),
)  # fmt: skip


def question(rng: random.Random) -> Episode:
    """A sentence whose values go into fields that it hardly names: by a related word, or by what is left."""
    wordings, kinds = rng.choice(_QUESTIONS)
    values = [make(rng) for _, make in kinds]
    quote = rng.choice((0.0, 0.0, 0.0, 1.0))
    task = rng.choice(wordings).format(*(lx.quoted(rng, v, quote) for v in values))
    fields = [Item("text_field", label=rng.choice(names), key=f"q{k}") for k, (names, _) in enumerate(kinds)]
    wanted = dict(zip((id(f) for f in fields), values, strict=True))
    shown = list(fields)
    rng.shuffle(shown)
    end = button(rng.choice(("Search", "Find", "Go!", "Submit", "OK", "Look up")))

    def play() -> Play:
        scene = Scene([*([f] for f in shown), [end]])
        while todo := [f for f in fields if not f.text]:
            chosen = yield Moment(scene, [typing(f, wanted[id(f)]) for f in todo])
            if chosen.item is not None:
                chosen.item.text = wanted[id(chosen.item)]
        yield Moment(scene, [click(end)])
        yield finish(scene)

    return Episode(task, play())


@dataclass(slots=True)
class _Part:
    """One demand of a list of them: what the task says, what stands on the page, what is done, and what that changes."""

    said: str
    rows: Rows
    gold: Gold
    done: Callable[[], bool]
    """Carries the demand out; False if there is more to do."""


def _nth(rng: random.Random, k: int) -> str:
    return rng.choice((_NTH, _NTH, _NTH_WORDS))[k]


def _number_part(rng: random.Random) -> _Part:
    """A slider with its number beside or above it, or a spinner with its number in it."""
    low = rng.choice((0, 0, -10, -20, 1))
    high = low + rng.choice((10, 20, 20, 50, 100))
    wanted, start = rng.sample(range(low, high + 1), 2)
    spinner = rng.random() < 0.4
    noun = rng.choice(("spinner", "number field", "counter")) if spinner else "slider"
    said = rng.choice(
        (
            "select {v} with the {n}",
            "set the {n} to {v}",
            "move the {n} to {v}",
            "use the {n} to choose {v}",
            "choose {v} with the {n}",
        )
    ).format(v=wanted, n=noun)
    if spinner:
        control = number = Item("text_field", str(start), label=rng.choice(("", "Select a value:", "Amount")), key="number")
        arrows = [Item("icon", key="arrows")] if rng.random() < 0.6 else []
        rows: Rows = [[control, *arrows]]
    else:
        control, number = Item("slider", key="slider"), text(str(start))
        rows = (
            [[control, number]] if rng.random() < 0.6 else [[number], [control]] if rng.random() < 0.5 else [[control], [number]]
        )
        arrows = []
    gold = Gold("adjust", control, str(wanted))

    def apply() -> bool:
        left = wanted - int(number.text)
        clicked_only = not spinner and rng.random() < 0.3
        number.text = str(rng.randint(low, high) if clicked_only else int(number.text) + max(-14, min(14, left)))
        return int(number.text) == wanted

    return _Part(said, rows, gold, apply)


def _tick_part(rng: random.Random) -> _Part:
    role = rng.choice(("checkbox", "checkbox", "radio"))
    named = rng.random() < 0.3
    items = [
        Item(role, label=lx.gibberish(rng, 2, 6) if named else "", state="unchecked", key=f"{role}{k}")
        for k in range(rng.randint(2, 6))
    ]
    k = rng.randrange(len(items))
    noun = role if role == "checkbox" else "radio button"
    said = rng.choice(("click the {k} {n}", "check the {k} {n}", "tick the {k} {n}", "select the {k} {n}")).format(
        k=_nth(rng, k), n=noun
    )

    def apply() -> bool:
        items[k].state = "checked"
        return True

    return _Part(said, [items] if not named and rng.random() < 0.7 else [[i] for i in items], click(items[k]), apply)


def _field_part(rng: random.Random) -> _Part:
    items = [Item("text_field", key=f"box{k}") for k in range(rng.randint(2, 4))]
    k, value = rng.randrange(len(items)), rng.choice((lx.gibberish(rng), str(rng.randint(1, 999)), rng.choice(lx.FIRST)))
    noun = rng.choice(("textbox", "text field", "input", "input textbox"))
    said = rng.choice(("enter {v} into the {k} {n}", "type {v} in the {k} {n}", "put {v} into the {k} {n}")).format(
        v=lx.quoted(rng, value, 0.8), k=_nth(rng, k), n=noun
    )

    def apply() -> bool:
        items[k].text = value
        return True

    return _Part(said, [[i] for i in items], typing(items[k], value), apply)


def _button_part(rng: random.Random) -> _Part:
    role = rng.choice(("button", "button", "link"))
    items = [Item(role, name, key=f"n{name}") for name in lx.labels(rng, rng.randint(3, 5))]
    k = rng.randrange(len(items))
    said = rng.choice(("click the {k} {n}", "press the {k} {n}")).format(k=_nth(rng, k), n=role)
    return _Part(said, [items], click(items[k]), lambda: True)


def compound(rng: random.Random) -> Episode:
    """Several demands, by number and by place, then a button."""
    makers = rng.sample((_number_part, _number_part, _tick_part, _field_part), rng.randint(1, 3))
    parts = [make(rng) for make in dict.fromkeys(makers)]
    if len(parts) == 1 and rng.random() < 0.3:
        parts = [_button_part(rng)]
    end = button(rng.choice(_ENDS)) if not (len(parts) == 1 and rng.random() < 0.15) else None
    tail = f"{rng.choice(('hit', 'press', 'click'))} {end.text}" if end else ""
    said = [p.said for p in parts]
    task = rng.choice((", ", " and ", ", then ")).join(said) + (
        f"{rng.choice((', then ', ' and ', ', and '))}{tail}" if tail else ""
    )
    order = list(parts)
    rng.shuffle(order)
    rows: Rows = [row for part in order for row in part.rows]
    return Episode(
        task[0].upper() + task[1:] + rng.choice((".", ".", "")), _compound([*rows, [end]] if end else rows, parts, end)
    )


def _compound(rows: Rows, parts: list[_Part], end: Item | None) -> Play:
    scene, todo = Scene(rows), list(parts)
    while todo:
        chosen = yield Moment(scene, [p.gold for p in todo])
        part = next(p for p in todo if p.gold is chosen)
        if part.done():
            todo.remove(part)
    if end is not None:
        yield Moment(scene, [click(end)])
    yield finish(scene)


def drag(rng: random.Random) -> Episode:
    """One thing is dragged onto another, both named, or the smaller into the larger."""
    end = button("Submit") if rng.random() < 0.6 else None
    if rng.random() < 0.5:
        colours = rng.sample(("red", "blue", "green", "yellow", "orange", "purple"), 2)
        form = rng.choice(("square box", "circle", "rectangle box"))
        small, large = (
            Item("image", f"small {colours[0]} colored {form}", key="small"),
            Item("image", f"large {colours[1]} colored {form}", key="large", tall=True),
        )
        noun = form.split()[-1]
        task = rng.choice(
            (f"Drag the smaller {noun} so that it is completely inside the larger {noun}.", f"Drag the small {noun} into the large one.", f"Move the smaller {noun} into the larger {noun}",
             f"Drag the {colours[0]} {noun} onto the {colours[1]} {noun}.")
        )  # fmt: skip
        items = [small, large]
        source, target = items
    else:
        items = [
            Item(rng.choice(("text", "button", "option", "link")), name, key=name) for name in lx.labels(rng, rng.randint(2, 6))
        ]
        source, target = rng.sample(items, 2)
        task = rng.choice(("Drag {a} to {b}.", "Drag {a} onto {b}", "Drag the item {a} into {b}.", "Move {a} onto {b} by dragging.", "Drag {a} and drop it on {b}.")).format(
            a=lx.quoted(rng, source.text, 0.5), b=lx.quoted(rng, target.text, 0.5)
        )  # fmt: skip
    rng.shuffle(items)
    if end is not None and rng.random() < 0.5:
        task = f"{task.rstrip('.')}{rng.choice((' and press Submit.', ', then click Submit.'))}"

    def play() -> Play:
        scene = Scene([*([i] for i in items), *([[end]] if end else [])])
        yield Moment(scene, [Gold("drag", source, drop=target)])
        if end is not None:
            yield Moment(scene, [click(end)])
        yield finish(scene)

    return Episode(task, play())


def capitals(rng: random.Random) -> Episode:
    """A quotation is typed in other letters than it is quoted in."""
    value = rng.choice((lx.gibberish(rng, 3, 9), rng.choice(lx.FIRST), rng.choice(lx.LOREM)))
    upper = rng.random() < 0.5
    right = value.upper() if upper else value.lower()
    box, end = Item("text_field", key="f"), button(rng.choice(_ENDS))
    letters = rng.choice(("upper case", "uppercase", "capital")) if upper else rng.choice(("lower case", "lowercase"))
    task = rng.choice(
        ('Type "{v}" in all {c} letters in the text input and press {e}.', 'Enter "{v}" in {c} letters and press {e}.', 'Write "{v}" into the field in {c} letters, then click {e}')
    ).format(v=value, c=letters, e=end.text)  # fmt: skip

    def play() -> Play:
        scene = Scene([[box], [end]])
        yield Moment(scene, [typing(box, value) if right == value else Gold("type", box, copied=box)])
        box.text = right
        yield Moment(scene, [click(end)])
        yield finish(scene)

    return Episode(task, play())


SCENARIOS = ((question, 1.8), (compound, 2.2), (drag, 0.7), (capitals, 0.4))
