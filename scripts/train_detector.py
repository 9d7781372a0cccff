"""Make the widget detector from nothing: render labelled screens, train, export, evaluate, write the model card's figures.

    python scripts/train_detector.py --work DIR [--budget-s 3600] [--threads 2]

Screens that lie under ``--work`` already are used, a checkpoint there is trained on. Needs torch (CPU is enough; CUDA is used
if it is there), onnx, Chromium, Xvfb, PySide6, PyGObject with GTK 3, and tkinter.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from detector_data.render import render
from detector_training.card import write_figures
from detector_training.export import export
from detector_training.loop import train

MODELS = Path(__file__).resolve().parents[1] / "models"
WEIGHTS = MODELS / "edgeagent_models" / "weights" / "detector.onnx"
CARD = MODELS / "MODEL_CARD_detector.md"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for rendered screens and checkpoints")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="where the weights go")
    parser.add_argument("--card", type=Path, default=CARD, help="the model card whose figures are rewritten")
    parser.add_argument("--test-screens", type=int, default=400, help="at most so many screens of each test set")
    parser.add_argument("--budget-s", type=float, default=3300, help="wall time of training")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--web-pages", type=int, default=2200)
    parser.add_argument("--miniwob-seeds", type=int, default=24)
    parser.add_argument(
        "--toolkit-windows", type=int, default=250, help="windows each of Qt and Tk, and 1.6 times as many of GTK"
    )
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    data: Path = arguments.work / "data"
    render(data, arguments.web_pages, arguments.miniwob_seeds, arguments.toolkit_windows)
    screens = sorted(data.glob("train-*.bin"))
    net = train(screens, arguments.work / "detector.pt", arguments.budget_s, arguments.threads, arguments.seed)
    export(net, arguments.out)
    write_figures(arguments.card, arguments.out, sorted(data.glob("test-*.bin")), arguments.test_screens)


if __name__ == "__main__":
    main()
