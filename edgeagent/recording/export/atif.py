"""A session as an ATIF trajectory (see `edgeagent.recording.export.atif_types`): one JSON file, and its pictures beside it.

The task is the first step (of the user); each executed action is one step of the agent with one tool call, whose observation
is the effect and the screen after it; notes between steps (a word of the user, a lost desktop) are steps of their own.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
from PIL import Image

from edgeagent import words
from edgeagent.errors import RecordingError
from edgeagent.recording.export import atif_types as atif
from edgeagent.recording.export.film import read_picture
from edgeagent.recording.export.phases import total_ms
from edgeagent.recording.export.placing import placed
from edgeagent.recording.export.story import Note, StepStory, Story
from edgeagent.recording.export.telling import tell
from edgeagent.recording.reader import SessionReader
from edgeagent_harness.protocol.actions import Action, action_kind
from edgeagent_harness.protocol.effects import Effect
from edgeagent_models.protocol import Usage

_USER_SAID = "The user said"


def write_atif(reader: SessionReader, out: Path) -> Path:
    """Write the trajectory to the file ``out`` and its pictures into the folder ``<name>-images`` beside it."""
    story = tell(reader)
    pictures = _Pictures(reader, out)
    document = trajectory(story, pictures)
    with placed(out) as part:
        part.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
    return out


class _Pictures:
    """Writes the frames that the trajectory refers to, each once."""

    def __init__(self, reader: SessionReader, out: Path) -> None:
        self._reader = reader
        self._folder = out.parent / f"{out.stem}-images"

    def part(self, frame_id: str) -> list[atif.ContentPart]:
        """The frame as a part of an observation; a sentence where it cannot be read."""
        if not frame_id:
            return []
        path = self._folder / f"{frame_id}.png"
        try:
            picture = Image.fromarray(read_picture(self._reader, frame_id))
        except RecordingError as error:
            return [atif.ContentPart(type="text", text=f"[the screen could not be read: {error}]")]
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            picture.save(path, "PNG")
        source = atif.ImageSource(media_type="image/png", path=f"{self._folder.name}/{path.name}")
        return [atif.ContentPart(type="image", source=source)]


def trajectory(story: Story, pictures: _Pictures) -> atif.Trajectory:
    """The whole document. Steps are numbered when all of them are known."""
    first = story.steps[0].frame_before if story.steps else story.ending.frame
    asked: atif.Content = [atif.ContentPart(type="text", text=story.task), *pictures.part(first)]
    steps = [atif.Step(step_id=1, source="user", message=asked, timestamp=_iso(story.began_s))]
    for step in story.steps:
        steps.extend(map(_note, step.notes))
        steps.append(_step(step, pictures, step.model if len(story.models) > 1 else ""))
    steps.extend(map(_note, story.ending.notes))
    steps.extend(_ending(story))
    numbered = [msgspec.structs.replace(step, step_id=number) for number, step in enumerate(steps, start=1)]
    damage = [f"line {damage.line}: {damage.reason}" for damage in story.damage]
    return atif.Trajectory(
        schema_version=atif.ATIF_VERSION,
        session_id=story.session,
        trajectory_id=f"{story.session}/{story.agent}" if story.agent else story.session,
        agent=atif.Agent(name="edgeagent", version=story.version, model_name=story.model or None, extra=_agent_extra(story)),
        steps=numbered,
        notes="The recording is damaged; what could be read is here. " + "; ".join(damage) if damage else None,
        final_metrics=_final(story, len(numbered)),
        extra={"outcome": story.ending.outcome, "forked_from": story.parent},
    )


def _step(step: StepStory, pictures: _Pictures, model: str) -> atif.Step:
    """``model``: which decided it, where that is not the trajectory's own."""
    call_id = f"call_{step.number}"
    said = [atif.ContentPart(type="text", text=_effect_text(step.effect)), *pictures.part(step.frame_after)]
    call = atif.ToolCall(tool_call_id=call_id, function_name=action_kind(step.action), arguments=arguments(step.action))
    effect: atif.JsonObject = {"effect": msgspec.to_builtins(step.effect)} if step.effect else {}
    return atif.Step(
        step_id=1,
        source="agent",
        message=words.describe(step.action, step.target),
        timestamp=_iso(step.began_s),
        model_name=model or None,
        reasoning_content=step.thought or None,
        tool_calls=[call],
        observation=atif.Observation(
            results=[atif.ObservationResult(source_call_id=call_id, content=said, extra=effect or None)]
        ),
        metrics=_metrics(step.usage, step.phases_ms),
        extra={"target": msgspec.to_builtins(step.target)} if step.target else None,
    )


def arguments(action: Action) -> atif.JsonObject:
    """The action's fields without its tag."""
    fields: atif.JsonObject = msgspec.to_builtins(action)
    return {name: value for name, value in fields.items() if name != "kind"}


def _note(note: Note) -> atif.Step:
    if note.title == _USER_SAID:
        return atif.Step(step_id=1, source="user", message=note.text)
    return atif.Step(step_id=1, source="system", message=f"{note.title}: {note.text}" if note.text else note.title)


def _ending(story: Story) -> list[atif.Step]:
    ending = story.ending
    if not ending.outcome:
        return []
    said = ending.answer or ending.message or ending.outcome
    if not ending.reply:
        return [atif.Step(step_id=1, source="system", message=said)]
    metrics = _metrics(ending.usage, ending.phases_ms)
    thought = ending.thought or None
    return [atif.Step(step_id=1, source="agent", message=said, reasoning_content=thought, metrics=metrics)]


def _effect_text(effect: Effect | None) -> str:
    if effect is None:
        return "effect unknown: the program died before it was recorded"
    return "\n".join(part for part in (words.effect_words(effect), effect.message, effect.output) if part)


def _metrics(usage: Usage, phases_ms: dict[str, float]) -> atif.Metrics | None:
    if not usage.prompt_tokens and not phases_ms:
        return None
    return atif.Metrics(
        prompt_tokens=usage.prompt_tokens or None,
        completion_tokens=usage.output_tokens or None,
        cached_tokens=usage.cached_tokens or None,
        extra={"phases_ms": {key: round(value, 3) for key, value in phases_ms.items()}} if phases_ms else None,
    )


def _final(story: Story, count: int) -> atif.FinalMetrics:
    usage = story.usage
    return atif.FinalMetrics(
        total_prompt_tokens=usage.prompt_tokens,
        total_completion_tokens=usage.output_tokens,
        total_cached_tokens=usage.cached_tokens,
        total_steps=count,
        extra={
            "actions": len(story.steps),
            "worked_s": round(story.worked_s, 3),
            "model_ms": round(sum(total_ms(step.phases_ms, "model") for step in story.steps), 3),
        },
    )


def _agent_extra(story: Story) -> atif.JsonObject:
    return {"screen_px": [story.width_px, story.height_px], "seed": story.seed, "machine": story.machine}


def _iso(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).isoformat(timespec="milliseconds")
