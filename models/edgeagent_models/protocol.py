"""Messages between the app and an engine process: msgpack on a socketpair, framed as in ``edgeagent_harness.protocol.wire``.

One engine process serves several sessions: each request names a ``sequence``. Every request has an ``id``; a `Complete` is
answered by any number of `Delta` and one `Completed` or `EngineFailed`; all others by exactly one reply. `Abort` overtakes.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from edgeagent_harness.isolation.canary import Canary, Targets
from edgeagent_harness.protocol.effects import EffectStatus
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.messages import Expectation

ENGINE_PROTOCOL_VERSION = 6
MAX_ENGINE_MESSAGE_BYTES = 256 << 20
"""Images travel inline: one 4K BGRX frame is 33 MB."""
PARKED_BYTES = 2 << 30
"""Of states on disk together."""

NETWORK_NAMESPACE = "engine_network_namespace"
SOCKET_FILTER = "engine_socket_filter"
NO_NEW_PRIVILEGES = "engine_no_new_privileges"
"""What an engine's process gives up before it loads anything; see `Loaded.missing_layers`."""

Role = Literal[
    "button", "text_field", "checkbox", "radio", "select", "option", "slider", "tab", "link", "icon", "text", "image", "menu_item"
]  # fmt: skip
ElementState = Literal["", "checked", "unchecked", "selected", "focused", "disabled", "expanded", "collapsed"]


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """Base of all messages."""


