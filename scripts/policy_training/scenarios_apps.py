"""Applications: logins with refusals and popups, search with pages, suggestions, editors, copying."""
# ruff: noqa: E501  (one wording a line)

from __future__ import annotations

import random
from collections.abc import Generator

from edgeagent.demo import editor as demo_editor_task
from edgeagent.demo import login as demo_login_task
from edgeagent.demo.task import FIRST_TRAINING_SEED
from policy_training import lexicon as lx
from policy_training.acting import Episode, Gold, Moment, button, click, finish, paragraph, text, typing
from policy_training.screens import Item, Rows, Scene

Play = Generator[Moment, Gold, None]
_USER = ("User name", "Username", "Login", "Account", "User", "Email")
_PASSWORD = ("Password", "Your password", "Pass phrase")
_ENTER = ("Log in", "Sign in", "Login", "Continue", "Enter", "login", "OK")
_REFUSED = (
    "This account is locked.", "Wrong user name or password.", "Login failed.", "Account disabled. Access denied.", "Your password has expired.",
    "Invalid credentials", "Unknown user.", "Incorrect password, please try again.",
)  # fmt: skip
_WELCOME = (
    ("Welcome", "You are logged in."),
    ("Hello again", "Login successful."),
    ("Signed in", "You have signed in."),
    ("Dashboard", "Your account"),
)


class _Login:
    """The page and what is typed on it."""

    def __init__(self, rng: random.Random, labels: tuple[str, str]) -> None:
        self.user = Item("text_field", rng.choice(("", "", "", "Username")), label=labels[0], key="user")
        self.password = Item("text_field", "", label=labels[1], key="password")
        self.end = button(rng.choice(_ENTER))
        self.heading = [text(rng.choice(("Please log in", "Sign in", "Log in to continue")))] if rng.random() < 0.6 else []
        self.remember = Item("checkbox", label="Remember me", state="unchecked", key="rem") if rng.random() < 0.3 else None
        self.link = Item(
            "link",
            rng.choice(("Use a recovery code", "Log in with a recovery code", "Recovery code", "Forgot password?")),
            key="link",
        )
        self.shows_link = rng.random() < 0.3

    def rows(self, error: str = "") -> Rows:
        middle: Rows = [[self.user], [self.password], *([[self.remember]] if self.remember else []), [self.end]]
        head: Rows = ([self.heading] if self.heading else []) + ([[text(error)]] if error else [])
        return [*head, *middle, *([[self.link]] if self.shows_link else [])]


def login(rng: random.Random) -> Episode:
    labels = rng.choice(((rng.choice(_USER), rng.choice(_PASSWORD)), ("Username", "Password")))
    page = _Login(rng, labels)
    user, password = lx.user(rng), lx.password(rng)
    q = rng.choice((0.0, 1.0, 1.0))
    task = rng.choice(
        (
            "Enter the username {u} and the password {p} into the text fields and press login.", "Log in as {u} with the password {p}.",
            "Sign in with user name {u} and password {p}.", "Log in: user {u}, password {p}.", "Login with username {u} and password {p}",
            "Use {u} as the user name and {p} as the password to log in.", "Type {u} into the username field and {p} into the password field, then press {e}.",
        )
    ).format(u=lx.quoted(rng, user, q), p=lx.quoted(rng, password, q), e=page.end.text)  # fmt: skip
    return Episode(task, _login(rng, page, user, password))


def _login(rng: random.Random, page: _Login, user: str, password: str) -> Play:
    popup_at = rng.choice(("user", "password", "", "", ""))
    filled: set[str] = set()
    while len(filled) < 2:
        golds = [
            g for k, g in (("user", typing(page.user, user)), ("password", typing(page.password, password))) if k not in filled
        ]
        chosen = yield Moment(Scene(page.rows()), golds)
        name = "user" if chosen.item is page.user else "password"
        if popup_at == name:
            popup_at = ""
            yield from _popup(rng, page.rows())
            if rng.random() < 0.8:
                continue  # what was typed got lost behind the popup
        filled.add(name)
        if name == "user":
            page.user.text = user
        else:
            page.password.text = "•" * len(password)
    yield Moment(Scene(page.rows()), [click(page.end)])
    title, note = rng.choice(_WELCOME)
    yield finish(Scene([[text(title)], [text(note)]]))


