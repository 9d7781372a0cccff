"""What leaves when a session moves: computed once, shown to the user, and sent as it was shown."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import msgspec

from edgeagent import events
from edgeagent.errors import EnvironmentProblem, RecordingDamaged, RecordingError
from edgeagent.history import History, fold
from edgeagent.homes.kept import LIST_NAME, OBJECTS_NAME
from edgeagent.model_print import print_of
from edgeagent.policy.loading import read_policy
from edgeagent.recording.audit_trail import audit_path
from edgeagent.recording.frame_index import PACK_NAME
from edgeagent.recording.frames import FrameReader
from edgeagent.recording.log import LOG_NAME
from edgeagent.recording.log_reading import LogContents, read_log
from edgeagent.remote_names import model_name
from edgeagent.secrets.vault import Vault
from edgeagent.sessions.leaving import LEAVE_NAME
from edgeagent.sessions.lock import LOCK_NAME
from edgeagent.sessions.start_home import START_HOME_NAME
from edgeagent.sessions.stopping import NOTE_NAME
from edgeagent.sessions.whereabouts import RECORD_NAME
from edgeagent.teleport.engine_state import ARRIVED, DROPPED_NAME, gathered
from edgeagent.teleport.gathering import Gathering, Piece
from edgeagent.teleport.manifest import FORMAT, Head, Manifest, ModelReference, Restoration, Stays, format_of, manifest_hash
from edgeagent.teleport.outside import replayable
from edgeagent.teleport.paths import HOME, RECORD_FILES, TREES
from edgeagent.teleport.scan import SecretScan
from edgeagent.teleport.whole import WHOLE_NAME, is_whole
from edgeagent.teleport.windows import left_by
from edgeagent_harness.policy.types import Policy

_OWN_FILES = {
    LOCK_NAME: "it says which process of this machine works on the session",
    NOTE_NAME: "it is a note to such a process",
    LEAVE_NAME: "it is a note to such a process",
    RECORD_NAME: "it says where the session has been",
    WHOLE_NAME: "it says how the session came to this machine",
    **dict.fromkeys((*ARRIVED, DROPPED_NAME), "it is for this machine's engine"),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """A manifest, and where the bytes of its chunks are."""

    manifest: Manifest
    pieces: dict[str, Piece]

    @property
    def hash(self) -> str:
        return manifest_hash(self.manifest)

    @property
    def leaving(self) -> str:
        """Names what leaves: the same as long as that is, whatever stays behind."""
        return manifest_hash(msgspec.structs.replace(self.manifest, stays=()))

    def read(self, chunk: str) -> bytes:
        """The bytes of a chunk. Raises `TeleportError` if its file was changed since."""
        return self.pieces[chunk].read(chunk)


def make_plan(directory: Path, with_engine_state: bool = False) -> Plan:
    """What of the session in ``directory`` would leave now. Raises `RecordingError` if its log cannot be vouched for, and
    `TeleportRefused` if its engine's state is wanted and must stay."""
    contents = _sound_log(directory)
    facts = [event.data for event in contents.events]
    created = next(fact for fact in facts if isinstance(fact, events.SessionCreated))
    policy = read_policy(created.desktop.policy_yaml, created.desktop.policy_name)
    gathering = Gathering(SecretScan(_values(policy)))
    gathering.take_file(directory / LOG_NAME, LOG_NAME.encode(), growing=True, size=contents.size_bytes)
    _take_record(gathering, directory, audit_path(directory, created.desktop).name)
    home = home_of(directory, facts)
    if home.is_dir() and not home.is_symlink():
        gathering.take_tree(home, HOME.encode())
    for name in (START_HOME_NAME, OBJECTS_NAME):
        if (directory / name).is_dir():
            gathering.take_tree(directory / name, name.encode())
    expects = _expects(facts, created, policy, gathering.stays)
    gathering.stays.extend(_elsewhere(created, policy, home, directory, expects))
    state = gathered(gathering, directory.name, policy) if with_engine_state else None
    manifest = _manifest(directory, contents, created, gathering, expects)
    left = left_by(facts)
    manifest = msgspec.structs.replace(manifest, engine=state or msgspec.UNSET, windows=(left and left.windows) or msgspec.UNSET)
    return Plan(msgspec.structs.replace(manifest, format=format_of(manifest)), gathering.pieces)


def home_of(directory: Path, facts: list[events.EventData]) -> Path:
    """The sandbox's home of the session in ``directory``: its own, unless it was started with another and never moved."""
    created = next(fact for fact in facts if isinstance(fact, events.SessionCreated))
    named = Path(created.desktop.home)
    moved = any(isinstance(fact, events.HandedOver | events.TakenBack) for fact in facts)
    own = moved or not created.desktop.home or named.parts[-2:] == (directory.name, HOME)
    return directory / HOME if own else named