class Image(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pixels: ``(height, width, 4) uint8`` BGRX or ``(height, width, 3) uint8`` RGB, rows without padding."""

    width: int
    height: int
    layout: Literal["bgrx", "rgb"]
    pixels: bytes
    sent_width: int = 0
    sent_height: int = 0
    """The size at which the encoder is to get it; 0: as the encoder likes."""


class Element(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing on the screen as perception found it, in physical pixels."""

    id: int
    """Its place in the reading order of this frame; not stable between frames."""
    role: Role
    box: Rect
    text: str = ""
    """What is written in or on it."""
    label: str = ""
    """The text beside it that names it, for fields and boxes."""
    state: ElementState = ""
    score: float = 1.0


class PastStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One executed step, as the embedded policy is told of it."""

    action_json: str
    effect: EffectStatus
    target: Element | None = None


class Usage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tokens of one completion."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    image_tokens: int = 0
    output_tokens: int = 0


class Sampling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to pick tokens. ``temperature`` 0 is greedy."""

    temperature: Annotated[float, msgspec.Meta(ge=0, le=5)] = 0.0
    top_p: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    top_k: Annotated[int, msgspec.Meta(ge=0)] = 0
    seed: int = 0
    max_tokens: Annotated[int, msgspec.Meta(ge=1, le=65_536)] = 256
    stop: tuple[str, ...] = ()


class TextPart(_Message, frozen=True, tag="text"):
    """Literal text of a prompt (already through the chat template where ``Complete.templated`` is set)."""

    text: str


class ImagePart(_Message, frozen=True, tag="image"):
    """A picture in a prompt."""

    image: Image


Part: TypeAlias = TextPart | ImagePart


class ChatMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One turn of a conversation; the engine renders turns with the GGUF's own chat template."""

    role: Literal["system", "user", "assistant", "tool"]
    parts: tuple[Part, ...]


# -- requests -----------------------------------------------------------------------------------------------------------


class Load(_Message, frozen=True, tag="load"):
    """Load a model. ``path`` is a GGUF file, or empty for the embedded set."""

    id: int
    path: str = ""
    mmproj: str = ""
    context_tokens: int = 8192
    max_sequences: int = 4
    threads: int = 0
    """0: as measured best for this machine."""
    threads_file: str = ""
    """Where that is remembered; empty: it is not measured, the usual numbers are taken."""
    gpu_layers: Annotated[int, msgspec.Meta(ge=-1)] = -1
    """-1: as many as fit into the GPU's free memory, none without one."""
    parked_folder: str = ""
    """Where states of sequences may be kept on disk; empty: nowhere."""
    parked_bytes: int = PARKED_BYTES
    """How much of them."""
    leaving_folder: str = ""
    """Where those go that find no more room there: the app carries them on. Empty: they are removed."""
    version: int = ENGINE_PROTOCOL_VERSION


class OpenSequence(_Message, frozen=True, tag="open_sequence"):
    """Begin a sequence of that name; it holds nothing yet."""

    id: int
    sequence: str


class CloseSequence(_Message, frozen=True, tag="close_sequence"):
    """Forget a sequence, and what it holds."""

    id: int
    sequence: str


class Complete(_Message, frozen=True, tag="complete"):
    """Continue ``messages``. ``grammar`` (GBNF) constrains the output; ``stream`` asks for `Delta` messages."""

    id: int
    sequence: str
    messages: tuple[ChatMessage, ...]
    sampling: Sampling = Sampling()
    grammar: str = ""
    stream: bool = False
    templated: bool = False
    """The parts are the exact prompt: concatenate them, apply no chat template."""


class Prime(_Message, frozen=True, tag="prime"):
    """Bring the beginning of a prompt that will probably be asked into memory; answered with `Ok` when that is done or given up.

    A `Complete` for the same sequence ends it at once: it keeps what is there by then, and what was guessed wrong is dropped.
    """

    id: int
    sequence: str
    messages: tuple[ChatMessage, ...]


class Decide(_Message, frozen=True, tag="decide"):
    """Embedded engine only: see ``image``, then choose the next action for ``task``."""

    id: int
    sequence: str
    task: str
    image: Image
    history: tuple[PastStep, ...] = ()
    memory: str = ""
    """What the previous `Decided` returned; the app keeps it in the log, so a restarted engine goes on."""


class Perceive(_Message, frozen=True, tag="perceive"):
    """Embedded engine only: what is on the screen."""

    id: int
    sequence: str
    image: Image


class Abort(_Message, frozen=True, tag="abort"):
    """Stop request ``target``; it is answered with ``stop_reason`` ``aborted``."""

    id: int
    target: int


class SaveState(_Message, frozen=True, tag="save_state"):
    """Write what a sequence holds to the file ``path``."""

    id: int
    sequence: str
    path: str


class LoadState(_Message, frozen=True, tag="load_state"):
    """Have a sequence hold what the file ``path`` does, where it is of the same model."""

    id: int
    sequence: str
    path: str


class Park(_Message, frozen=True, tag="park"):
    """``sequence`` will not be asked for a while: its state goes out of the way when others want its place, to RAM and then to
    disk, or at once ``to_disk``. It comes back by itself with the next question that begins like it. Answered with `Parked`."""

    id: int
    sequence: str
    to_disk: bool = False
    """It outlives this process then."""
    priority: Annotated[int, msgspec.Meta(ge=0, le=100)] = 50
    ttl_s: Annotated[float, msgspec.Meta(gt=0)] = 86_400.0
    """After that it is worth nothing."""


class Fetch(_Message, frozen=True, tag="fetch"):
    """``sequence`` will be asked soon: bring back what was parked under its name, if anything was."""

    id: int
    sequence: str


class RunCanary(_Message, frozen=True, tag="run_canary"):
    """Try to reach the prober's listeners; answered with `CanaryRan`."""

    id: int
    targets: Targets


class Health(_Message, frozen=True, tag="health"):
    """How the engine is; overtakes the work under way."""

    id: int


class Shutdown(_Message, frozen=True, tag="shutdown"):
    """End the process."""

    id: int


EngineRequest: TypeAlias = (
    Load
    | OpenSequence
    | CloseSequence
    | Complete
    | Prime
    | Decide
    | Perceive
    | Abort
    | SaveState
    | LoadState
    | Park
    | Fetch
    | RunCanary
    | Health
    | Shutdown
)

# -- replies ------------------------------------------------------------------------------------------------------------


class Ok(_Message, frozen=True, tag="ok"):
    """Done, and there is nothing to tell."""

    id: int


class Loaded(_Message, frozen=True, tag="loaded"):
    """The model is there, and what it can do."""

    id: int
    name: str
    architecture: str
    fingerprint: str
    """Hash over what makes saved state usable: weights, mmproj, context, KV types, template."""
    vision: bool
    context_tokens: int
    load_ms: float
    chat_template: str = ""
    threads: tuple[int, int] = (0, 0)
    """For single tokens, and for batches."""
    missing_layers: tuple[str, ...] = ()
    """What the engine's process could not give up on this machine, each as ``name: reason``."""


class Parked(_Message, frozen=True, tag="parked"):
    """Where the state is now; nowhere if there was none, or no room."""

    id: int
    where: Literal["", "live", "ram", "disk"]
    size_bytes: int
    """0 where it needs no bytes of its own."""


class Delta(_Message, frozen=True, tag="delta"):
    """What a reply has grown by."""

    id: int
    text: str


class Completed(_Message, frozen=True, tag="completed"):
    """A whole reply, and what it took."""

    id: int
    text: str
    stop_reason: Literal["eos", "length", "stop", "grammar", "aborted"]
    usage: Usage
    timings_ms: dict[str, float]
    """Phases of ``docs/timings.md``: encode_ms, prefill_ms, ttft_ms, decode_ms."""


class Decided(_Message, frozen=True, tag="decided"):
    """The embedded policy's choice. ``reply_json`` is ``{"thought": str, "action": canonical action in physical pixels}``."""

    id: int
    reply_json: str
    target: Element | None
    expect: Expectation
    score: float
    memory: str
    elements: int
    timings_ms: dict[str, float]
    """perceive_ms, decode_ms."""


class Perceived(_Message, frozen=True, tag="perceived"):
    """What is on a screen."""

    id: int
    elements: tuple[Element, ...]
    timings_ms: dict[str, float]


class Healthy(_Message, frozen=True, tag="healthy"):
    """How the engine is."""

    id: int
    rss_bytes: int
    sequences: int
    busy: bool


class CanaryRan(_Message, frozen=True, tag="canary_ran"):
    """How the try to get out went."""

    id: int
    canary: Canary


class EngineFailed(_Message, frozen=True, tag="engine_failed"):
    """A request that could not be served; the app raises the class of ``docs/errors.md``."""

    id: int
    code: Literal["usage", "model", "context_full", "no_such_sequence", "internal"]
    message: Annotated[str, msgspec.Meta(max_length=4000)]


class EngineWasRestarted(_Message, frozen=True, tag="engine_was_restarted"):
    """Not asked for (its id is 0): said by who shares an engine with other processes, when that died and runs again."""

    id: int
    why: str


EngineReply: TypeAlias = (
    Ok | Loaded | Parked | Delta | Completed | Decided | Perceived | CanaryRan | Healthy | EngineFailed | EngineWasRestarted
)
