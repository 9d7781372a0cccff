"""Smaller skills: copying, tables, sums, the k-th word, kinds of widgets, several choices in a list, text areas, mail."""
# ruff: noqa: E501  (one wording a line)

from __future__ import annotations

import random
from collections.abc import Generator

from edgeagent_models.protocol import Role
from policy_training import lexicon as lx
from policy_training.acting import Episode, Gold, Moment, button, click, finish, paragraph, text, typing
from policy_training.screens import Item, Rows, Scene

Play = Generator[Moment, Gold, None]


_COPY_ONE = (
    "Copy the text in the textarea below, paste it into the textbox and press Submit.", "Copy the text from the text area into the text field and press Submit",
    "Copy and paste the text into the box, then click Submit.",
)  # fmt: skip
_COPY_NTH = (
    "Copy the text from the {} text area below and paste it into the text input, then press Submit.", "Copy the {} text into the last field and press Submit",
    "Copy what stands in the {} text area, paste it into the empty textbox and click Submit.",
)  # fmt: skip


def copy_paste(rng: random.Random) -> Episode:
    count = 1 if rng.random() < 0.6 else rng.randint(2, 4)
    areas = [Item("text_field", lx.lorem(rng, 4, 12), key=f"source{k}", wide=True, tall=count == 1) for k in range(count)]
    place = rng.randrange(count)
    source = areas[place]
    target, end = Item("text_field", key="target"), button("Submit")
    nth = ("1st", "2nd", "3rd", "4th")[place] if rng.random() < 0.5 else ("first", "second", "third", "fourth")[place]
    below = count > 1 or rng.random() < 0.6
    task = rng.choice(_COPY_ONE) if count == 1 else rng.choice(_COPY_NTH).format(nth)
    rows: Rows = [*([a] for a in areas), [target], [end]] if below else [[target], [source], [end]]

    def play() -> Play:
        scene = Scene(rows)
        for gold in (click(source), Gold("ctrl+a"), Gold("ctrl+c"), click(target), Gold("ctrl+v")):
            yield Moment(scene, [gold])
        target.text = source.text
        yield Moment(scene, [click(end)])
        yield finish(scene)

    return Episode(task, play())


def table(rng: random.Random) -> Episode:
    """A value is looked up and typed."""
    heads = rng.sample(
        ("First name", "Last name", "Year", "Colour", "Language", "Country", "Religion", "Gender", "Size", "Code"),
        rng.randint(3, 8),
    )
    cells = [
        rng.choice((rng.choice(lx.FIRST), rng.choice(lx.PLACES), str(rng.randint(1900, 2030)), rng.choice(lx.THINGS)))
        for _ in heads
    ]
    k = rng.randrange(len(heads))
    value = text(cells[k])
    box, end = Item("text_field", key="v"), button(rng.choice(("Submit", "OK")))
    rows: Rows = [[text(h), value if i == k else text(c)] for i, (h, c) in enumerate(zip(heads, cells, strict=True))]
    task = rng.choice(
        ("Enter the value of {h} into the text field and press {e}.", "Look up {h} in the table, type it into the field and press {e}", "Type the value for {h} and click {e}.")
    ).format(h=lx.quoted(rng, heads[k], 0.3), e=end.text)  # fmt: skip

    def play() -> Play:
        scene = Scene([*rows, [box], [end]])
        yield Moment(scene, [Gold("type", box, copied=value)])
        box.text = value.text
        yield Moment(scene, [click(end)])
        yield finish(scene)

    return Episode(task, play())


def arithmetic(rng: random.Random) -> Episode:
    a, b = rng.randint(0, 99), rng.randint(0, 20)
    sign = rng.choice("+-x")
    shown = text(f"{a} {sign} {b} {rng.choice(('=', '', '= ?'))}".strip())
    box, end = Item("text_field", key="v"), button(rng.choice(("Submit", "OK")))
    task = rng.choice(
        (
            "Solve the math problem and type your answer into the textbox. Press submit when done.",
            "Type the result and press Submit.",
            "Calculate and enter the answer, then submit",
        )
    )

    def play() -> Play:
        scene = Scene([[shown], [box], [end]] if rng.random() < 0.5 else [[shown, box], [end]])
        yield Moment(scene, [Gold("type", box, copied=shown)])
        box.text = str({"+": a + b, "-": a - b, "x": a * b}[sign])
        yield Moment(scene, [click(end)])
        yield finish(scene)

    return Episode(task, play())


