"""The steps of the report: their list, and an article for each with pictures, words, timings and details."""

from __future__ import annotations

import msgspec

from edgeagent import words
from edgeagent.counts import counted
from edgeagent.recording.export import chart
from edgeagent.recording.export.film import Film
from edgeagent.recording.export.html_head import OUTCOME_WORDS
from edgeagent.recording.export.marks import Mark, action_marks, effect_marks
from edgeagent.recording.export.markup import Html, join, tag
from edgeagent.recording.export.phases import PHASES, total_ms
from edgeagent.recording.export.story import Note, StepStory, Story
from edgeagent.recording.export.svg import overlay
from edgeagent_harness.protocol.effects import Effect
from edgeagent_models.protocol import Usage


def step_list(story: Story) -> Html:
    """The searchable list of all steps."""
    keys = tag(
        "p", tag("kbd", "j"), " ", tag("kbd", "k"), " step  ", tag("kbd", "/"), " search  ", tag("kbd", "v"), " view  ",
        tag("kbd", "m"), " marks", class_="keys",
    )  # fmt: skip
    return tag(
        "nav",
        tag(
            "div",
            tag("label", "Search thoughts, actions and texts", for_="search", class_="hidden"),
            tag("input", type="search", id="search", placeholder="Search steps", autocomplete="off", spellcheck="false"),
            tag("p", counted(len(story.steps), "step"), id="found", role="status"),
            class_="search",
        ),
        tag("ol", *(_item(step) for step in story.steps), _last_item(story), id="list"),
        keys,
        aria_label="Steps",
        class_="list",
    )


def step_article(step: StepStory, story: Story, film: Film) -> Html:
    """Everything about one step."""
    before = _shot(film, step.frame_before, f"Before step {step.number}", action_marks(step.action, step.target))
    after = _shot(film, step.frame_after, f"After step {step.number}", effect_marks(step.effect))
    return tag(
        "article",
        tag(
            "header",
            tag("h2", tag("span", str(step.number), class_="number"), " ", words.describe(step.action, step.target), dir="auto"),
            tag("p", _effect_badge(step.effect), tag("span", _when(step, story), class_="when"), class_="badges"),
        ),
        *map(_note, step.notes),
        tag("blockquote", step.thought, class_="thought", dir="auto") if step.thought else "",
        tag("div", before, after, class_="shots"),
        _timing(step.phases_ms),
        _details(step, story),
        id=f"step-{step.number}",
        class_="step",
        aria_label=f"Step {step.number}",
    )


def ending_article(story: Story, film: Film) -> Html:
    """The last decision and the last screen."""
    ending = story.ending
    outcome = OUTCOME_WORDS[ending.outcome]
    return tag(
        "article",
        tag(
            "header",
            tag("h2", tag("span", "end", class_="number"), f" {outcome}"),
            tag("p", tag("span", outcome, class_=f"outcome outcome-{ending.outcome or 'open'}"), class_="badges"),
        ),
        *map(_note, ending.notes),
        tag("blockquote", ending.thought, class_="thought", dir="auto") if ending.thought else "",
        tag("p", "Answer: ", tag("strong", ending.answer, dir="auto")) if ending.answer else "",
        tag("p", ending.message, dir="auto") if ending.message and ending.message != ending.thought else "",
        tag("div", _shot(film, ending.frame, "The last screen"), class_="shots single") if ending.frame else "",
        _timing(ending.phases_ms),
        _fold_out([("Reply", ending.reply)]) if ending.reply else "",
        id="end",
        class_="step",
        aria_label="End",
    )


def _item(step: StepStory) -> Html:
    effect = step.effect
    status = effect.status if effect else "unknown"
    return tag(
        "li",
        tag(
            "a",
            tag("span", str(step.number), class_="number"),
            tag("span", words.describe(step.action, step.target), class_="what", dir="auto"),
            tag("span", tag("span", words.effect_words(effect) if effect else "effect unknown", class_="hidden"),
                class_=f"dot effect-{status}", title=words.effect_words(effect) if effect else "effect unknown"),
            tag("span", words.milliseconds(total_ms(step.phases_ms)), class_="ms"),
            href=f"#step-{step.number}",
        ),
    )  # fmt: skip