def _popup(rng: random.Random, rows: Rows, target: Item | None = None) -> Play:
    """Something in the way: leaving is declined, a notice is closed. A ``target`` still in view may be used as well."""
    also = [click(target)] if target else []
    if rng.random() < 0.65:
        message = rng.choice(
            ("Your session is about to expire.", "Your session is soon to expire.", "Your session is timing out soon.", "You have 10 new messages.",
             "Please do not panic.", "This is an annoying popup message.", "Leave this page?", "You are running out of time.")
        )  # fmt: skip
        away, stay = rng.choice((("OK", "Cancel"), ("Yes", "No"), ("Leave", "Stay"), ("Exit", "Cancel")))
        question = rng.choice(("Exit to home page?", "Leave this page?", "Do you want to exit?", "Exit now?"))
        pair = [button(away), button(stay)]
        yield Moment(Scene(rows, [*paragraph(rng, message, 4), [text(question)], pair]), [click(pair[1]), *also])
    else:
        message = rng.choice(
            ("We use cookies.", "New: dark mode is here!", "Subscribe to our newsletter?", "Rate this app", "What's new")
        )
        close = rng.choice((button("×"), button("Close"), button("No thanks"), button("Dismiss"), button("Not now"), button("x")))
        yield Moment(Scene(rows, [[text(message)], [close]]), [click(close), *also])


def interrupted(rng: random.Random) -> Episode:
    """Any click, with a popup in the way first."""
    items = [button(n) for n in lx.labels(rng, rng.randint(2, 6))]
    target = rng.choice(items)
    task = rng.choice(("Click {}.", "Press the {} button.", "Open {}.", "Select {}")).format(lx.quoted(rng, target.text))

    def play() -> Play:
        rows: Rows = [[i] for i in items]
        yield from _popup(rng, rows, target)
        yield Moment(Scene(rows), [click(target)])
        yield finish(Scene(rows))

    return Episode(task, play())


def login_retry(rng: random.Random) -> Episode:
    """The first account is refused; the task says what to do then, or nothing (then the user is asked)."""
    page = _Login(rng, (rng.choice(_USER), rng.choice(_PASSWORD)))
    first = (lx.user(rng), lx.password(rng))
    by_code, helpless = rng.random() < 0.3, rng.random() < 0.12
    second = (rng.choice((lx.user(rng), f"{first[0]}2")), lx.password(rng))
    code = lx.code(rng)
    q = rng.choice((0.0, 1.0, 1.0))
    u, p, u2, p2, c = (lx.quoted(rng, value, q) for value in (*first, *second, code))
    page.shows_link = by_code or page.shows_link
    if by_code:
        page.link.text = rng.choice(
            ("Use a recovery code", "Log in with a recovery code", "Recovery code", "Enter a recovery code")
        )
    start = rng.choice(
        (f"Log in as {u} with the password {p}.", f"Sign in with user name {u} and password {p}.", f"Log in: user {u}, password {p}.",
         f"Enter username {u} and password {p} and log in.")
    )  # fmt: skip
    condition = rng.choice(
        (
            "If that is refused,",
            "If the login fails,",
            "If this account does not work,",
            "If there is an error,",
            "If that fails,",
            "If it does not work,",
        )
    )
    if by_code:
        then = rng.choice(
            (f"use the recovery code {c} instead.", f"log in with the recovery code {c}.", f"enter the recovery code {c}.")
        )
    else:
        then = rng.choice(
            (
                f"log in as {u2} with the password {p2}.",
                f"use user name {u2} and password {p2}.",
                f"try user {u2}, password {p2}.",
                f"use {u2} with password {p2} instead.",
            )
        )
    task = start if helpless else f"{start} {condition} {then}"
    return Episode(task, _retry(rng, page, first, None if helpless else second, code if by_code and not helpless else ""))


def _fill(page: _Login, account: tuple[str, str], error: str, done: set[str]) -> Play:
    while len(done) < 2:
        golds = [
            g
            for k, g in (("user", typing(page.user, account[0])), ("password", typing(page.password, account[1])))
            if k not in done
        ]
        chosen = yield Moment(Scene(page.rows(error)), golds)
        if chosen.item is page.user:
            page.user.text = account[0]
            done.add("user")
        else:
            page.password.text = "•" * len(account[1])
            done.add("password")
    yield Moment(Scene(page.rows(error)), [click(page.end)])


