"""Times one training step, or one evaluation, of gSASRec in PyTorch, as the official port does them.

A step is: pad a batch of rows and draw its negatives on the host, move both to the device, forward with dropout, loss,
backward, Adam. An evaluation is: the last item of each row held out, the whole catalogue scored, seen items out, top-10,
the target's rank, NDCG@10.

    python3 step.py --rows rows.jsonl --batch-size 32 --negs-per-pos 256 --steps 5 [--evals 1] [--json]
        times that many and prints the medians;
    python3 step.py --rows rows.jsonl --batch-size 32 --negs-per-pos 256
        speaks a line protocol, so that a bench can let implementations take turns. After the warm-up it prints
            {"ready": true, "blas": ..., "torch": ..., "threads": ..., "device": ..., "idle_rss_mib": ...}
        and then answers each line of its input:
            step   {"ms": ..., "loss": ..., "rss_mib": ...}       trains on the next batch
            eval   {"ms": ..., "ndcg@10": ..., "rss_mib": ...}    evaluates the first 512 rows (--users)
            ranks  {..., "ranking": {"ranks": [...], "top": [[...]]}}   the same, with its outcome; rank 0: filtered out
            quit   (ends, as does the end of the input)
        rss_mib is the process's peak so far; on a GPU, device_mib is the peak of torch's allocations there.

Mistakes in the usage end it with one line on stderr and exit code 2.

The rows file: one JSON array a line, the item ids (1..N) of one user, oldest first, at least 2. Batch n is the lines
n*B .. n*B + B - 1, starting over at the end; of a row the last S+1 items count. Without a file: rows of 2..S+1 random
items.
"""

import argparse
import json
import math
import random
import resource
import statistics
import sys
import time
from pathlib import Path

import torch

import gsasrec

TOP = 10


def blas_name(device):
    """Which library multiplies matrices: a comparison with the reference BLAS would not be fair."""
    if device == "cuda":
        return "cuBLAS"
    if torch.backends.mkl.is_available():
        return "MKL"
    torch.ones(2, 2) @ torch.ones(2, 2)  # so that a library bound lazily is loaded
    maps = Path("/proc/self/maps")
    loaded = maps.read_text().lower() if maps.exists() else ""
    names = {"openblas": "OpenBLAS", "blis": "BLIS", "accelerate": "Accelerate", "libblas.so": "reference"}
    return next((name for part, name in names.items() if part in loaded), "unknown")


