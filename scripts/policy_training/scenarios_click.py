"""Clicking what is named: buttons, links, tabs, boxes, one after another, in dialogs, behind tabs and sections, in trees."""

from __future__ import annotations

import random
from collections.abc import Generator

from edgeagent_models.protocol import Role
from policy_training import lexicon as lx
from policy_training.acting import Episode, Gold, Moment, button, click, finish, paragraph, text
from policy_training.screens import Item, Rows, Scene

Play = Generator[Moment, Gold, None]
_CLICK = ("Click", "Press", "Click on", "Tap", "Hit", "Push", "Select", "Please click", "Please press")
_NOUN: dict[str, tuple[str, ...]] = {
    "button": (" button", "", ""), "link": (" link", ""), "tab": (" tab", ""), "icon": (" icon",), "menu_item": ("", " menu"),
}  # fmt: skip


def _mixed(rng: random.Random, names: list[str]) -> list[Item]:
    roles: tuple[Role, ...] = ("button", "button", "link", "tab", "menu_item")
    one = rng.choice(roles)
    return [Item(one if rng.random() < 0.7 else rng.choice(roles), name, key=name) for name in names]


def _scatter(rng: random.Random, items: list[Item]) -> Rows:
    """Items in rows among prose and empty fields."""
    rows: Rows = []
    row: list[Item] = []
    for item in items:
        row.append(item)
        if rng.random() < 0.5:
            rows.append(row)
            row = []
        if rng.random() < 0.25:
            rows.append([text(lx.lorem(rng, 2, 6))])
        if rng.random() < 0.2:
            rows.append([Item("text_field", label=lx.lorem(rng, 0, 3).strip(), key=f"f{rng.random()}")])
    return [*rows, row] if row else rows


def _target(rng: random.Random, item: Item) -> str:
    noun = rng.choice(_NOUN.get(item.role, ("",)))
    name = lx.quoted(rng, item.text, 0.55)
    if noun and rng.random() < 0.3:
        return f"the{noun} {name}"
    return f"{rng.choice(('the ', '', 'the ')) if noun else ''}{name}{noun}"


def click_one(rng: random.Random) -> Episode:
    names = lx.labels(rng, rng.randint(1, 9))
    if rng.random() < 0.4:
        names = rng.sample(lx.BUTTONS, rng.randint(1, 6))
    items = _mixed(rng, names)
    rng.shuffle(items)
    target = rng.choice(items)
    if rng.random() < 0.2:  # the same word in another case is another button
        other = rng.choice((target.text.lower(), target.text.upper(), target.text.capitalize()))
        items += [Item(target.role, other, key=f"case{other}")] if other != target.text and other not in names else []
    if rng.random() < 0.1:  # numbered things
        noun = rng.choice(("Tab", "Section", "Item", "Option", "Step"))
        items = [Item(target.role, f"{noun} {rng.choice(('#', ''))}{k}", key=f"n{k}") for k in range(1, rng.randint(3, 6))]
        target = rng.choice(items)
    if rng.random() < 0.08:
        target, items = items[0], [items[0]]
        items[0].role = "button"
        return Episode(
            rng.choice(("Click the button.", "Press the button", "Click on the button.")), _one(_scatter(rng, items), target)
        )
    verb = (
        rng.choice(("Open", "Go to", "Switch to"))
        if target.role in ("tab", "link", "menu_item") and rng.random() < 0.4
        else rng.choice(_CLICK)
    )
    task = f"{verb} {_target(rng, target)}{rng.choice(('.', '', '.'))}"
    _hide_one(rng, items, target)
    return Episode(task, _one(_scatter(rng, items), target))


def _hide_one(rng: random.Random, items: list[Item], target: Item) -> None:
    """Now and then the name of the button that is meant is covered: it is the only one without a name."""
    if len(items) > 1 and target.role == "button" and rng.random() < 0.08:
        target.text = ""


def _one(rows: Rows, target: Item) -> Play:
    scene = Scene(rows)
    yield Moment(scene, [click(target)])
    yield finish(scene)