def _last_item(story: Story) -> Html:
    label = OUTCOME_WORDS[story.ending.outcome]
    return tag("li", tag("a", tag("span", "end", class_="number"), tag("span", label, class_="what"), href="#end"))


def _shot(film: Film, frame_id: str, caption: str, marks: tuple[Mark, ...] = ()) -> Html:
    index = film.places.get(frame_id)
    still = film.stills[index] if index is not None else None
    if still is None or still.error:
        why = still.error if still else "no picture was recorded"
        return tag("figure", tag("figcaption", caption), tag("p", why, class_="no-picture"), class_="shot")
    screen = tag(
        "button",
        tag("canvas", width=still.w, height=still.h, role="img", aria_label=f"The screen: {caption.lower()}"),
        Html(overlay(marks, still.w, still.h)),
        type="button",
        class_="screen",
        aria_label=f"Enlarge: {caption.lower()}",
    )
    return tag("figure", tag("figcaption", caption), screen, class_="shot", data_frame=index)


def _effect_badge(effect: Effect | None) -> Html:
    if effect is None:
        return tag("span", "effect unknown", class_="effect effect-unknown")
    badge = tag("span", words.effect_words(effect), class_=f"effect effect-{effect.status}")
    count = len(effect.changed)
    regions = f"{counted(count, 'region')} changed" if count else ""
    said = [tag("span", text, class_="why", dir="auto") for text in (regions, effect.message) if text]
    return join(badge, *said)


def _when(step: StepStory, story: Story) -> str:
    total = words.milliseconds(total_ms(step.phases_ms))
    return f"{total}, {words.milliseconds(max(0.0, step.began_s - story.began_s) * 1000)} after the start"


def _note(note: Note) -> Html:
    text = tag("span", note.text, dir="auto") if note.text else ""
    return tag("p", tag("strong", note.title), " " if note.text else "", text, class_=f"note note-{note.tone}")


def _timing(phases_ms: dict[str, float]) -> Html:
    if not phases_ms:
        return Html("")
    items = [
        tag("li", Html(f'<svg width="10" height="10" aria-hidden="true"><rect class="ph ph-{phase.key}" width="10" height="10" '
            'rx="2"/></svg>'), f"{phase.label} ", tag("b", words.milliseconds(phases_ms[phase.key])), title=phase.meaning)
        for phase in PHASES if phases_ms.get(phase.key)
    ]  # fmt: skip
    return tag("div", Html(chart.bar(phases_ms)), tag("ul", *items, class_="legend"), class_="timing")


def _details(step: StepStory, story: Story) -> Html:
    target = step.target
    rows = [
        ("Decided by", step.model if len(story.models) > 1 else ""),
        ("Action", msgspec.json.encode(step.action).decode("utf-8")),
        ("Target", f"{words.name_of(target)}, score {target.score:.2f}" if target else ""),
        ("Written on it", target.text if target else ""),
        ("Read", step.effect.output if step.effect else ""),
        ("Tokens", _tokens(step.usage)),
        ("Confidence", f"{step.score:.2f}" if step.score < 1 else ""),
        ("Reply", step.reply),
    ]
    return _fold_out([(name, value) for name, value in rows if value])


def _tokens(usage: Usage) -> str:
    if not usage.prompt_tokens and not usage.output_tokens:
        return ""
    return (
        f"{usage.prompt_tokens} read ({usage.cached_tokens} cached, {usage.image_tokens} of the picture), "
        f"{usage.output_tokens} written"
    )


def _fold_out(rows: list[tuple[str, str]]) -> Html:
    items = [join(tag("dt", name), tag("dd", value, dir="auto")) for name, value in rows]
    return tag("details", tag("summary", "Details"), tag("dl", *items), class_="details")