def _retry(rng: random.Random, page: _Login, first: tuple[str, str], second: tuple[str, str] | None, code: str) -> Play:
    yield from _fill(page, first, "", set())
    welcome = Scene([[text(t)] for t in rng.choice(_WELCOME)])
    if rng.random() < 0.2 and second is not None:
        yield finish(welcome)  # it worked at once
        return
    error = rng.choice(_REFUSED)
    page.user.text, page.password.text = (first[0] if rng.random() < 0.5 else ""), ""
    if second is None:
        yield Moment(Scene(page.rows(error)), [Gold("ask")])
        return
    if code:
        yield Moment(Scene(page.rows(error)), [click(page.link)])
        box, end = (
            Item("text_field", label=rng.choice(("Recovery code", "Code", "Your code")), key="code"),
            button(rng.choice(("Confirm", "Verify", "Continue"))),
        )
        scene = Scene([[text("Recovery")], [box], [end]])
        yield Moment(scene, [typing(box, code)])
        box.text = code
        yield Moment(scene, [click(end)])
    else:
        yield from _fill(page, second, error, set())
    yield finish(welcome)


def demo_login(rng: random.Random) -> Episode:
    """The demo's wordings and labels at training seeds, on a page of our own look."""
    spec, task = demo_login_task.describe(rng.randint(FIRST_TRAINING_SEED, 10**9))
    page = _Login(rng, (spec["fields"][0]["label"], spec["fields"][1]["label"]))
    page.end.text, page.link.text, page.shows_link = spec["button"], spec["recover_link"] or "Help", bool(spec["recover_link"])
    first, second = spec["refused_account"], spec["account"]
    return Episode(task, _retry(rng, page, (first[0], first[1]), (second[0], second[1]) if second else ("", ""), spec["code"]))


def demo_editor(rng: random.Random) -> Episode:
    """The demo's wordings at training seeds."""
    said, name, task = demo_editor_task.describe(random.Random(f"training {rng.random()}"))
    return Episode(task, _editor(rng, said, name))


def editor(rng: random.Random) -> Episode:
    """Write, save under a name: by menu or keyboard; the dialog's name field has the focus."""
    said, name = lx.sentence(rng), lx.file_name(rng)
    mark = rng.choice(('"', '"', "'")) if "'" not in said else '"'
    s, n = f"{mark}{said}{mark}", lx.quoted(rng, name, 0.35)
    task = rng.choice(
        (
            f"Write {s} and save it as {n}.",
            f"Type {s} into the editor, then save the file as {n}.",
            f"Please write {s} and save as {n}.",
            f"In the editor, write the sentence {s} and save the document under the name {n}.",
            f"Enter {s}, then save it under the name {n}",
            f"Write the text {s} into the document and save the file with the name {n}.",
            f"Create a text file {n} with the content {s}.",
        )
    )
    return Episode(task, _editor(rng, said, name))


def _editor(rng: random.Random, said: str, name: str) -> Play:
    bar = [Item("menu_item", m, key=m) for m in ("File", "Edit", "Search", "View", "Document", "Help")][: rng.randint(3, 6)]
    page = Item("text_field", "", key="page", wide=True, tall=True)
    seen = rng.random() < 0.6
    title = [text(f"Untitled {rng.randint(1, 3)} - Mousepad")] if rng.random() < 0.5 else []
    rows: Rows = ([title] if title else []) + [bar] + ([[page]] if seen else [])
    yield Moment(Scene(rows), [typing(page, said)] if seen else [Gold("type_focused", text=said)])
    page.text = said
    if not seen:
        rows = [*rows, [text(said)]]
    yield Moment(Scene(rows), [Gold("ctrl+s")])
    box = Item("text_field", rng.choice(("", f"Untitled {rng.randint(1, 3)}", "Untitled Document 1")), label="Name", key="name")
    save, cancel = button("Save"), button("Cancel")
    places = [[Item("menu_item", p, key=p), text(f"{p} folder")] for p in ("Home", "Desktop", "Documents", "Recent")][
        : rng.randint(0, 4)
    ]
    head = [cancel, text("Save As"), save] if rng.random() < 0.5 else [text("Save As")]
    tail: Rows = [] if save in head else [[cancel, save]]
    encoding: Rows = [[Item("select", "UTF-8", label="Encoding", key="enc")]] if rng.random() < 0.4 else []
    dialog: Rows = [head, [box], *places, *encoding, *tail]
    yield Moment(Scene(rows, dialog), [typing(box, name)])
    box.text = name
    yield Moment(Scene(rows, dialog), [click(save)])
    if title:
        title[0].text = f"{name} - Mousepad"
    yield finish(Scene(rows))


