"""Make the network that names icons from nothing: draw icons, train, export, say how often it is right on other drawings' looks.

    python scripts/train_icons.py [--sheets 160] [--epochs 14]

Needs torch, onnx and Chromium. See ``models/MODEL_CARD_detector.md``.
"""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path

import numpy as np
import torch
from detector_data.miniwob_pages import tasks
from icon_training.pictures import crops
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from edgeagent_models.perception.icon_names import CLASSES, SIDE

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = ROOT / "models" / "edgeagent_models" / "weights" / "icons.onnx"
_TEST_SEED = 1_000_000
_BATCH = 128
_RATE = 3e-3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--sheets", type=int, default=160, help="of 126 icons each")
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(arguments.threads)
    pages = _pages()
    pictures, names = crops(range(arguments.sheets), pages)
    net = train(pictures, names, arguments.epochs)
    _report(net, *crops(range(_TEST_SEED, _TEST_SEED + 12), pages))
    export(net, arguments.out)


def _pages() -> list[Path]:
    """Pages of the MiniWoB++ tasks that may be trained on: their pictures are drawings too."""
    package = importlib.util.find_spec("miniwob")
    if package is None or package.origin is None:
        raise RuntimeError("MiniWoB++ is not installed; install it with: pip install miniwob==1.1.0")
    root = Path(package.origin).parent / "html" / "miniwob"
    return [root / f"{name}.html" for name in tasks(ROOT / "benchmarks" / "miniwob")]


def network() -> nn.Sequential:
    """``(N, 1, SIDE, SIDE)`` to logits ``(N, len(CLASSES))``."""
    return nn.Sequential(
        *_halving(1, 16), *_halving(16, 32), *_halving(32, 48),
        nn.Flatten(), nn.Linear(48 * (SIDE // 8) ** 2, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, len(CLASSES)),
    )  # fmt: skip


def _halving(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)


def train(pictures: NDArray[np.float32], names: NDArray[np.int64], epochs: int) -> nn.Sequential:
    net = network()
    steps = epochs * (len(names) // _BATCH)
    optimiser = torch.optim.AdamW(net.parameters(), _RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=steps)
    inputs, targets = torch.from_numpy(pictures), torch.from_numpy(names)
    for _ in range(epochs):
        order = torch.randperm(len(targets))
        for start in range(0, len(order) - _BATCH + 1, _BATCH):
            chosen = order[start : start + _BATCH]
            loss = functional.cross_entropy(net(_varied(inputs[chosen])), targets[chosen], label_smoothing=0.02)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return net.eval()


def _varied(batch: Tensor) -> Tensor:
    """Moved by up to two pixels, and thinner or bolder."""
    down, right = (int(n) for n in torch.randint(-2, 3, (2,)))
    return torch.roll(batch, (down, right), (2, 3)) ** float(torch.empty(1).uniform_(0.7, 1.4))


def _report(net: nn.Sequential, pictures: NDArray[np.float32], names: NDArray[np.int64]) -> None:
    with torch.no_grad():
        chances, best = torch.softmax(net(torch.from_numpy(pictures)), 1).max(1)
    sure = (chances >= 0.8).numpy() & (best.numpy() != len(CLASSES) - 1)
    named = names != len(CLASSES) - 1
    right = sure & (best.numpy() == names)
    print(f"{right.sum()} of {named.sum()} icons that have a name got it; {sure.sum()} names were given", flush=True)


def export(net: nn.Sequential, path: Path) -> None:
    whole = nn.Sequential(net, nn.Softmax(1)).eval()
    example = torch.zeros(2, 1, SIDE, SIDE)
    torch.onnx.export(
        whole, (example,), str(path), input_names=["icons"], output_names=["chances"],
        dynamic_axes={"icons": {0: "n"}, "chances": {0: "n"}}, opset_version=17, dynamo=False,
    )  # fmt: skip
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