def kth_word(rng: random.Random) -> Episode:
    prose = lx.lorem(rng, 6, 20)
    count = len(prose.split())
    k = rng.choice((0, rng.randint(1, min(count, 9)), rng.randint(1, count)))
    nth = "last" if k == 0 else f"{k}{'th' if k > 3 else ('st', 'nd', 'rd')[k - 1]}"
    rows = paragraph(rng, prose, rng.choice((4, 6, 8)))
    box, end = Item("text_field", key="v"), button("Submit")
    task = rng.choice(
        ('Find the {k} word in the paragraph, type that into the textbox and press "Submit".', "Find the {k} word in the text area, enter it into the text field and hit Submit.",
         "Type the {k} word of the text into the field and press Submit.")
    ).format(k=nth)  # fmt: skip
    carrier = rows[-1][0] if k == 0 else rows[0][0]
    area = Item("text_field", prose, key="area", wide=True, tall=True)
    in_area = k == 0 and rng.random() < 0.5
    if in_area:
        rows, carrier = [[area]], area

    def play() -> Play:
        scene = Scene([*rows, [box], [end]])
        if in_area:
            yield from _to_the_end(rng, scene, area, prose)
        yield Moment(scene, [Gold("type", box, copied=carrier)])
        box.text = prose.split()[k - 1]
        yield Moment(scene, [click(end)])
        yield finish(scene)

    return Episode(task, play())


def widget_kind(rng: random.Random) -> Episode:
    """A widget by what it is."""
    said: dict[str, Role] = {
        "radio": "radio", "checkbox": "checkbox", "button": "button", "text": "text_field", "textarea": "text_field", "link": "link", "list": "select",
        "slider": "slider",
    }  # fmt: skip
    names = rng.sample(list(said), rng.randint(2, 5))
    names = [n for n in names if not (n == "textarea" and "text" in names)]
    items: list[Item] = []
    for name in names:
        for k in range(rng.randint(1, 2)):
            role = said[name]
            label = lx.gibberish(rng, 2, 6) if role in ("radio", "checkbox") else ""
            shown = lx.gibberish(rng, 2, 6) if role in ("button", "link") else ""
            items.append(
                Item(role, shown, label=label, state="unchecked" if label else "", tall=name == "textarea", key=f"{name}{k}")
            )
    rng.shuffle(items)
    name = rng.choice(names)
    right = [i for i in items if i.role == said[name]]
    task = rng.choice(('Click on a "{}" widget.', "Click a {}", "Click any {} on the page.", "Select a {} widget")).format(name)

    def play() -> Play:
        scene = Scene([[i] for i in items])
        yield Moment(scene, [click(i) for i in right])
        yield finish(scene)

    return Episode(task, play())


def several_in_list(rng: random.Random) -> Episode:
    """One or more entries of an open list box: the further ones with ctrl held."""
    options = [Item("option", o, key=o) for o in rng.sample([*lx.FIRST, *lx.PLACES], rng.randint(4, 9))]
    wanted = rng.sample(options, rng.randint(1, 3))
    end = button("Submit")
    names = lx.listed(rng, [o.text for o in wanted])
    task = rng.choice(
        (
            "Select {} from the scroll list and click Submit.",
            "Choose {} in the list and press Submit.",
            "Mark {} in the list, then click Submit",
        )
    ).format(names)

    def play() -> Play:
        scene = Scene([*[[o] for o in options], [end]])
        todo = list(wanted)
        while todo:
            kind = "click" if len(todo) == len(wanted) else "ctrl_click"
            chosen = yield Moment(scene, [Gold(kind, o) for o in todo])
            if chosen.item is not None:
                chosen.item.state = "selected"
                todo.remove(chosen.item)
        yield Moment(scene, [click(end)])
        yield finish(scene)

    return Episode(task, play())


