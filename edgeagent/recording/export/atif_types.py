"""The Agent Trajectory Interchange Format, version 1.7, as types: the part of it that a session can fill.

Names and rules follow Harbor's own models, ``src/harbor/models/trajectories/*.py`` of the project harbor-framework/harbor (read
in its release 0.25.0), which refuse unknown fields. Fields that stay unset are left out of the JSON.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

ATIF_VERSION = "ATIF-v1.7"

JsonObject = dict[str, object]


class _Node(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Base of all types here."""


class ImageSource(_Node, frozen=True):
    """``path`` is relative to the trajectory's file."""

    media_type: Literal["image/jpeg", "image/png", "image/gif", "image/webp"]
    path: str


class ContentPart(_Node, frozen=True):
    """``text`` for a text part, ``source`` for a picture; never both."""

    type: Literal["text", "image"]
    text: str | None = None
    source: ImageSource | None = None


Content = str | list[ContentPart]


class ToolCall(_Node, frozen=True):
    tool_call_id: str
    function_name: str
    arguments: JsonObject
    extra: JsonObject | None = None


class ObservationResult(_Node, frozen=True):
    """``source_call_id`` names a tool call of the same step."""

    source_call_id: str | None = None
    content: Content | None = None
    extra: JsonObject | None = None


class Observation(_Node, frozen=True):
    results: list[ObservationResult]


class Metrics(_Node, frozen=True):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    extra: JsonObject | None = None


class Step(_Node, frozen=True):
    """All fields from ``reasoning_content`` to ``metrics`` but ``observation`` are an agent's only."""

    step_id: Annotated[int, msgspec.Meta(ge=1)]
    source: Literal["system", "user", "agent"]
    message: Content
    timestamp: str | None = None
    model_name: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[ToolCall] | None = None
    observation: Observation | None = None
    metrics: Metrics | None = None
    llm_call_count: Annotated[int, msgspec.Meta(ge=0)] | None = None
    extra: JsonObject | None = None


class Agent(_Node, frozen=True):
    name: str
    version: str
    model_name: str | None = None
    extra: JsonObject | None = None


class FinalMetrics(_Node, frozen=True):
    total_prompt_tokens: int | None = None
    total_completion_tokens: int | None = None
    total_cached_tokens: int | None = None
    total_steps: Annotated[int, msgspec.Meta(ge=0)] | None = None
    extra: JsonObject | None = None


class Trajectory(_Node, frozen=True):
    """The whole document. ``schema_version`` has no default, so that it is always written."""

    schema_version: Literal["ATIF-v1.7"]
    session_id: str
    trajectory_id: str
    agent: Agent
    steps: Annotated[list[Step], msgspec.Meta(min_length=1)]
    notes: str | None = None
    final_metrics: FinalMetrics | None = None
    extra: JsonObject | None = None
