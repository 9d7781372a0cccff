"""The terminal app's pure parts: what the terminal can show, pictures by its protocols, keys as actions, edited text."""

from __future__ import annotations

import base64
import re
import zlib
from pathlib import Path

import pytest
from PIL import Image

from edgeagent import events, settings
from edgeagent.errors import UsageError
from edgeagent.sessions.summary import SessionSummary
from edgeagent.tui import graphics
from edgeagent.tui.abilities import Abilities, by_environment, no_colour, take_answers
from edgeagent.tui.editing import as_text, from_text
from edgeagent.tui.metrics import Metrics, memory_bytes
from edgeagent.tui.own_hands import Pressed, joined, key_action, pointer_action
from edgeagent.tui.picture import half_blocks, shades
from edgeagent.tui.placing import close_up, place
from edgeagent.tui.session_table import matching
from edgeagent.tui.task_input import completion, with_files
from edgeagent_harness.protocol.actions import Action, Batch, Click, Drag, Key, Scroll, Type
from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_models.protocol import Usage


@pytest.mark.parametrize(
    ("environment", "pictures"),
    [
        ({}, "blocks"),
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"KITTY_WINDOW_ID": "1", "TMUX": "/tmp/x"}, "blocks"),
        ({"TERM_PROGRAM": "WezTerm"}, "iterm"),
        ({"TERM_PROGRAM": "WezTerm", "EDGEAGENT_PICTURES": "blocks"}, "blocks"),
        ({"EDGEAGENT_PICTURES": "sixel"}, "sixel"),
        ({"EDGEAGENT_PICTURES": "nonsense"}, "blocks"),
    ],
)
def test_what_the_variables_say(environment: dict[str, str], pictures: str) -> None:
    assert by_environment(environment).pictures == pictures


def test_answers_of_the_terminal_are_taken_out_of_what_is_typed() -> None:
    rest, found = take_answers("a\x1b[?62;4;22cb\x1b[6;18;9tc", Abilities())
    assert rest == "abc"
    assert found == Abilities("sixel", (9, 18))
    assert take_answers("\x1b[?62;22c", Abilities()) == ("", Abilities())
    assert take_answers("\x1b[?62;4c", Abilities("blocks", forced=True))[1].pictures == "blocks"
    assert take_answers("\x1b[A", Abilities()) == ("\x1b[A", Abilities())


def test_no_colour() -> None:
    assert no_colour({"NO_COLOR": "1"})
    assert no_colour({"TERM": "vt100"})
    assert not no_colour({"TERM": "xterm-256color"})


def unsixel(text: str) -> Image.Image:
    """A decoder of what `graphics.sixel` writes, from the format's description."""
    body = text.removeprefix("\x1bP0;1q").removesuffix("\x1b\\")
    size = re.match(r'"1;1;(\d+);(\d+)', body)
    assert size
    picture = Image.new("RGB", (int(size[1]), int(size[2])))
    colours: dict[int, tuple[int, int, int]] = {}
    x = y = colour = 0
    for token in re.finditer(r"#(\d+)(?:;2;(\d+);(\d+);(\d+))?|!(\d+)(.)|([?-~])|(\$)|(-)", body[size.end() :]):
        number, red, green, blue, count, repeated, single, back, down = token.groups()
        if number and red:
            colours[int(number)] = (int(red), int(green), int(blue))
        elif number:
            colour = int(number)
        elif back:
            x = 0
        elif down:
            x, y = 0, y + 6
        else:
            bits, end = ord(repeated or single) - 63, x + int(count or 1)
            for row in (row for row in range(6) if bits >> row & 1):
                for column in range(x, end):
                    picture.putpixel((column, y + row), tuple(round(part * 2.55) for part in colours[colour]))
            x = end
    return picture


def painted() -> Image.Image:
    picture = Image.new("RGB", (40, 20), (255, 255, 255))
    picture.paste((0, 0, 255), (5, 3, 25, 9))
    picture.paste((255, 0, 0), (12, 8, 39, 17))
    return picture


def test_a_sixel_picture_is_the_picture() -> None:
    assert unsixel(graphics.sixel(painted())).tobytes() == painted().tobytes()