def click_sequence(rng: random.Random) -> Episode:
    names = rng.sample(lx.BUTTONS, rng.randint(2, 5)) if rng.random() < 0.5 else lx.labels(rng, rng.randint(2, 6))
    items = [button(name) for name in dict.fromkeys(names)]
    order = rng.sample(items, min(len(items), rng.randint(2, 3)))
    said = [f"{rng.choice(('button ', '', 'the button '))}{lx.quoted(rng, item.text, 0.4)}" for item in order]
    verb = rng.choice(("Click", "Press", "Click on"))
    style = rng.random()
    if style < 0.4:
        task = ", then ".join(f"{verb if i == 0 else verb.lower()} {s}" for i, s in enumerate(said)) + "."
    elif style < 0.7:
        task = ". ".join(f"{verb} {s}" if i == 0 else f"Then {verb.lower()} {s}" for i, s in enumerate(said)) + "."
    else:
        task = f"{verb} {', then '.join(said)}"
    _hide_one(rng, items, rng.choice(order))
    return Episode(task, _sequence(_scatter(rng, items), order))


def _sequence(rows: Rows, order: list[Item]) -> Play:
    scene = Scene(rows)
    for item in order:
        yield Moment(scene, [click(item)])
    yield finish(scene)


def prose_link(rng: random.Random) -> Episode:
    """A word in a paragraph that is a link; perception may see it as a link or only as a part of a line."""
    words = rng.sample(lx.LOREM, 24)
    links = rng.sample(range(24), rng.randint(1, 6))
    rows: Rows = []
    for start in range(0, 24, 4):
        places = range(start, start + 4)
        rows.append([Item("link", words[i], key=words[i]) if i in links else text(words[i]) for i in places])
    target = rng.choice([item for row in rows for item in row if item.role == "link"])
    task = rng.choice(('Click on the link "{}".', 'Click the link "{}".', 'Follow the "{}" link', "Open the link {}."))
    return Episode(task.format(target.text), _one(rows, target))


def close_dialog(rng: random.Random) -> Episode:
    cross = Item(rng.choice(("icon", "button", "button")), rng.choice(("x", "X", "×", "")), key="cross")
    if cross.role == "button" and not cross.text:
        cross.text = "x"
    title, body = lx.label(rng).title(), paragraph(rng, lx.lorem(rng, 4, 9), 4)
    others: Rows = [[button(rng.choice(("OK", "Cancel")))]] if rng.random() < 0.3 else []
    if rng.random() < 0.4:  # a title bar that looks like a widget, its cross at the end
        bar = Item(rng.choice(("text_field", "button", "tab")), rng.choice(("", "", title)), key="bar")
        head = [bar, cross]
    else:
        head = [text(title), cross] if rng.random() < 0.6 else [cross]
    task = rng.choice(
        (
            'Close the dialog box by clicking the "x".',
            "Close the dialog.",
            "Close the popup window",
            'Click the "x" to close the dialog',
            "Dismiss the dialog with the x.",
            "Close the message.",
        )
    )
    return Episode(
        task,
        _dialog(_scatter(rng, [button(n) for n in rng.sample(lx.BUTTONS, rng.randint(0, 3))]), [head, *body, *others], cross),
    )


def _dialog(rows: Rows, overlay: Rows, target: Item) -> Play:
    yield Moment(Scene(rows, overlay), [click(target)])
    yield finish(Scene(rows))


def dialog_button(rng: random.Random) -> Episode:
    pair = rng.choice((("OK", "Cancel"), ("Yes", "No"), ("Save", "Discard", "Cancel"), ("Accept", "Decline"), ("Allow", "Block")))
    items = [button(name) for name in pair]
    target = rng.choice(items)
    task = rng.choice(
        ('Click "{}" in the dialog.', "Press {} in the dialog", 'Answer the question with "{}".', "Choose {} in the popup.")
    )
    rows: Rows = [[button(n)] for n in rng.sample(lx.BUTTONS, 2) if n not in pair]
    return Episode(task.format(target.text), _dialog(rows, [*paragraph(rng, lx.lorem(rng, 3, 9)), items], target))