def highlight(rng: random.Random) -> Episode:
    """A paragraph is selected with a triple click."""
    body = paragraph(rng, lx.lorem(rng, 5, 20), 5)
    end = button("Submit")
    task = rng.choice(
        (
            "Highlight the text in the paragraph below and click submit.",
            "Select the text of the paragraph and press Submit.",
            "Mark the whole paragraph, then click submit",
        )
    )

    def play() -> Play:
        scene = Scene([*body, [end]])
        yield Moment(scene, [Gold("select_text", row[0]) for row in body])
        yield Moment(scene, [click(end)])
        yield finish(scene)

    return Episode(task, play())


def _to_the_end(rng: random.Random, scene: Scene, area: Item, ending: str) -> Play:
    """An area is scrolled until nothing moves any more; ``ending`` is what it shows then."""
    for _ in range(rng.randint(0, 3)):
        area.text = lx.lorem(rng, 12, 30)
        yield Moment(scene, [Gold("scroll_down", area)])
    area.text = ending
    yield Moment(scene, [Gold("scroll_down", area)], vain=True)


def agreement(rng: random.Random) -> Episode:
    """A long text is scrolled to its end before a name is entered."""
    name, pair = rng.choice(lx.FIRST), (button("Agree"), button("Cancel"))
    area = Item(
        "text_field", lx.lorem(rng, 20, 30), label=rng.choice(("", "User agreement", "Terms")), wide=True, tall=True, key="area"
    )
    box, right = Item("text_field", label=rng.choice(("Sign here", "Name", "")), key="name"), rng.choice(pair)
    task = rng.choice(
        (
            'Scroll to the bottom of the textarea, enter the name "{n}" then press "{b}"', "Scroll down to the end of the text area, type {n} and click {b}.",
            'Read the text to the bottom, sign with "{n}" and press {b}.',
        )
    ).format(n=name, b=right.text)  # fmt: skip

    def play() -> Play:
        scene = Scene([[area], [box], [*pair]])
        yield from _to_the_end(rng, scene, area, lx.lorem(rng, 20, 30))
        yield Moment(scene, [typing(box, name)])
        box.text = name
        yield Moment(scene, [click(right)])
        yield finish(scene)

    return Episode(task, play())


def mail(rng: random.Random) -> Episode:
    """A message is opened, then answered or passed on."""
    names = rng.sample(lx.FIRST, rng.randint(3, 6))
    rows: Rows = []
    heads: list[Item] = []
    pictures = rng.random() < 0.6
    for name in names:
        heads.append(text(name))
        signs = [Item("icon", sign, key=f"{name}{sign}") for sign in ("star", "trash")] if pictures else []
        lines = [[heads[-1]], [text(lx.lorem(rng, 1, 4).capitalize() + ".")], [text(lx.lorem(rng, 2, 5) + "..")]]
        lines[rng.choice((0, 0, 1))] += signs
        rows += lines
    who, said, other = rng.choice(names), lx.lorem(rng, 1, 4).capitalize() + ".", rng.choice(lx.FIRST)
    forward = rng.random() < 0.5 and other not in names
    verb = rng.choice(
        ("Find the email by {w} and", "Open the message from {w} and", "Find {w}'s email and", "Go to the mail by {w}, then")
    )
    task = verb.format(w=who) + (
        f" forward that email to {other}."
        if forward
        else rng.choice((f' reply to them with the text "{said}".', f' answer with "{said}".'))
    )

    def play() -> Play:
        inbox = [
            Item(rng.choice(("text", "button")), "Primary", key="inbox"),
            *([Item("icon", "Search", key="find")] if pictures else []),
        ]
        yield Moment(Scene([inbox, *rows]), [click(heads[names.index(who)])])
        ways = {name: Item(rng.choice(("text", "link", "button")), name, key=name) for name in ("Reply", "Forward")}
        above = (
            [Item("icon", "", key="back"), Item("icon", "star", key="star1"), Item("icon", "trash", key="trash1")]
            if pictures
            else []
        )
        opened: Rows = [
            *([above] if above else []),
            [text("Re: " + lx.lorem(rng, 1, 3))],
            [text(who)],
            *paragraph(rng, lx.lorem(rng, 6, 20), 5),
            [ways["Reply"], ways["Forward"]],
        ]
        arrows = {name: Item("icon", name.lower(), key=f"arrow{name}") for name in ways}
        if pictures:
            opened.insert(-1, list(arrows.values()))
        way = "Forward" if forward else "Reply"
        yield Moment(Scene(opened), [click(ways[way]), *([click(arrows[way])] if pictures else [])])
        to = Item("text_field", "" if forward else who, label=rng.choice(("to:", "To")), key="to")
        area = Item("text_field", "", wide=True, tall=True, key="area")
        send = Item(rng.choice(("button", "icon", "link")), "Send", key="send")
        form: Rows = [[text("Forward" if forward else "Reply"), send], [to], [text(f"subject: {lx.lorem(rng, 1, 3)}")], [area]]
        yield Moment(Scene(form), [typing(to, other) if forward else typing(area, said)])
        (to if forward else area).text = other if forward else said
        yield Moment(Scene(form), [click(send)])
        yield finish(Scene([inbox, *rows]))

    return Episode(task, play())