def test_a_kitty_picture_is_the_picture_in_pieces() -> None:
    picture = Image.effect_noise((90, 60), 80).convert("RGB")
    pieces = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", graphics.kitty(picture, 7, 10, 4))
    assert len(pieces) > 1
    assert pieces[0][0].startswith("a=T,")
    assert "c=10,r=4,m=1" in pieces[0][0]
    assert [keys for keys, _ in pieces[1:]] == ["m=1"] * (len(pieces) - 2) + ["m=0"]
    assert zlib.decompress(base64.b64decode("".join(data for _, data in pieces))) == picture.tobytes()


def test_an_iterm_picture_is_the_picture(tmp_path: Path) -> None:
    found = re.fullmatch(r"\x1b\]1337;File=inline=1;width=8;height=2;[^:]*:(.*)\x07", graphics.iterm(painted(), 8, 2))
    assert found
    (tmp_path / "p.png").write_bytes(base64.b64decode(found[1]))
    assert Image.open(tmp_path / "p.png").tobytes() == painted().tobytes()


def test_blocks_and_shades_fill_their_cells() -> None:
    for strips in (half_blocks(painted(), 12, 5), shades(painted(), 12, 5)):
        assert [strip.cell_length for strip in strips] == [12] * 5
    assert shades(Image.new("RGB", (8, 8), (255, 255, 255)), 4, 2)[0].text == "████"
    assert shades(Image.new("RGB", (8, 8)), 4, 2)[0].text == "    "


@pytest.mark.parametrize(("columns", "rows", "cell"), [(100, 40, (1, 2)), (40, 60, (9, 18)), (7, 3, (1, 2))])
def test_every_cell_of_a_picture_shows_the_pixel_it_says(columns: int, rows: int, cell: tuple[int, int]) -> None:
    placing = place(Rect(0, 0, 1280, 800), columns, rows, cell)
    assert placing is not None
    assert placing.pixel(placing.left - 1, placing.top) is None
    assert placing.pixel(placing.left + placing.columns, placing.top) is None
    for x in range(placing.columns):
        at = placing.pixel(placing.left + x, placing.top + placing.rows - 1)
        assert at is not None
        assert abs(at[0] - (x + 0.5) * 1280 / placing.columns) <= 1
        assert 0 <= at[1] < 800
    assert abs((placing.columns * cell[0]) / (placing.rows * cell[1]) - 1.6) < 0.65


def test_a_close_up_stays_on_the_screen() -> None:
    screen = Rect(0, 0, 1280, 800)
    for x, y in ((0, 0), (1279, 799), (640, 400)):
        part = close_up(screen, x, y, 80, 20, (1, 2), 0.5)
        assert (part.width, part.height) == (160, 80)
        assert part.intersect(screen) == part
        assert part.left <= x < part.right


@pytest.mark.parametrize(
    ("key", "character", "action"),
    [
        ("a", "a", Type("a")),
        ("A", "A", Type("A")),
        ("plus", "+", Type("+")),
        ("space", " ", Type(" ")),
        ("ö", "ö", Type("ö")),
        ("enter", "\r", Key(("Return",))),
        ("shift+tab", None, Key(("shift", "Tab"))),
        ("ctrl+s", "\x13", Key(("ctrl", "s"))),
        ("alt+left", None, Key(("alt", "Left"))),
        ("escape", "\x1b", None),
        ("f10", None, None),
    ],
)
def test_keys_as_actions(key: str, character: str | None, action: Action | None) -> None:
    assert key_action(key, character) == action


def test_presses_as_actions() -> None:
    assert pointer_action(Pressed(10, 10, 1), 12, 9) == Click(Point(10, 10))
    assert pointer_action(Pressed(10, 10, 3), 10, 10) == Click(Point(10, 10), "right")
    assert pointer_action(Pressed(10, 10, 1), 200, 10) == Drag((Point(10, 10), Point(200, 10)))


