"""llama.cpp's own converter, fetched at the version and hash that ``requirements/llama.txt`` pins; none of it is in the tree."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PINS = ROOT / "requirements" / "llama.txt"
_NEEDED = ("convert_hf_to_gguf.py", "conversion/", "gguf-py/")
_RUN = """
import runpy, sys
folder, *sys.argv = sys.argv[1:]
sys.path[:0] = [folder, folder + "/gguf-py"]
from conversion.base import TextModel
# It knows published tokenizers by a hash of what they make of a text. Ours cuts text as Qwen2's does, with other merges.
TextModel.get_vocab_base_pre = lambda self, tokenizer: "qwen2"
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def fetched(work: Path) -> Path:
    """The folder of llama.cpp's sources below ``work``, downloaded once with pip from the package index."""
    target = work / "llama.cpp"
    if (target / _NEEDED[0]).is_file():
        return target
    pin = re.search(r"^llama-cpp-python==(?:[^\n]*\\\n)*[^\n]*sha256:[0-9a-f]+", _PINS.read_text(), re.MULTILINE)
    if pin is None:
        raise ValueError(f"{_PINS} pins no llama-cpp-python")
    wanted = work / "llama-pin.txt"
    wanted.write_text(pin[0] + "\n")
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "llama-cpp-python", "--require-hashes",
        "--requirement", str(wanted), "--dest", str(work),
    ]  # fmt: skip
    subprocess.run(command, check=True)
    (archive,) = work.glob("llama_cpp_python-*.tar.gz")
    with tarfile.open(archive) as packed:
        for member in packed:
            _, _, path = member.name.partition("/vendor/llama.cpp/")
            if path.startswith(_NEEDED):
                member.name = path
                packed.extract(member, target, filter="data")
    return target


def convert(
    folder: Path, out: Path, work: Path, name: str, kind: str = "q8_0", text_options: tuple[str, ...] = ()
) -> tuple[Path, Path]:
    """``folder`` (transformers' form) as ``out/NAME-KIND.gguf`` and ``out/mmproj-NAME-KIND.gguf``.

    ``text_options`` are the converter's own, for the first of them.
    """
    sources = fetched(work)
    out.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    for prefix, options in (("", text_options), ("mmproj-", ("--mmproj",))):
        path = out / f"{prefix}{name}-{kind}.gguf"
        arguments = [str(folder), "--outfile", str(path), "--outtype", kind, "--model-name", name, *options]
        command = [sys.executable, "-c", _RUN, str(sources), str(sources / _NEEDED[0]), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"llama.cpp's converter failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        made.append(path)
    return made[0], made[1]
