"""What is previewed is what is packed, to the byte; it comes out elsewhere as it was; a hostile bundle leaves nothing."""

from __future__ import annotations

import os
import random
import stat
from pathlib import Path

import msgspec
import pytest
from support.bundles import HARMS, KEY, SESSION, Chunks, awkward, damaged, without_passphrases

from edgeagent import events
from edgeagent.errors import BundleRefused, EdgeAgentError, SessionError, TeleportError, UsageError
from edgeagent.recording.log import Author, EventLog
from edgeagent.recording.reader import SessionReader
from edgeagent.sessions.store import SessionStore
from edgeagent.teleport import bundle_file
from edgeagent.teleport.bundle_file import open_bundle, write_bundle
from edgeagent.teleport.importing import take_in
from edgeagent.teleport.manifest import MAX_CHUNK_BYTES, canonical, sign, verify
from edgeagent.teleport.plan import make_plan
from edgeagent.teleport.sealing import Identity
from edgeagent.teleport.unpacking import unpack
from edgeagent.testing import FakeClock
from edgeagent_harness.protocol.messages import DesktopSpec

PASSPHRASE = "correct horse"
IDENTITY = Identity.new()


@pytest.fixture(autouse=True)
def quick_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_file, "with_passphrase", bundle_file.with_passphrase)  # so that both are put back
    monkeypatch.setattr(bundle_file, "from_passphrase", bundle_file.from_passphrase)
    without_passphrases()


@pytest.fixture
async def session(tmp_path: Path) -> Path:
    return await awkward(tmp_path / "sessions")


def tree(root: Path) -> dict[bytes, tuple[int, bytes]]:
    """Kind and mode, and content, of everything below ``root``; a pipe is not among it."""
    found: dict[bytes, tuple[int, bytes]] = {}
    for folder, folders, files in os.walk(os.fsencode(root)):
        for name in (*folders, *files):
            path = os.path.join(folder, name)
            status = os.lstat(path)
            if stat.S_ISLNK(status.st_mode):
                content = os.readlink(path)
            else:
                content = Path(os.fsdecode(path)).read_bytes() if stat.S_ISREG(status.st_mode) else b""
            if not stat.S_ISFIFO(status.st_mode):
                found[os.path.relpath(path, os.fsencode(root))] = (status.st_mode, content)
    return found


async def test_a_session_comes_out_of_a_file_as_it_was(session: Path, tmp_path: Path) -> None:
    plan, file = make_plan(session), tmp_path / "s.eab"
    write_bundle(plan, file, PASSPHRASE, KEY)
    other = SessionStore(tmp_path / "elsewhere" / "sessions")
    bundle = open_bundle(file, PASSPHRASE, bytes(KEY.verify_key).hex())
    with bundle.stream:
        arrived = take_in(other, bundle.manifest, bundle, "the file s.eab")
    assert arrived == other.find(SESSION)
    kept = {name: what for name, what in tree(session / "home").items() if b".cache" not in name and b"GPUCache" not in name}
    assert tree(arrived / "home") == kept
    assert (arrived / "frames.pack").read_bytes() == (session / "frames.pack").read_bytes()
    with SessionReader.open(session) as before, SessionReader.open(arrived) as after:
        assert after.damage() == []
        assert after.events()[:-1] == before.events()
        assert after.events()[-1].data == events.TakenBack("the file s.eab", 0)
    with pytest.raises(SessionError, match="already"):
        take_in(other, bundle.manifest, bundle, "again")


async def test_the_preview_is_the_list_that_is_packed_to_the_byte(session: Path, tmp_path: Path) -> None:
    previewed = make_plan(session).manifest
    write_bundle(make_plan(session), tmp_path / "s.eab", PASSPHRASE, KEY)
    bundle = open_bundle(tmp_path / "s.eab", PASSPHRASE)
    with bundle.stream:
        assert canonical(bundle.manifest) == canonical(previewed)
        assert set(bundle.chunks) == set(previewed.chunks())
        sent = {file.path: b"".join(map(bundle.read, file.chunks)) for file in bundle.manifest.files}
    assert {path: len(data) for path, data in sent.items()} == {file.path: file.size for file in previewed.files}
    for path, data in sent.items():
        if "\\" not in path:
            assert data == (session / path).read_bytes()
    assert {stays.path for stays in previewed.stays} >= {"home/pipe", "home/.cache", "open windows"}