def head_of(contents: LogContents) -> Head:
    """How far the session in this log has come."""
    return Head(contents.next_seq, len(fold(event.data for event in contents.events).steps), contents.last_hash)


def _sound_log(directory: Path) -> LogContents:
    try:
        contents = read_log(directory / LOG_NAME)
    except OSError as error:
        raise RecordingError(f"cannot read {directory / LOG_NAME}: {error.strerror}") from error
    if contents.damage or contents.skipped:
        reason = contents.damage[0].reason if contents.damage else "it was written by a later version"
        raise RecordingDamaged(f"session {directory.name} cannot move: {reason}", "`sessions show` tells what still reads")
    if not any(isinstance(event.data, events.SessionCreated) for event in contents.events):
        raise RecordingDamaged(f"session {directory.name} cannot move: it has no first event")
    return contents


def _take_record(gathering: Gathering, directory: Path, audit_name: str) -> None:
    for entry in sorted(directory.iterdir()):
        if entry.name in (LOG_NAME, *TREES):
            continue
        if entry.name in (*RECORD_FILES, audit_name) and entry.is_file() and not entry.is_symlink():
            gathering.take_file(entry, os.fsencode(entry.name), growing=entry.name in (PACK_NAME, LIST_NAME, audit_name))
        else:
            gathering.stays.append(Stays(entry.name, _OWN_FILES.get(entry.name, "it is no part of the recording")))


def _frames(directory: Path) -> int:
    reader = FrameReader(directory)
    try:
        return reader.count
    finally:
        reader.close()


def _expects(
    facts: list[events.EventData], created: events.SessionCreated, policy: Policy, stays: list[Stays]
) -> Restoration:  # fmt: skip
    if is_whole(facts, created.desktop, policy, stays):
        return "exact"
    return "replayed" if replayable(facts) is not None else "reopened"


def _manifest(
    directory: Path, contents: LogContents, created: events.SessionCreated, gathering: Gathering, expects: Restoration
) -> Manifest:  # fmt: skip
    facts = [event.data for event in contents.events]
    history = fold(facts)
    return Manifest(
        format=FORMAT,
        session=directory.name,
        made_s=contents.events[-1].time,
        version=version("edgeagent"),
        head=head_of(contents),
        frames=_frames(directory),
        expects=expects,
        model=_model(model_of(facts)),
        policy=created.desktop.policy_name,
        applications=_applications(created, history),
        limits=created.limits,
        left=_left(created, history),
        entries=tuple(gathering.entries),
        stays=tuple(gathering.stays),
        found=tuple(gathering.found),
    )


def _applications(created: events.SessionCreated, history: History) -> tuple[str, ...]:
    started = (" ".join(application.argv) for application in created.desktop.applications)
    return (*started, *filter(None, (created.desktop.url,)))


def _left(created: events.SessionCreated, history: History) -> dict[str, float]:
    steps = created.limits.get("max_steps", 0)
    return {"steps": max(0.0, steps - len(history.steps))} if steps else {}


def model_of(facts: Iterable[events.EventData]) -> events.ModelChanged:
    """The model that decides now."""
    now = events.ModelChanged("")
    for fact in facts:
        match fact:
            case events.SessionCreated(model=model, mmproj=mmproj, family=family):
                now = events.ModelChanged(model, mmproj, family)
            case events.ModelChanged():
                now = fact
            case _:
                pass
    return now


def _model(now: events.ModelChanged) -> ModelReference:
    name, mmproj = model_name(now.model), Path(now.mmproj).name
    try:
        return ModelReference(name, mmproj, now.family, *print_of(Path(now.model)))
    except OSError:
        return ModelReference(name, mmproj, now.family)


def _values(policy: Policy) -> dict[str, str]:
    try:
        return Vault.open(policy.secrets).values
    except EnvironmentProblem:  # told as what stays behind
        return {}


def _elsewhere(
    created: events.SessionCreated, policy: Policy, home: Path, directory: Path, expects: Restoration
) -> list[Stays]:  # fmt: skip
    """What the session has outside of its directory and its home."""
    spec = created.desktop
    stays = [
        Stays(path, "a folder of this machine that the sandbox may write; only the home goes along") for path in policy.read_write
    ]
    stays += [Stays(path, "a folder of this machine that the sandbox may read") for path in spec.shared_dirs]
    stays += [
        Stays(f"secret {secret.name}", "secrets do not leave; give it to the other machine yourself") for secret in policy.secrets
    ]
    if created.model != "embedded":
        stays.append(Stays(created.model, "weights do not leave; the other machine needs the same file"))
    if home != directory / HOME:
        stays.append(Stays(str(home), "the folder stays as it is; a copy of what is in it leaves, and is worked on there"))
    if expects != "exact":
        stays.append(Stays("open windows", "running programs do not go along; how they are restored is said below"))
    return stays
