"""Times one loss in PyTorch as its experts would write it: the row of an input table for each token, the loss, Adam on both tables.

    python3 losses.py FOLDER

FOLDER holds what `bench losses` and our own side of it (bench/losses/gsas.ts) have written: the weights, the batch, and the negatives that our first
step draws. It speaks the line protocol of step.py: `check` answers with the loss and gradients under those negatives, `step` draws its own and trains.

Tokens are packed, without padding. Scores exist in chunks, each with its backward at once, so memory does not grow with T N. A token's own negatives are
scored by whatever is fastest here: one product with the whole table and a gather of scores, or a gather of rows and a batched product, with sparse gradients and
SparseAdam where we update lazily too. Lists are one product each. Cross entropy over the catalogue is torch's own. Else Adam is fused.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy
import torch
from torch.nn import functional as F

from step import blas_name, peak_rss_mib, read_weights

CHUNK = 2**25  # floats of scores, or of gathered rows, at one time
DENSE = 2**32  # scores above this are not tried with the whole table
ELEMENTS = 997


def judged(case, pos, neg, mask, draws):
    """pos [T], neg [T, k] scores, mask [T, k] of those that count, or None -> the sum of the tokens' losses"""
    s, loss = case["settings"], case["loss"]
    if case["hardest"]:
        neg = neg.topk(case["hardest"], sorted=False).values

    def total(x):
        return (x if mask is None else x.masked_fill(~mask, 0.0)).sum()

    low = neg if mask is None else neg.masked_fill(~mask, float("-inf"))
    ahead = pos[:, None]
    if loss in ("gbce", "bce"):
        beta = s["beta"] + s.get("per_draw", 0.0) * draws
        return ((beta * F.softplus(-pos)).sum() + total(F.softplus(neg))) / case["divisor"]
    if loss in ("ssm", "ce"):
        return (torch.logsumexp(torch.cat([ahead, low], 1), 1) - pos).sum()
    if loss == "bpr":
        return total(F.softplus(neg - ahead)) / case["divisor"]
    log_p = torch.log_softmax(low, 1)
    p = log_p.exp()
    if loss == "bpr-max":
        penalty = s["bpreg"] * total(p * neg**2)
        return penalty - torch.logsumexp(log_p + F.logsigmoid(ahead - neg), 1).sum()
    if loss == "top1-max":
        return total(p * (torch.sigmoid(neg - ahead) + torch.sigmoid(neg**2)))
    raise ValueError(f"no formula of the loss {loss}")