def peak_rss_mib():
    """Largest resident set of this process so far, in MiB. On Linux ru_maxrss would count the parent's too."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) for line in status.open() if line.startswith("VmHWM")) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # macOS counts bytes


def read_rows(path, items):
    """path -> list of rows, each a list of item ids; ValueError names the line that is wrong"""
    rows = []
    for number, line in enumerate(Path(path).read_text().splitlines(), 1):
        try:
            row = json.loads(line)
            if len(row) < 2 or not all(type(item) is int and 1 <= item <= items for item in row):
                raise ValueError
        except (ValueError, TypeError) as error:
            message = f"{path}:{number}: {line[:40]!r} is no array of at least 2 item ids from 1 to {items} (--items)"
            raise ValueError(message) from error
        rows.append(row)
    if not rows:
        raise ValueError(f"{path}: no rows")
    return rows


def read_weights(path):
    """A safetensors file of float32 (huggingface.co/docs/safetensors) -> state dict"""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = bytearray(file.read())
    header.pop("__metadata__", None)
    whole = torch.frombuffer(data, dtype=torch.float32)
    return {
        name: whole[slice(*(offset // 4 for offset in entry["data_offsets"]))].view(entry["shape"])
        for name, entry in header.items()
    }


def random_rows(window, items):
    draw = random.Random(0)
    return [[draw.randint(1, items) for _ in range(draw.randint(2, window + 1))] for _ in range(2048)]


def left_padded(rows, width, pad):
    """rows of any length -> [B, width]: the last `width` items of each, padded on the left"""
    return torch.stack([torch.tensor([pad] * (width - len(row)) + row[-width:]) for row in rows])


class Bench:
    """A model in training and the rows it trains on."""

    def __init__(self, args, rows):
        self.args, self.rows, self.next_row = args, rows, 0
        torch.manual_seed(0)
        self.model = gsasrec.GSASRec(
            items=args.items,
            window=args.sequence_length,
            dim=args.embedding_dim,
            heads=args.heads,
            blocks=args.blocks,
            dropout=args.dropout,
            reuse_item_embeddings=args.reuse_item_embeddings,
        ).to(args.device)
        if args.weights:
            self.model.load_state_dict(read_weights(args.weights))
        self.optimiser = torch.optim.Adam(self.model.parameters())
        self.beta = gsasrec.gbce_beta(args.items, args.negs_per_pos, args.gbce_t)
        self.pad = args.items + 1

    def step(self):
        """One training step on the next batch -> loss"""
        args = self.args
        batch = [self.rows[(self.next_row + i) % len(self.rows)] for i in range(args.batch_size)]
        self.next_row = (self.next_row + args.batch_size) % len(self.rows)
        positives = left_padded(batch, args.sequence_length + 1, self.pad)
        negatives = torch.randint(1, self.pad, (*positives.shape, args.negs_per_pos))
        positives, negatives = positives.to(args.device), negatives.to(args.device)

        self.model.train()
        inputs, labels = positives[:, :-1], positives[:, 1:]
        states, _ = self.model(inputs)
        logits = gsasrec.sampled_logits(self.model, states, labels, negatives[:, 1:])
        loss, _, _ = gsasrec.gbce_loss(logits, (inputs != self.pad).float(), self.beta)
        loss.backward()
        self.optimiser.step()
        self.optimiser.zero_grad()
        return {"loss": loss.item()}

    def eval(self):
        """Next-item ranking for the first users -> NDCG@10"""
        ranks, _ = self.ranking()
        return {"ndcg@10": sum(1 / math.log2(rank + 1) for rank in ranks if 1 <= rank <= TOP) / len(ranks)}

    def ranks(self):
        ranks, top = self.ranking()
        return {"ranking": {"ranks": ranks, "top": top}}

    def ranking(self):
        """-> rank of each user's target, 0 where it is filtered out, and the ids of the best 10"""
        self.model.eval()
        users, ranks, top = self.rows[: self.args.users], [], []
        for start in range(0, len(users), self.args.eval_batch_size):
            batch = users[start : start + self.args.eval_batch_size]
            histories = [row[:-1] for row in batch]
            targets = torch.tensor([row[-1] for row in batch], device=self.args.device)
            inputs = left_padded(histories, self.args.sequence_length, self.pad).to(self.args.device)
            scores = gsasrec.catalogue_scores(self.model, inputs)
            if not self.args.no_filter:
                self.hide_seen(scores, histories)
            target_scores = scores.gather(1, targets[:, None])
            rank = (1 + (scores > target_scores).sum(1)) * target_scores[:, 0].isfinite()
            top += scores.topk(TOP).indices.tolist()
            ranks += rank.tolist()
        return ranks, top

    def hide_seen(self, scores, histories):
        """Sets the scores [B, N+2] of each user's items to -inf."""
        if self.args.seen == "all-at-once":
            user = torch.tensor([i for i, history in enumerate(histories) for _ in history])
            item = torch.tensor([item for history in histories for item in history])
            scores[user.to(scores.device), item.to(scores.device)] = float("-inf")
        else:
            for i, history in enumerate(histories):
                for item in set(history):
                    scores[i, item] = float("-inf")

    def timed(self, work):
        """Runs self.step or self.eval -> {"ms": wall time, its result, "rss_mib": ..., on a GPU "device_mib": ...}"""
        start = time.perf_counter()
        result = work()  # ends with .item(), which waits for the device
        report = {"ms": (time.perf_counter() - start) * 1000, **result, "rss_mib": peak_rss_mib()}
        if self.args.device == "cuda":
            report["device_mib"] = torch.cuda.max_memory_allocated() / 2**20
        return report


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=3416)
    parser.add_argument("--sequence-length", type=int, default=200)
    parser.add_argument("--embedding-dim", type=int, default=128)
    parser.add_argument("--blocks", type=int, default=2)
    parser.add_argument("--heads", type=int, default=1)
    parser.add_argument("--negs-per-pos", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--eval-batch-size", type=int, default=128)
    parser.add_argument("--gbce-t", type=float, default=0.75)
    parser.add_argument("--dropout", type=float, default=0.5)
    parser.add_argument("--reuse-item-embeddings", action="store_true")
    parser.add_argument("--rows", metavar="FILE", help="JSON lines of item ids, as described above")
    parser.add_argument(
        "--seen",
        choices=["one-by-one", "all-at-once"],
        default="one-by-one",
        help="how eval hides seen items: one assignment each, as the official port does, or one for all",
    )
    parser.add_argument("--no-filter", action="store_true", help="eval leaves seen items in the ranking")
    parser.add_argument("--users", type=int, default=512, help="how many eval ranks for, at most")
    parser.add_argument("--weights", metavar="FILE", help="a safetensors file to start with, under the official names")
    parser.add_argument("--warmup", type=int, default=1, help="steps before anything is reported")
    parser.add_argument("--steps", type=int, default=0, help="time so many steps and end; 0: the line protocol")
    parser.add_argument("--evals", type=int, default=0, help="time so many evaluations and end")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--json", action="store_true", help="the medians as one JSON object")
    return parser.parse_args()


def say(report):
    print(json.dumps(report), flush=True)


def fail(message):
    print(message, file=sys.stderr)
    sys.exit(2)


def serve(bench):
    commands = {"step": bench.step, "eval": bench.eval, "ranks": bench.ranks}
    for line in sys.stdin:
        command = line.strip()
        if command == "quit":
            return
        if command not in commands:
            fail(f"stdin: {command!r} is not step, eval, ranks or quit")
        say(bench.timed(commands[command]))


def summary(bench, work, times):
    reports = [bench.timed(work) for _ in range(times)]
    ms = sorted(report["ms"] for report in reports)
    return {**reports[-1], "ms": statistics.median(ms), "min_ms": ms[0], "max_ms": ms[-1], "times": times}


def main():
    args = parse_args()
    if args.device == "cuda" and not torch.cuda.is_available():
        fail("--device cuda: this torch sees no CUDA device")
    torch.set_num_threads(args.threads)
    try:
        rows = read_rows(args.rows, args.items) if args.rows else random_rows(args.sequence_length, args.items)
    except (OSError, ValueError) as error:
        fail(f"--rows: {error}")
    try:
        bench = Bench(args, rows)
    except (OSError, ValueError, RuntimeError) as error:
        fail(f"--weights: {error}".splitlines()[0])
    about = {
        "blas": blas_name(args.device),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if args.device == "cuda" else "cpu",
        "idle_rss_mib": peak_rss_mib(),
    }
    for _ in range(args.warmup):
        bench.step()
    if args.steps == 0 and args.evals == 0:
        say({"ready": True, **about})
        serve(bench)
        return
    for name, work, times in (("step", bench.step, args.steps), ("eval", bench.eval, args.evals)):
        if times == 0:
            continue
        report = {"bench": name, **summary(bench, work, times), **about}
        if args.json:
            say(report)
        else:
            spread = f"median of {times}, {report['min_ms']:.0f} to {report['max_ms']:.0f}"
            print(f"{name}: {report['ms']:.0f} ms ({spread}), peak {report['rss_mib']:.0f} MiB")
    if not args.json:
        print(f"torch {about['torch']}, {about['blas']}, {about['threads']} threads, {about['device']}")


if __name__ == "__main__":
    main()