def find_in_tabs(rng: random.Random) -> Episode:
    names = rng.choice((["Tab #1", "Tab #2", "Tab #3"], rng.sample(lx.TOPICS, rng.randint(2, 5)), ["1", "2", "3"]))
    role: Role = rng.choice(("tab", "tab", "tab", "button"))
    headers = [Item(role, name, key=f"tab{name}") for name in names]
    bodies = [
        [Item("link" if rng.random() < 0.4 else "text", w, key=f"{i}{w}") for w in rng.sample(lx.LOREM, rng.randint(6, 12))]
        for i in range(len(names))
    ]
    where = rng.randrange(len(names))
    target = Item("link", lx.gibberish(rng, 4, 8) if rng.random() < 0.3 else rng.choice(lx.PLACES), key="target")
    bodies[where][rng.randrange(len(bodies[where]))] = target
    task = rng.choice(
        (
            'Switch between the tabs to find and click on the link "{}".',
            'Find the link "{}" in one of the tabs and click it.',
            "Look through the tabs and open {}.",
            'Search the tabs for "{}" and click on it.',
        )
    ).format(target.text)
    return Episode(task, _explore(headers, bodies, target))


def _explore(headers: list[Item], bodies: list[list[Item]], target: Item) -> Play:
    """The first tab is open; the others are visited in order until the target shows."""
    now, visited = 0, {0}
    while target not in bodies[now]:
        golds = [click(h) for i, h in enumerate(headers) if i not in visited]
        chosen = yield Moment(Scene(_tabbed(headers, bodies[now], now)), golds[:1] if len(golds) else [Gold("fail")])
        now = headers.index(chosen.item) if chosen.item else now
        visited.add(now)
    scene = Scene(_tabbed(headers, bodies[now], now))
    yield Moment(scene, [click(target)])
    yield finish(scene)


def _tabbed(headers: list[Item], body: list[Item], now: int) -> Rows:
    for i, header in enumerate(headers):
        header.state = "selected" if i == now and header.role == "tab" else ""
    return [headers, *[body[i : i + 4] for i in range(0, len(body), 4)]]


def collapsible(rng: random.Random) -> Episode:
    """Open the one section, then press a button."""
    header = Item(
        rng.choice(("tab", "button", "text", "menu_item")),
        rng.choice((f"Section #{rng.randint(1, 50)}", lx.label(rng).title())),
        key="head",
    )
    end = button(rng.choice(("Submit", "submit", "OK", "Continue", "Done")))
    verb = rng.choice(("Expand", "Open", "Unfold"))
    what = rng.choice(
        ("the section below", "the section", "the panel", f"the section {header.text}", lx.quoted(rng, header.text))
    )
    task = (
        f"{verb} {what} {rng.choice(('and click', 'and press', 'then click', 'and then press'))} {lx.quoted(rng, end.text, 0.2)}."
    )
    return Episode(task, _collapsible(header, paragraph(rng, lx.lorem(rng, 12, 20), 4), end))


def _collapsible(header: Item, body: Rows, end: Item) -> Play:
    stated = header.role in ("tab", "button")
    header.state = "collapsed" if stated else ""
    yield Moment(Scene([[header], [end]]), [click(header)])
    header.state = "expanded" if stated else ""
    scene = Scene([[header], *body, [end]])
    yield Moment(scene, [click(end)])
    yield finish(scene)


def sections(rng: random.Random) -> Episode:
    """Open sections until a link shows."""
    names = (
        [f"Section #{i + 1}" for i in range(rng.randint(2, 5))]
        if rng.random() < 0.5
        else rng.sample(lx.TOPICS, rng.randint(2, 5))
    )
    role: Role = rng.choice(("tab", "button", "text", "menu_item"))
    headers = [Item(role, name, key=f"head{name}") for name in names]
    bodies = [
        [Item("link" if rng.random() < 0.3 else "text", w, key=f"{i}{w}") for w in rng.sample(lx.LOREM, 9)]
        for i in range(len(names))
    ]
    where = rng.randrange(len(names))
    target = Item("link", rng.choice(lx.PLACES), key="target")
    bodies[where][3] = target
    task = rng.choice(
        (
            'Expand the sections below, to find and click on the link "{}".',
            'Find "{}" in the sections and click it.',
            "Open the sections and click the link {}",
        )
    ).format(target.text)
    return Episode(task, _sections(headers, bodies, target))


