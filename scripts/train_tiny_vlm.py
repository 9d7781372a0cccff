"""Train a small model in Qwen3-VL's shape that really sees: drawn screens, from nothing, to a pair of GGUF files.

    python scripts/train_tiny_vlm.py --work DIR [--budget-s 4800] [--threads 1] [--out DIR]

A checkpoint in ``--work`` is trained on until ``--budget-s`` is spent. Needs torch, transformers, tokenizers, sentencepiece,
pillow, pip, and the fonts of ``scripts/demo``. llama.cpp's own converter writes the files; it is fetched with pip, pinned.
Then ``scripts/examine_tiny_vlm.py`` measures them through the runtime's own path.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from vlm_training.converter import convert
from vlm_training.export import write_folder
from vlm_training.loop import Trainer
from vlm_training.shape import Shape
from vlm_training.tokens import Language, build

NAME = "edgeagent-tiny-vlm"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for the checkpoint and the converter")
    parser.add_argument("--out", type=Path, help="where the GGUF files go; default: the work folder")
    parser.add_argument("--budget-s", type=float, default=4800, help="wall time of training, over all runs on the checkpoint")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--export-only", action="store_true", help="convert the checkpoint as it is")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    work: Path = arguments.work
    work.mkdir(parents=True, exist_ok=True)
    shape = Shape()
    tokenizer = build(shape)
    if tokenizer.get_vocab_size() != shape.vocabulary:
        raise ValueError(f"the wording makes {tokenizer.get_vocab_size()} tokens, the shape has {shape.vocabulary}")
    trainer = Trainer(shape, Language(tokenizer), work / "tiny-vlm.pt", arguments.budget_s, arguments.seed)
    net = trainer.net if arguments.export_only else trainer.run()
    write_folder(net.state_dict(), shape, tokenizer, work / "transformers")
    for path in convert(work / "transformers", arguments.out or work, work, NAME):
        print(f"{path}  {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
