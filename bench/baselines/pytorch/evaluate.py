"""Evaluates a checkpoint of the official port's kind in PyTorch, as its evaluate_gsasrec.py does.

    python3 evaluate.py CHECKPOINT.pt --data DIR [--heads 1] [--split test] [--keep-seen]

prints {"ndcg@10": ..., "recall@1": ..., "recall@10": ..., "users": ...}. The checkpoint is a state dict, loaded with
weights_only=True; DIR is in the official layout. All items are ranked, by default without those of the history.
"""

import argparse
import json
from pathlib import Path

import torch

import gsasrec

TOP = 10
BATCH = 256


def load_model(path, heads):
    """A state dict's model: its sizes are those of the tensors, which do not tell the number of heads."""
    state = torch.load(path, weights_only=True)
    rows, dim = state["item_embedding.weight"].shape
    blocks = {name.split(".")[1] for name in state if name.startswith("transformer_blocks.")}
    model = gsasrec.GSASRec(
        items=rows - 2,
        window=len(state["position_embedding.weight"]),
        dim=dim,
        heads=heads,
        blocks=len(blocks),
        reuse_item_embeddings="output_embedding.weight" not in state,
    )
    model.load_state_dict(state)
    return model.eval()


def read_ids(path):
    return [[int(item) for item in line.split()] for line in Path(path).read_text().splitlines()]


def ranks_of(model, histories, targets, keep_seen):
    """The rank, from 1, of each target among all items after its history: [users]"""
    window = model.position_embedding.num_embeddings
    pad = model.items + 1
    inputs = torch.tensor([[pad] * (window - len(row)) + row[-window:] for row in histories])
    scores = gsasrec.catalogue_scores(model, inputs)
    if not keep_seen:
        for row, history in zip(scores, histories):
            row[list(set(history))] = float("-inf")
    chosen = scores.gather(1, torch.tensor(targets))
    ranks = 1.0 + (scores > chosen).sum(dim=1)
    return ranks.masked_fill(chosen[:, 0].isinf(), float("inf"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--heads", type=int, default=1)
    parser.add_argument("--split", choices=["val", "test"], default="test")
    parser.add_argument("--keep-seen", action="store_true")
    args = parser.parse_args()
    model = load_model(args.checkpoint, args.heads)
    histories = read_ids(args.data / args.split / "input.txt")
    targets = read_ids(args.data / args.split / "output.txt")
    ranks = torch.cat(
        [
            ranks_of(model, histories[first : first + BATCH], targets[first : first + BATCH], args.keep_seen)
            for first in range(0, len(histories), BATCH)
        ]
    ).double()
    metrics = {
        "ndcg@10": torch.where(ranks <= TOP, 1 / (ranks + 1).log2(), 0.0).mean().item(),
        "recall@1": (ranks <= 1).double().mean().item(),
        "recall@10": (ranks <= TOP).double().mean().item(),
    }
    print(json.dumps({**metrics, "users": len(ranks)}))


if __name__ == "__main__":
    main()