def search(rng: random.Random) -> Episode:
    """Search, then take the k-th result, or the one with the term as title on one of several pages."""
    term = rng.choice((rng.choice(lx.FIRST), rng.choice(lx.THINGS), rng.choice(lx.PLACES)))
    box, go = (
        Item("text_field", rng.choice(("", "", "Search")), key="q"),
        Item(rng.choice(("button", "button", "icon")), "Search", key="go"),
    )
    k = rng.randint(1, 9)
    nth = f"{k}{'th' if k > 3 else ('st', 'nd', 'rd')[k - 1]}"
    task = rng.choice(
        (
            "Use the textbox to enter {t} and press {b}, then find and click the {k} search result.",
            "Search for {t} and click the {k} result.",
            "Enter {t} in the search box, press {b} and open result number {n}.",
            "Type {t}, press {b}, then click on the {k} search result.",
        )
    ).format(t=lx.quoted(rng, term, 0.8), b=lx.quoted(rng, "Search"), k=nth, n=nth)
    return Episode(task, _search(rng, box, go, term, k))


def _search(rng: random.Random, box: Item, go: Item, term: str, k: int) -> Play:
    yield Moment(Scene([[box, go]]), [typing(box, term)])
    box.text = term
    yield Moment(Scene([[box, go]]), [click(go)])
    titles = [
        Item("link", rng.choice(lx.FIRST) + ("" if rng.random() < 0.6 else f" {rng.choice(lx.LAST)}"), key=f"r{i}")
        for i in range(9)
    ]
    titles[k - 1].text = term
    pages = [Item("link", str(i + 1), key=f"p{i}") for i in range(3)]
    back, on = (
        (Item("link", "<", key="<"), Item("link", ">", key=">"))
        if rng.random() < 0.6
        else (Item("icon", key="<"), Item("icon", key=">"))
    )
    arrows = [back, *pages, on] if rng.random() < 0.6 else pages
    notes = [[text(f"https://www.{rng.choice(lx.LOREM)}.com")] for _ in range(9)]
    for page in range((k - 1) // 3 + 1):
        rows: Rows = [[box, go]]
        for i in range(3 * page, 3 * page + 3):
            rows += [[titles[i]], notes[i], [text(lx.lorem(rng, 2, 4))]]
        scene = Scene([*rows, arrows])
        if titles[k - 1] in titles[3 * page : 3 * page + 3]:
            yield Moment(scene, [click(titles[k - 1])])
            yield finish(scene)
        elif arrows is pages:
            yield Moment(scene, [click(pages[page + 1])])
        else:
            yield Moment(scene, [click(arrows[-1]), click(pages[page + 1])])


def suggestions(rng: random.Random) -> Episode:
    """A field that proposes what begins like what was typed."""
    begin = rng.choice(lx.PLACES)
    n, m = rng.randint(2, 4), rng.randint(2, 4)
    head, tail = begin[:n], begin[-m:]
    with_end = rng.random() < 0.75
    task = rng.choice(
        ("Enter an item that starts with \"{h}\"", "Choose an entry beginning with \"{h}\"", "Pick an item that starts with \"{h}\"", "Type a word that begins with \"{h}\"")
    ).format(h=head) + (f' and ends with "{tail}".' if with_end else ".")  # fmt: skip
    end = button("Submit") if rng.random() < 0.8 else None
    if end is not None and rng.random() < 0.2:
        task += " Then press Submit."
    box = Item("text_field", label=rng.choice(("Tags", "Country", "")), key="tags")
    others = [p for p in lx.PLACES if p.startswith(head) and p != begin]
    fake = [head + rng.choice(lx.LOREM) for _ in range(rng.randint(0, 3))]
    fake = [f for f in fake if not f.endswith(tail)]
    return Episode(task, _suggestions(rng, box, begin, head, [*others, *fake], tail if with_end else "", end))


def _suggestions(rng: random.Random, box: Item, right: str, head: str, others: list[str], tail: str, end: Item | None) -> Play:
    rows: Rows = [[box], *([[end]] if end else [])]
    yield Moment(Scene(rows), [typing(box, head)])
    box.text = head
    names = [right, *[o for o in others if not (tail and o.endswith(tail))]]
    rng.shuffle(names)
    items = [Item(rng.choice(("option", "menu_item", "text")), name, key=f"s{name}") for name in dict.fromkeys(names)]
    for _ in range(rng.choice((0, 0, 1, 1, 2))):  # the proposals take a moment
        yield Moment(Scene(rows), [Gold("wait")])
    golds = [click(i) for i in items if not tail or i.text == right]
    chosen = yield Moment(Scene(rows, [[i] for i in items], under=box), golds)
    box.text = chosen.item.text if chosen.item else right
    if end is not None:
        yield Moment(Scene(rows), [click(end)])
    yield finish(Scene(rows))


SCENARIOS = (
    (login, 2.5), (interrupted, 0.8), (login_retry, 3.0), (editor, 2.0), (demo_login, 1.5), (demo_editor, 1.0), (search, 2.0), (suggestions, 1.5),
)  # fmt: skip
