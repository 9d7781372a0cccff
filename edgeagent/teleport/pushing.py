"""Hands a session over to a backend. At every point it is clear whose it is, and going on is the same command again.

The order is what makes it so: before the backend could become the owner, this side has written down that it is not any more. It
is again only once the backend refuses every earlier attempt (`keep`).
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path

import msgspec

from edgeagent import offline
from edgeagent.clock import SystemClock
from edgeagent.errors import BundleRefused, NotOwner, SessionNotFound, TeleportError, TeleportRefused
from edgeagent.policy.loading import read_policy
from edgeagent.prove.keys import signing_key
from edgeagent.recording.log import LOG_NAME
from edgeagent.recording.log_reading import read_log
from edgeagent.remote_names import is_remote, model_name
from edgeagent.sessions.leaving import ask_to_leave, forget_leaving
from edgeagent.sessions.lock import is_locked
from edgeagent.sessions.store import SessionStore
from edgeagent.sessions.summary import desktop_of
from edgeagent.sessions.whereabouts import Whereabouts, keep_whereabouts, whereabouts
from edgeagent.teleport.api import Api
from edgeagent.teleport.backends import Connected, backends, own_identity
from edgeagent.teleport.manifest import sign
from edgeagent.teleport.plan import Plan, make_plan, model_of
from edgeagent.teleport.progress import Entered, Moved, Previewed, Tell
from edgeagent.teleport.sealing import Recipient
from edgeagent.teleport.wire import MAX_BATCH_BYTES, MAX_IDS, Echo, Flip, Prepare, Standing, frame

LEAVE_TIMEOUT_S = 120.0
"""For the step under way to finish."""
_TRIES = 3
"""Chunks that turn out to be damaged there are sent again, so often."""


def require_permitted(directory: Path, backend: Connected | None = None) -> None:
    """Raise `TeleportRefused` in offline mode, or if the session's policy or what it works with keep it on this machine.

    ``backend``: where it is to go; None: wherever it could.
    """
    spec = desktop_of(directory)
    policy = read_policy(spec.policy_yaml, spec.policy_name)
    if spec.offline or policy.egress.mode == "offline":
        raise TeleportRefused(
            f"session {directory.name} is offline: it does not leave this machine", "that cannot be undone for it"
        )
    if offline.is_offline():
        raise TeleportRefused("this is offline mode: nothing leaves this machine", "start edgeagent without --offline")
    if spec.host is not None:
        raise TeleportRefused(
            f"session {directory.name} works on this machine's own desktop, which does not move",
            "a task that is to move must begin in a sandbox",
        )
    model = model_of(event.data for event in read_log(directory / LOG_NAME).events).model
    known = [backend] if backend else backends().values()
    if is_remote(model) and not any(model_name(model) in one.models for one in known):
        raise TeleportRefused(
            f"session {directory.name} is decided by a server ({model}), which the backend would have to reach",
            "let another model go on: `edgeagent sessions resume --model`, or O in the terminal app; or have the backend started "
            f"with --model {model_name(model)}=openai:URL#NAME, and connect to it anew",
        )
    if policy.teleport == "deny":
        raise TeleportRefused(
            f"the policy {spec.policy_name} says teleport: deny", "change the policy, or leave the session here"
        )


async def push(
    store: SessionStore, session: str, name: str, backend: Connected, api: Api, tell: Tell, confirm: Callable[[Plan], bool],
    with_engine_state: bool = False,
) -> Standing:  # fmt: skip
    """Hand ``session`` over to the backend called ``name``. A run that is under way finishes its step and ends first.
    ``with_engine_state``: what its engine holds goes along, if that may.

    Raises `TeleportRefused`, `NotOwner`, or `TeleportError`; the same call again goes on where it stopped.
    """
    directory = store.find(session)
    require_permitted(directory, backend)
    if with_engine_state and not (await api.backend()).takes_engine_states:
        raise TeleportRefused(
            f"{name} takes no engine states, by its operator's choice", "leave out --with-engine-state; nothing else is lost"
        )
    tell(Entered("preparing", directory.name, name))
    await _let_leave(directory, name)
    with store.open_elsewhere(directory.name, SystemClock()):
        now = whereabouts(directory)
        if now.phase in ("there", "returning"):
            raise NotOwner(f"session {directory.name} is at {now.remote} already", f"edgeagent teleport status {directory.name}")
        if now.phase == "handing_over" and (done := await _taken_over(api, directory, now)):
            return done
        plan = await asyncio.to_thread(make_plan, directory, with_engine_state)
        tell(Previewed(plan))
        if not confirm(plan):
            raise TeleportError("nothing was sent, and nothing has changed", "say --yes, or answer yes")
        standing = await _hand_over(directory, now, name, backend, api, plan, tell)
    tell(Entered("there", directory.name, name))
    return standing


async def keep(store: SessionStore, session: str, api: Api) -> None:
    """Have a session that is on its way out stay after all: no earlier attempt counts any more. Raises `NotOwner`."""
    directory = store.find(session)
    now = whereabouts(directory)
    if now.phase != "handing_over":
        raise NotOwner(f"session {directory.name} is not on its way out", f"edgeagent teleport status {directory.name}")
    with store.open_elsewhere(directory.name, SystemClock()):
        if await _taken_over(api, directory, now) is None:
            await _prepare(api, directory, now.epoch)
            keep_whereabouts(directory, msgspec.structs.replace(now, phase="here"))
            return
    raise NotOwner(f"session {directory.name} was taken over already", f"edgeagent teleport pull {directory.name}")


async def _let_leave(directory: Path, name: str) -> None:
    """Have a run that is under way end after its step."""
    end_s = time.monotonic() + LEAVE_TIMEOUT_S
    try:
        while is_locked(directory):
            ask_to_leave(directory, f"the session moves to {name}")
            if time.monotonic() > end_s:
                raise TeleportError(
                    f"session {directory.name} did not come to the end of its step", "stop it, then do the same again"
                )
            await asyncio.sleep(0.05)
    finally:
        forget_leaving(directory)


async def _taken_over(api: Api, directory: Path, now: Whereabouts) -> Standing | None:
    """How it stands, if the hand-over that was under way came through after all; this side then knows it."""
    try:
        standing = await api.standing(directory.name)
    except SessionNotFound:
        return None
    if (standing.owner, standing.epoch) == ("cloud", now.epoch + 1):
        keep_whereabouts(directory, msgspec.structs.replace(now, phase="there", epoch=standing.epoch))
        return standing
    return None


async def _hand_over(
    directory: Path, before: Whereabouts, name: str, backend: Connected, api: Api, plan: Plan, tell: Tell
) -> Standing:  # fmt: skip
    attempt = await _prepare(api, directory, before.epoch)
    now = Whereabouts("uploading", name, before.epoch, plan.hash)
    keep_whereabouts(directory, now)
    mine = Echo(plan.hash, plan.manifest.head)
    echo = None
    for _ in range(_TRIES):
        tell(Entered("uploading", directory.name, name))
        await _upload(api, plan, Recipient(backend.recipient), tell)
        keep_whereabouts(directory, msgspec.structs.replace(now, phase="handing_over"))
        tell(Entered("verifying", directory.name, name))
        try:
            echo = await api.rebuild(directory.name, now.epoch, attempt, sign(plan.manifest, signing_key()))
            break
        except BundleRefused:  # a chunk was damaged there: it forgot it, and asks for it again
            if not await _missing(api, plan):
                raise
    if echo != mine:
        raise TeleportError(
            f"the backend rebuilt something else: {echo}", "nothing changed hands; `edgeagent teleport keep` says so there"
        )
    tell(Entered("handing_over", directory.name, name))
    standing = await api.hand_over(directory.name, Flip(now.epoch, attempt, mine))
    if (standing.owner, standing.epoch) != ("cloud", now.epoch + 1):
        raise TeleportError(f"the backend says that the session is the {standing.owner}'s at epoch {standing.epoch}")
    keep_whereabouts(directory, Whereabouts("there", name, standing.epoch, plan.hash))
    return standing


async def _prepare(api: Api, directory: Path, epoch: int) -> str:
    """Begin an attempt; all earlier ones are over. Returns its name."""
    attempt = secrets.token_hex(16)
    signer = bytes(signing_key().verify_key).hex()
    await api.prepare(directory.name, Prepare(epoch, signer, attempt, own_identity().recipient.text))
    return attempt


async def _missing(api: Api, plan: Plan) -> list[str]:
    ids = list(plan.manifest.chunks())
    lacking: list[str] = []
    for start in range(0, len(ids), MAX_IDS):
        lacking += await api.missing(ids[start : start + MAX_IDS])
    return lacking


async def _upload(api: Api, plan: Plan, recipient: Recipient, tell: Tell) -> None:
    """Send what the backend lacks, in requests of some MiB; what arrived whole of one that is cut off stays there."""
    sizes = plan.manifest.chunks()
    missing = await _missing(api, plan)
    total, done = sum(sizes[chunk] for chunk in missing), 0
    had = sum(sizes.values()) - total
    tell(Moved(0, total, had))
    for batch in _batches(missing, sizes):

        async def body(chunks: Sequence[str] = batch) -> AsyncGenerator[bytes]:
            for chunk in chunks:
                yield frame(chunk, await asyncio.to_thread(_sealed, plan, chunk, recipient))

        await api.send_chunks(body())
        done += sum(sizes[chunk] for chunk in batch)
        tell(Moved(done, total, had))


def _sealed(plan: Plan, chunk: str, recipient: Recipient) -> bytes:
    return recipient.seal(plan.read(chunk))


def _batches(chunks: Sequence[str], sizes: dict[str, int]) -> list[list[str]]:
    batches: list[list[str]] = []
    room = 0
    for chunk in chunks:
        if sizes[chunk] > room:
            batches.append([])
            room = MAX_BATCH_BYTES
        batches[-1].append(chunk)
        room -= sizes[chunk]
    return batches
