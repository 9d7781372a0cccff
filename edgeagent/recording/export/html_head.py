"""The upper part of the report: what was asked, how it ended, where the time went, and what is damaged."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from statistics import median

from edgeagent import words
from edgeagent.recording.export import chart
from edgeagent.recording.export.markup import Html, join, tag
from edgeagent.recording.export.phases import total_ms
from edgeagent.recording.export.story import Story

OUTCOME_WORDS = {
    "done": "done",
    "failed": "not done",
    "needs_user": "needs the user",
    "limit": "stopped by a limit",
    "stopped": "stopped",
    "interrupted": "interrupted",
    "error": "error",
    "": "not ended",
}
_MAX_DAMAGE_LINES = 20
_WIDE_CHARS = 14
_LONG_TASK_CHARS = 280


def header(story: Story) -> Html:
    """Task, outcome and the facts of the session."""
    ending = story.ending
    return tag(
        "header",
        tag("p", tag("b", "edgeagent"), " session report", class_="brand"),
        tag(
            "div",
            tag("h1", story.task, dir="auto", class_="long" if len(story.task) > _LONG_TASK_CHARS else None),
            tag("p", OUTCOME_WORDS[ending.outcome], class_=f"outcome outcome-{ending.outcome or 'open'}"),
            class_="headline",
        ),
        tag("p", "Answer: ", tag("strong", ending.answer, dir="auto"), class_="message") if ending.answer else "",
        tag("p", ending.message, class_="message", dir="auto") if ending.message else "",
        tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in _facts(story)), class_="facts"),
        _damage(story),
        class_="top",
    )


def overview(story: Story) -> Html:
    """Figures over all steps, and the chart of their times."""
    if not story.steps:
        return Html("")
    tiles = [
        tag("div", tag("dt", name), tag("dd", value), title=meaning, class_="wide" if len(value) > _WIDE_CHARS else None)
        for name, value, meaning in _figures(story)
    ]
    plot = tag("div", Html(chart.columns(story.steps)), class_="chart-box", tabindex=0, role="group", aria_labelledby="time")
    beside = tag("div", tag("dl", *tiles, class_="tiles"), Html(chart.legend(story.steps)))
    return tag(
        "section",
        tag("h2", "Where the time went", id="time"),
        tag("div", plot, beside, class_="time"),
        class_="overview",
    )


def _facts(story: Story) -> list[tuple[str, str]]:
    began = datetime.fromtimestamp(story.began_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    runs = f" in {story.runs} runs" if story.runs > 1 else ""
    facts = [
        ("Model", ", then ".join(story.models)),
        ("Works as", story.works_as),
        ("Machine", story.machine),
        ("Started", began),
        ("Worked", words.milliseconds(story.worked_s * 1000) + runs),
        ("Steps", str(len(story.steps))),
        ("Screen", f"{story.width_px} × {story.height_px}"),
        ("Sandbox", _layers(story.layers)),
        ("Missing layers", ", ".join(story.missing_layers)),
        ("Seed", "" if story.seed is None else str(story.seed)),
        ("Forked from", story.parent),
        ("Session", story.session),
        ("Version", story.version),
    ]
    return [(name, value) for name, value in facts if value]


def _layers(layers: tuple[str, ...]) -> str:
    """Layers by name; those that come as ``layer:right`` are counted behind their layer."""
    details = Counter(layer.partition(":")[0] for layer in layers if ":" in layer)
    names = dict.fromkeys(layer.partition(":")[0] for layer in layers)
    said = (f"{name} ({details[name]} rights)" if name in details else name for name in names)
    return ", ".join(said).replace("_", " ")


def _figures(story: Story) -> list[tuple[str, str, str]]:
    steps = [step.phases_ms for step in story.steps]
    whole = sum(total_ms(phases) for phases in steps)
    model = sum(total_ms(phases, "model") for phases in steps)
    figures = [
        ("Median step", _median([total_ms(phases) for phases in steps]), "half of the steps took less"),
        ("Model", _median([total_ms(phases, "model") for phases in steps]), "median time a step in perception and deciding"),
        (
            "Outside it",
            _median([total_ms(phases, "outside") for phases in steps]),
            "median time a step in looking, acting, recording",
        ),
        ("Application", _median([total_ms(phases, "application") for phases in steps]), "median time until its last change"),
        ("Quiet window", _median([total_ms(phases, "quiet") for phases in steps]), "median wait for stillness"),
        ("Model's share", f"{model / whole:.0%}" if whole else "0%", "of the time of all steps"),
        ("Effects", _effects(story), "how the actions turned out, judged from pixels"),
    ]
    return [*figures, *_tokens(story)]


def _median(values_ms: list[float]) -> str:
    return words.milliseconds(median(values_ms))


def _effects(story: Story) -> str:
    counts = Counter(words.effect_words(step.effect) if step.effect else "unknown" for step in story.steps)
    return ", ".join(f"{count} {name}" for name, count in counts.most_common())


def _tokens(story: Story) -> list[tuple[str, str, str]]:
    usage = story.usage
    if not usage.prompt_tokens and not usage.output_tokens:
        return []
    share = f", {usage.cached_tokens / usage.prompt_tokens:.0%} cached" if usage.prompt_tokens else ""
    said = f"{usage.prompt_tokens:,} read{share}, {usage.output_tokens:,} written"
    return [("Tokens", said, "over the whole session; cached ones were not computed again")]


def _damage(story: Story) -> Html:
    if not story.damage:
        return Html("")
    shown = [
        tag("li", f"line {damage.line}: " if damage.line else "", damage.reason) for damage in story.damage[:_MAX_DAMAGE_LINES]
    ]
    more = len(story.damage) - len(shown)
    return tag(
        "div",
        tag("strong", "This recording is damaged. What could be read is shown."),
        tag("ul", *shown, join(tag("li", f"and {more} more")) if more else ""),
        class_="banner banner-error",
        role="alert",
    )