async def test_unfinished_files_are_gone_on_with(session: Path, tmp_path: Path) -> None:
    plan, file, part = make_plan(session), tmp_path / "s.eab", tmp_path / "s.eab.part"
    write_bundle(plan, file, PASSPHRASE, KEY)
    whole = file.read_bytes()
    for cut in (5, 200, len(whole) // 2, len(whole) - 3):
        part.write_bytes(whole[:cut])
        used = write_bundle(plan, file, PASSPHRASE, KEY)
        assert used > 0 or cut <= 200
        with open_bundle(file, PASSPHRASE).stream:
            assert not part.exists()


async def test_a_second_bundle_shares_all_but_the_last_chunks(session: Path) -> None:
    first = make_plan(session).manifest.chunks()
    (session / "home" / "new").write_text("one more")
    second = make_plan(session).manifest.chunks()
    assert len(second.keys() - first.keys()) == 1


async def test_a_file_that_changes_under_way_is_not_sent(session: Path) -> None:
    plan = make_plan(session)
    (session / "home" / "large").write_bytes(b"other")
    with pytest.raises(TeleportError, match="changed while it was being sent"):
        Chunks(plan)


async def test_files_with_a_listed_secret_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEAGENT_SECRET_SITE", "hunter22!")
    policy = "secrets: [{name: site, source: environment, hosts: [a.example]}]"
    session = tmp_path / SESSION
    with EventLog.create(tmp_path / "log", Author(SESSION), FakeClock()) as log:
        log.append(events.SessionCreated("log in", "embedded", DesktopSpec(policy_yaml=policy), "0.1.0"))
    (session / "home").mkdir(parents=True)
    (tmp_path / "log").rename(session / "events.jsonl")
    (session / "home" / "notes").write_bytes(b"x" * (MAX_CHUNK_BYTES - 4) + b"HUNTER22! and more")
    (session / "home" / "encoded").write_text("password=aHVudGVyMjIh")
    (session / "home" / "key.pem").write_text("-----BEGIN PRIVATE KEY-----")
    manifest = make_plan(session).manifest
    assert [file.path for file in manifest.files] == ["events.jsonl", "home/key.pem"]
    assert {stays.path for stays in manifest.stays} == {"home/notes", "home/encoded", "secret site", "open windows"}
    assert [found.path for found in manifest.found] == ["home/key.pem"]


@pytest.mark.parametrize("harm", HARMS)
async def test_a_hostile_bundle_leaves_nothing(harm: str, session: Path, tmp_path: Path) -> None:
    plan = make_plan(session)
    chunks = Chunks(plan)
    manifest = HARMS[harm](plan.manifest, chunks)
    target, before = tmp_path / "room" / "arriving", set(map(str, tree(tmp_path)))
    with pytest.raises((BundleRefused, UsageError)):
        unpack(verify(sign(manifest, KEY))[0], chunks, target)
    assert set(map(str, tree(tmp_path))) <= before | {"b'room'"}


async def test_a_sound_one_passes_the_same_way(session: Path, tmp_path: Path) -> None:
    """The control of the test before."""
    plan = make_plan(session)
    assert unpack(verify(sign(plan.manifest, KEY))[0], Chunks(plan), tmp_path / "room" / "arriving") == plan.manifest.head


async def test_damaged_files_are_refused_or_whole(session: Path, tmp_path: Path) -> None:
    file = tmp_path / "s.eab"
    write_bundle(make_plan(session), file, PASSPHRASE, KEY)
    whole, rng = file.read_bytes(), random.Random(7)
    refused = 0
    for number in range(60):
        file.write_bytes(damaged(whole, rng))
        try:
            bundle = open_bundle(file, PASSPHRASE)
            with bundle.stream:
                unpack(bundle.manifest, bundle, tmp_path / "room" / str(number))
        except EdgeAgentError:
            refused += 1
    assert refused > 40


async def test_a_changed_manifest_is_not_what_was_signed(session: Path) -> None:
    signed = sign(make_plan(session).manifest, KEY)
    with pytest.raises(BundleRefused, match="signature does not hold"):
        verify(signed.replace(b'"mode":488', b'"mode":511'))
    with pytest.raises(BundleRefused, match="not by"):
        verify(signed, "00" * 32)
    with pytest.raises(BundleRefused, match="two lines"):
        verify(signed + b"more\n")


async def test_a_format_that_is_not_known_or_not_its_own_is_refused(session: Path) -> None:
    manifest = make_plan(session).manifest
    with pytest.raises(BundleRefused, match="format 4; this version reads formats 1 to 3"):
        verify(sign(msgspec.structs.replace(manifest, format=4), KEY))
    for number in (2, 3):
        with pytest.raises(BundleRefused, match=f"format {number}, and the parts of another"):
            verify(sign(msgspec.structs.replace(manifest, format=number), KEY))


def test_what_is_sealed_opens_for_its_key_alone_and_is_no_bomb() -> None:
    sealed = IDENTITY.recipient.seal(bytes(1 << 20))
    assert len(sealed) < 2000
    with pytest.raises(BundleRefused, match="larger than"):
        IDENTITY.open(sealed, 1 << 16)
    with pytest.raises(BundleRefused, match="cannot be decrypted"):
        Identity.new().open(sealed, 1 << 20)


def test_a_file_that_is_none_is_named_with_the_way_to_make_one(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("milk, eggs")
    with pytest.raises(BundleRefused, match=r"notes\.txt is no bundle") as refused:
        open_bundle(tmp_path / "notes.txt", "a passphrase")
    assert "--format bundle" in refused.value.hint