def test_what_waits_is_joined_only_where_it_is_the_same() -> None:
    assert joined(Type("a"), Type("b")) == Type("ab")
    assert joined(Type("a", submit=True), Type("b")) is None
    assert joined(Type("a"), Key(("Return",))) is None
    assert joined(Click(Point(1, 1)), Click(Point(1, 1))) == Click(Point(1, 1), count=2)
    assert joined(Click(Point(1, 1)), Click(Point(2, 1))) is None
    assert joined(Scroll(Point(1, 1), dy=3), Scroll(Point(1, 1), dy=3)) == Scroll(Point(1, 1), dy=6)
    assert joined(Scroll(Point(1, 1), dy=3), Scroll(Point(1, 1), dy=-3)) is None


@pytest.mark.parametrize("action", [Click(Point(50, 25)), Batch((Click(Point(1, 1)), Type("x"))), Key(("ctrl", "s"))], ids=str)
def test_an_action_survives_being_edited(action: Action) -> None:
    assert from_text(as_text(action), (320, 200)) == action


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not an action"),
        ('{"kind": "clik"}', "clik"),
        ('{"kind": "click", "point": {"x": 400, "y": 1}}', "outside the screen"),
        ('{"kind": "type", "txt": "x"}', "txt"),
        ("[" * 5000, "not an action"),
    ],
)
def test_what_is_no_action_is_said(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        from_text(text, (320, 200))


def test_files_behind_a_task(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("milk\n")
    assert with_files(f"Order what is in @{tmp_path}/list.txt") == "Order what is in list.txt\n\nThe file list.txt says:\nmilk"
    assert with_files("mail a@b.example") == "mail a@b.example"
    with pytest.raises(UsageError, match="No such file"):
        with_files(f"@{tmp_path}/no.txt")
    (tmp_path / "b.bin").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="no text"):
        with_files(f"@{tmp_path}/b.bin")


def test_a_path_is_completed_as_far_as_it_is_clear(tmp_path: Path) -> None:
    (tmp_path / "letter-1.txt").touch()
    (tmp_path / "letter-2.txt").touch()
    (tmp_path / "notes").mkdir()
    assert completion(f"@{tmp_path}/le") == "tter-"
    assert completion(f"@{tmp_path}/n") == "otes/"
    assert completion(f"@{tmp_path}/x") == ""
    assert completion(f"{tmp_path}/le") == ""


def test_sessions_are_found_by_words_and_filters() -> None:
    def one(name: str, task: str, status: str, model: str = "embedded") -> SessionSummary:
        return SessionSummary(name, Path(name), status, task, model, 0, 0, 1, "", "", 0, False)  # type: ignore[arg-type]

    known = [one("1", "Buy milk", "done"), one("2", "Sell bread", "failed"), one("3", "Buy bread", "done", "/m/q.gguf")]
    assert [found.id for found in matching(known, "buy", {})] == ["1", "3"]
    assert [found.id for found in matching(known, "bread state:done", {})] == ["3"]
    assert [found.id for found in matching(known, "model:gguf", {})] == ["3"]
    assert [found.id for found in matching(known, "", {})] == ["1", "2", "3"]


def test_settings_come_back_as_they_were_written(tmp_path: Path) -> None:
    said = settings.Settings(offline=True, theme="nord", pictures="sixel", live_view=False, model='/m/a "b".gguf', mode="ask")
    assert settings.read(settings.write(said, tmp_path / "c" / "config.toml")) == said
    with pytest.raises(UsageError, match="pictures is 'oil'"):
        settings.write(settings.Settings(pictures="oil"), tmp_path / "config.toml")
    assert not (tmp_path / "config.toml").exists()


def test_metrics_are_those_of_the_last_decision() -> None:
    metrics = Metrics()
    usage = Usage(prompt_tokens=1200, cached_tokens=900, image_tokens=800, output_tokens=41)
    metrics.advance(events.Replied("x", usage=usage, timings_ms={"ttft_ms": 640.0, "decode_ms": 2000.0}))
    assert metrics.words() == ["first token 640 ms", "20.0 tok/s", "cached 75 %"]
    assert metrics.tokens_line() == "1,200 tokens in (75 % cached, 800 of pictures), 41 out, first after 640 ms"
    assert Metrics().words() == []


def test_memory_is_that_of_a_process_and_its_children() -> None:
    import os

    assert memory_bytes(os.getpid()) > 10_000_000