class Bench:
    def __init__(self, folder):
        self.case = json.loads((folder / "batch.json").read_text())
        self.weights = read_weights(folder / "weights.safetensors")
        self.items = len(self.weights["output"]) - 2
        self.ids, self.targets, self.draws = (torch.tensor(self.case[key]) for key in ("ids", "targets", "draws"))
        self.draws = self.draws.float()
        spans = torch.tensor(self.case["spans"]).view(-1, 2)
        self.sequences = [tuple(span) for span in torch.unique(spans, dim=0).tolist()]
        width = self.case["width"]
        self.given = torch.from_numpy(numpy.fromfile(folder / "negatives.bin", dtype=numpy.uint32).astype(numpy.int64))
        self.given = self.given.view(-1, width) if width else None
        lists = torch.from_numpy(numpy.fromfile(folder / "lists.bin", dtype=numpy.uint32).astype(numpy.int64))
        self.list_of = lists if len(lists) else None
        self.start()
        self.way = None

    def start(self, sparse=False):
        """Fresh tables and optimiser."""
        tables = [torch.nn.Parameter(self.weights[name].clone()) for name in ("input", "output")]
        self.input, self.output = tables
        self.optimiser = torch.optim.SparseAdam(tables) if sparse else torch.optim.Adam(tables, fused=True)

    def backward(self, negatives, way):
        """Loss and gradients under these negatives: own [T, k], lists [(first, end, ids)], or None, all items -> loss"""
        sparse = way == "sparse"
        hidden = F.embedding(self.ids, self.input, sparse=sparse)
        h = hidden.detach().requires_grad_()
        loss = 0.0
        for part in self.parts(negatives, way):
            share = part(h) / len(self.ids)
            share.backward()
            loss += share.item()
        hidden.backward(h.grad)
        return loss

    def parts(self, negatives, way):
        """Functions of h, each the loss of some tokens."""
        tokens = len(self.ids)
        if negatives is None or way == "dense":
            size = max(1, CHUNK // self.items)
            chunks = [(t, min(t + size, tokens), None) for t in range(0, tokens, size)]
        elif isinstance(negatives, list):
            chunks = [
                (t, min(t + max(1, CHUNK // len(ids)), end), ids)
                for first, end, ids in negatives
                for t in range(first, end, max(1, CHUNK // len(ids)))
            ]
        else:
            size = max(1, CHUNK // (negatives.shape[1] * self.output.shape[1]))
            chunks = [(t, min(t + size, tokens), None) for t in range(0, tokens, size)]
        return [self.part(negatives, way, *chunk) for chunk in chunks]

    def part(self, negatives, way, first, end, ids):
        case, others = self.case, self.case["negatives"] == "in-batch"
        targets, draws = self.targets[first:end], self.draws[first:end]

        def catalogue(h):
            scores = h[first:end] @ self.output[1 : self.items + 1].T
            if case["loss"] in ("ssm", "ce"):
                return F.cross_entropy(scores, targets - 1, reduction="sum")
            at = targets[:, None] - 1
            mask = torch.ones_like(scores, dtype=torch.bool).scatter(1, at, False)
            return judged(case, scores.gather(1, at)[:, 0], scores, mask, draws)

        def dense(h):
            scores = h[first:end] @ self.output.T
            pos, neg = scores.gather(1, targets[:, None])[:, 0], scores.gather(1, negatives[first:end])
            return judged(case, pos, neg, None, draws)

        def gathered(h):
            rows = F.embedding(torch.cat([targets[:, None], negatives[first:end]], 1), self.output, sparse=way == "sparse")
            scores = torch.bmm(rows, h[first:end, :, None])[..., 0]
            return judged(case, scores[:, 0], scores[:, 1:], None, draws)

        def shared(h):
            sparse = way == "sparse"
            pos = (h[first:end] * F.embedding(targets, self.output, sparse=sparse)).sum(1)
            neg = h[first:end] @ F.embedding(ids, self.output, sparse=sparse).T
            return judged(case, pos, neg, targets[:, None] != ids if others else None, draws)

        if negatives is None:
            return catalogue
        if isinstance(negatives, list):
            return shared
        return dense if way == "dense" else gathered

    def drawn(self):
        """Negatives of one step, drawn anew where torch has a way to, else those of our first step."""
        kind, k, tokens = self.case["negatives"], self.case["k"], len(self.ids)
        if kind == "catalogue":
            return None
        if kind == "uniform":
            return torch.randint(1, self.items + 1, (tokens, k))
        if kind == "popularity":
            weights = torch.tensor(self.case["counts"][1:]).float()
            return 1 + torch.multinomial(weights, tokens * k, replacement=True).view(tokens, k)
        if kind == "per-batch":
            return [(0, tokens, torch.randint(1, self.items + 1, (k,)))]
        if kind == "in-batch":
            return [(0, tokens, torch.unique(self.targets))]
        if kind == "per-sequence":
            lists = []
            for first, end in self.sequences:
                own = torch.unique(torch.cat([self.ids[first:end], self.targets[first:end]]))
                ids = 1 + torch.randperm(self.items)[: k + len(own)]
                lists.append((first, end, ids[~torch.isin(ids, own)][:k]))
            return lists
        return self.first_negatives()

    def first_negatives(self):
        if self.list_of is None:
            return self.given
        starts = [0, *(torch.nonzero(self.list_of.diff())[:, 0] + 1).tolist(), len(self.list_of)]
        lists = [self.given[self.list_of[first]] for first in starts[:-1]]
        return [(first, end, ids[ids > 0]) for first, end, ids in zip(starts, starts[1:], lists)]

    def check(self):
        self.start()
        loss = self.backward(self.first_negatives(), "gather")
        return {"loss": loss, "gradients": [sample(table.grad) for table in (self.input, self.output)]}

    def ways(self):
        """What is tried for these negatives."""
        if self.case["negatives"] == "catalogue":
            return ["gather"]
        ways = ["gather", "sparse"] if self.case["lazy"] else ["gather"]
        own = self.list_of is None and len(self.ids) * self.items <= DENSE
        return [*ways, "dense"] if own else ways

    def train(self, way):
        loss = self.backward(self.drawn(), way)
        self.optimiser.step()
        self.optimiser.zero_grad()
        return loss

    def choose(self):
        """The fastest way: the second of two steps of each counts."""
        times = {}
        for way in self.ways():
            self.start(way == "sparse")
            self.train(way)
            begin = time.perf_counter()
            self.train(way)
            times[way] = time.perf_counter() - begin
        self.way = min(times, key=times.get)
        self.start(self.way == "sparse")

    def step(self):
        if self.way is None:
            self.choose()
        return {"loss": self.train(self.way), "way": self.way}


def sample(gradient):
    """As in bench/losses/check.ts"""
    flat = gradient.flatten()
    return {"norm": flat.double().norm().item(), "elements": flat[:: max(1, len(flat) // ELEMENTS)].tolist()}


def say(report):
    print(json.dumps(report), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    torch.manual_seed(0)
    idle = peak_rss_mib()
    try:
        bench = Bench(parser.parse_args().folder)
    except (OSError, ValueError, RuntimeError) as error:
        print(f"losses.py: {error}".splitlines()[0], file=sys.stderr)
        sys.exit(2)
    about = {"blas": blas_name("cpu"), "torch": torch.__version__, "threads": torch.get_num_threads()}
    say({"ready": True, "idle_rss_mib": idle, **about})
    for line in sys.stdin:
        question = line.strip()
        if question == "quit":
            return
        begin = time.perf_counter()
        result = {"check": bench.check, "step": bench.step}[question]()
        say({"ms": (time.perf_counter() - begin) * 1000, **result, "rss_mib": peak_rss_mib()})


if __name__ == "__main__":
    main()