def _sections(headers: list[Item], bodies: list[list[Item]], target: Item) -> Play:
    opened = -1
    visited: set[int] = set()
    while opened < 0 or target not in bodies[opened]:
        golds = [click(h) for i, h in enumerate(headers) if i not in visited][:1]
        chosen = yield Moment(Scene(_accordion(headers, bodies, opened)), golds)
        opened = headers.index(chosen.item) if chosen.item else opened
        visited.add(opened)
    scene = Scene(_accordion(headers, bodies, opened))
    yield Moment(scene, [click(target)])
    yield finish(scene)


def _accordion(headers: list[Item], bodies: list[list[Item]], opened: int) -> Rows:
    rows: Rows = []
    for i, header in enumerate(headers):
        if header.role in ("tab", "button"):
            header.state = "expanded" if i == opened else "collapsed"
        rows.append([header])
        if i == opened:
            rows += [bodies[i][k : k + 4] for k in range(0, len(bodies[i]), 4)]
    return rows


def tree(rng: random.Random) -> Episode:
    """Folders are opened from the top until the named file or folder shows."""
    names = rng.sample([*lx.FIRST, *lx.TOPICS], 14)
    top = [Item("text", names[i], key=f"t{i}") for i in range(rng.randint(2, 5))]
    if rng.random() < 0.5:
        for item in top:
            item.role = rng.choice(("text", "menu_item", "link"))
    inside: dict[int, list[Item]] = {}
    for i in range(len(top)):
        if rng.random() < 0.6:
            inside[i] = [Item("text", names[5 + (3 * i + k) % 9], key=f"c{i}{k}") for k in range(rng.randint(1, 3))]
    mark = rng.choice(("+", "icon", "icon", ""))
    pictures = rng.random() < 0.5
    marks = {k: Item("icon", state="collapsed", key=f"i{k}") if mark == "icon" else text("+") for k in inside} if mark else {}
    everything = top + [c for children in inside.values() for c in children]
    target = rng.choice(everything)
    kind = rng.choice(("folder or file", "file", "item", "folder"))
    task = rng.choice(
        (
            'Navigate through the file tree. Find and click on the {} named "{}".',
            'Find the {} "{}" in the tree and click it.',
            "Open the folders until you find the {} {} and select it.",
        )
    ).format(kind, target.text)
    return Episode(task, _tree(top, inside, marks, target, pictures))


def _tree(top: list[Item], inside: dict[int, list[Item]], marks: dict[int, Item], target: Item, pictures: bool) -> Play:
    opened: set[int] = set()

    def rows() -> Rows:
        found: Rows = []
        for i, item in enumerate(top):
            picture = [Item("icon", key=f"picture{i}")] if pictures else []
            found.append([*([marks[i]] if i in marks else [text("  ")]), *picture, item])
            if i in opened:
                found += [[text("  "), child] for child in inside.get(i, [])]
        return found

    while not any(target in row for row in rows()):
        closed = [i for i in range(len(top)) if i not in opened and i in inside]
        chosen = yield Moment(Scene(rows()), [click(top[i]) for i in closed])
        now = top.index(chosen.item) if chosen.item in top else closed[0]
        opened.add(now)
        if now in marks and marks[now].role == "icon":
            marks[now].state = "expanded"
    scene = Scene(rows())
    yield Moment(scene, [click(target)])
    yield finish(scene)


def keys(rng: random.Random) -> Episode:
    named = rng.choice(
        ("Ctrl+S", "Escape", "Ctrl+Shift+T", "F5", "Alt+F4", "ctrl+a", "Tab", "Enter", "Return", "Ctrl+Z", "Esc", "F11")
    )
    task = rng.choice(("Press {}.", "Hit {}", "Press the {} key.", "Use the shortcut {}.", "Press the keys {}")).format(named)
    rows = _scatter(rng, [button(n) for n in rng.sample(lx.BUTTONS, rng.randint(0, 4)) if n.lower() not in named.lower()])
    return Episode(task, _keys(rows or [[text(lx.lorem(rng, 2, 5))]], named))


def _keys(rows: Rows, named: str) -> Play:
    yield Moment(Scene(rows), [Gold("key_named", text=named)])
    yield finish(Scene(rows))


SCENARIOS = (
    (click_one, 3.0), (click_sequence, 1.5), (prose_link, 1.0), (close_dialog, 0.7), (dialog_button, 0.6), (find_in_tabs, 1.0),
    (collapsible, 0.8), (sections, 0.8), (tree, 1.0), (keys, 0.4),
)  # fmt: skip
