"""Train the embedded policy from nothing and write its weights.

    .venv/bin/pip install torch==2.13.0 onnx
    .venv/bin/python scripts/train_policy.py --minutes 20

Training needs torch and onnx; the product does not. See ``models/MODEL_CARD_policy.md``.
"""

from __future__ import annotations

import argparse
import pickle
from pathlib import Path

import torch
from policy_training.loop import export, train
from policy_training.network import PolicyNetwork
from policy_training.samples import Sample

WEIGHTS = Path(__file__).parent.parent / "models" / "edgeagent_models" / "weights" / "policy.onnx"


def main() -> None:
    """Parse the command line, train, export."""
    options = _options()
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    network = PolicyNetwork()
    if options.start:
        network.load_state_dict(widened(torch.load(options.start), network.state_dict()))
    print(f"{sum(p.numel() for p in network.parameters())} parameters", flush=True)
    extra: list[Sample] = []
    for path in options.extra:
        extra += pickle.loads(path.read_bytes())
    keep = options.keep or options.out.with_suffix(".pt")
    train(
        network,
        options.minutes * 60,
        keep,
        options.workers,
        options.seed * 1_000_000,
        extra,
        options.extra_share,
        options.rate,
        lambda line: print(line, flush=True),
    )
    torch.save(network.state_dict(), keep)
    export(network, options.out)
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.2f} MB", flush=True)


def widened(old: dict[str, torch.Tensor], new: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """``old`` weights with zeros for inputs that were added since."""
    for name, tensor in old.items():
        if tensor.shape != new[name].shape:
            grown = torch.zeros_like(new[name])
            grown[tuple(slice(0, n) for n in tensor.shape)] = tensor
            old[name] = grown
    return old


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=25.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1, help="processes that make examples")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--start", type=Path, help="weights (.pt) to go on from")
    parser.add_argument("--keep", type=Path, help="where to keep the trainable weights (.pt)")
    parser.add_argument("--extra", type=Path, nargs="*", default=[], help="examples gathered on real pages")
    parser.add_argument("--extra-share", type=float, default=0.3)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
