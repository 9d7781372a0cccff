"""The report: one HTML file with everything in it, that asks nothing of any network.

A strict policy in the page names the hashes of its one style sheet and its one script; pictures come as ``data:`` and
``blob:`` only. Every text from a screen or a model goes through `edgeagent.recording.export.markup`.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from pathlib import Path

import msgspec

from edgeagent.recording.export.film import Film, develop
from edgeagent.recording.export.html_head import header, overview
from edgeagent.recording.export.html_steps import ending_article, step_article, step_list
from edgeagent.recording.export.markup import Html, join, tag
from edgeagent.recording.export.placing import placed
from edgeagent.recording.export.story import Story
from edgeagent.recording.export.telling import tell
from edgeagent.recording.reader import SessionReader

_ASSETS = files("edgeagent.recording.export") / "assets"


def write_html(reader: SessionReader, out: Path) -> Path:
    """Write the report of the session to the file ``out``."""
    story = tell(reader)
    film = develop(reader, story.frame_ids())
    with placed(out) as part:
        part.write_text(page(story, film), encoding="utf-8")
    return out


def page(story: Story, film: Film) -> Html:
    """The whole report."""
    style, script = _asset("report.css"), _asset("report.js")
    return join(
        Html("<!DOCTYPE html>\n"),
        tag("html", _head(story, style, script), _body(story, film, script), lang="en"),
        Html("\n"),
    )


def _head(story: Story, style: Html, script: Html) -> Html:
    policy = (
        f"default-src 'none'; img-src data: blob:; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("link", rel="icon", href="data:,"),
        tag("title", f"{story.task[:120]} · edgeagent"),
        tag("style", style),
    )


def _body(story: Story, film: Film, script: Html) -> Html:
    articles = [step_article(step, story, film) for step in story.steps]
    return tag(
        "body",
        tag("a", "Skip to the steps", class_="skip", href="#steps"),
        header(story),
        tag("noscript", tag("p", "Pictures, search and keys need JavaScript; all text is here without it.", class_="banner")),
        overview(story),
        tag(
            "div",
            step_list(story),
            tag("main", *articles, ending_article(story, film), id="steps", tabindex=-1),
            class_="work",
        ),
        tag("dialog", id="large", aria_label="Enlarged screen"),
        tag("script", _film_json(film), type="application/json", id="film"),
        tag("script", script),
    )


def _film_json(film: Film) -> Html:
    # Base64, numbers and error texts; "<" is escaped so that no text can end the script element.
    return Html(msgspec.json.encode(film.stills).decode("utf-8").replace("<", "\\u003c"))


def _asset(name: str) -> Html:
    return Html((_ASSETS / name).read_text(encoding="utf-8"))


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