_COLOURS_TEXT = "red green lime blue yellow cyan magenta black white gray orange purple pink brown"
_COLOURS = _COLOURS_TEXT.split()
_FORMS = ("square box", "rectangle box", "triangle", "circle", "shape")
_FORM_WORDS = frozenset(form.split()[0] for form in _FORMS)


def _coloured(colour: str) -> str:
    """As shapes are named on a real screen."""
    return colour if colour in ("black", "white", "gray") else f"{colour} colored"


def shapes(rng: random.Random) -> Episode:
    """Coloured shapes, named by colour, form and size as far as the task says."""
    sized = rng.random() < 0.4
    items: list[Item] = []
    for k in range(rng.randint(2, 7)):
        size = f"{rng.choice(('large', 'small'))} " if sized else ""
        items.append(
            Item("image", f"{size}{_coloured(rng.choice(_COLOURS))} {rng.choice(_FORMS)}", tall=rng.random() < 0.5, key=f"s{k}")
        )
    target = rng.choice(items)
    if rng.random() < 0.1:
        for item in items:
            form = next(w for w in target.text.split() if w in _FORM_WORDS)
            item.text = f"black {form}" if item is not target else f"{_coloured('blue')} {form}"
        return _shape_episode(rng, items, [target], f"colored {target.text.split()[-1]}")
    words = target.text.split()
    size, colour, form = (words[0] if sized else ""), words[1 if sized else 0], next(w for w in words if w in _FORM_WORDS)
    if rng.random() < 0.4:
        said, right = f"{colour} colored box", [i for i in items if colour in i.text.split()]
    else:
        kept = [w for w in (size, colour) if w and rng.random() < 0.75]
        noun = rng.choice((form, "shape")) if kept else form
        said = " ".join([*kept, noun])
        right = [i for i in items if all(w in i.text.split() for w in kept) and (noun == "shape" or noun in i.text.split())]
    return _shape_episode(rng, items, right, said)


def _shape_episode(rng: random.Random, items: list[Item], right: list[Item], said: str) -> Episode:
    hover = rng.random() < 0.15
    if hover:
        task = rng.choice(("Keep the mouse hovered over the {}.", "Move the mouse over the {}", "Hover over the {}.")).format(
            said
        )
    else:
        task = rng.choice(("Click on the {}.", "Click on a {}", "Click the {}", "Select the {}.", "Press on a {}.")).format(said)

    keep = "Keep" in task

    def play() -> Play:
        rows = [items[i : i + 3] for i in range(0, len(items), 3)]
        yield Moment(Scene(rows), [Gold("hover" if hover else "click", i) for i in right])
        for _ in range(rng.randint(1, 4) if keep else 0):  # it moves: the pointer goes after it
            if rng.random() < 0.6:
                rng.shuffle(items)
                rows = [[text(" ")]] * rng.randint(0, 2) + [items[i : i + 3] for i in range(0, len(items), 3)]
                yield Moment(Scene(rows), [Gold("hover", i) for i in right])
            else:
                yield Moment(Scene(rows), [Gold("wait")])
        if not keep:
            yield finish(Scene(rows))

    return Episode(task, play())


SCENARIOS = (
    (shapes, 0.8),
    (copy_paste, 0.5), (table, 0.8), (arithmetic, 0.5), (kth_word, 0.6), (widget_kind, 0.8), (several_in_list, 0.8), (highlight, 0.4), (agreement, 0.5),
    (mail, 1.2),
)  # fmt: skip
