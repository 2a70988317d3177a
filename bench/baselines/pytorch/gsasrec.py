"""gSASRec in PyTorch: the baseline that the benches time and that test/fixtures is made with.

Written anew, it computes what the official port (github.com/asash/gSASRec-pytorch) computes, with the same amount of
work: padded rows, gathered negatives [B, S, k+1, D], the loss in float64. The state dict carries the official names.
Paper: Petrov and Macdonald, "gSASRec: Reducing Overconfidence in Sequential Recommendation Trained with Negative
Sampling", RecSys '23.

Shapes: B rows, S window, D embedding dim, H heads, k negatives per positive, N items.
Items are 1..N, 0 is unused, N+1 pads on the left.
"""

import torch
from torch import nn
from torch.nn import functional as F


class CausalAttention(nn.Module):
    """Multi-head attention without an output projection; a head is a chunk of D/H columns."""

    def __init__(self, dim, heads, dropout):
        super().__init__()
        if dim % heads != 0:
            raise ValueError(f"the embedding dim {dim} cannot be split into {heads} heads")
        self.heads = heads
        self.query_proj = nn.Linear(dim, dim)
        self.key_proj = nn.Linear(dim, dim)
        self.val_proj = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(dropout)

    def split(self, x):
        """[B, S, D] -> [B, H, S, D/H]"""
        rows, window, dim = x.shape
        return x.view(rows, window, self.heads, dim // self.heads).transpose(1, 2)

    def forward(self, queries, keys, hidden):
        """queries, keys [B, S, D]; hidden [B, 1, S, S], true where a query may not look.

        Returns the mixed values [B, S, D] and the weights [B, H, S, S].
        """
        q = self.split(self.query_proj(queries))
        k = self.split(self.key_proj(keys))
        v = self.split(self.val_proj(keys))
        scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
        weights = torch.softmax(scores.masked_fill(hidden, float("-inf")), dim=-1)
        weights = weights.masked_fill(hidden, 0.0)  # a query at padding sees nothing: its softmax is 0/0
        mixed = self.dropout(weights) @ v
        return mixed.transpose(1, 2).flatten(2), weights


class TransformerBlock(nn.Module):
    """Keys and values come from the block's input, queries and the residual from its normalised form."""

    def __init__(self, dim, heads, dropout):
        super().__init__()
        self.first_norm = nn.LayerNorm(dim)
        self.second_norm = nn.LayerNorm(dim)
        self.multihead_attention = CausalAttention(dim, heads, dropout)
        self.dense1 = nn.Linear(dim, dim)
        self.dense2 = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, hidden):
        """x [B, S, D], hidden [B, 1, S, S] -> ([B, S, D], attention weights [B, H, S, S])"""
        queries = self.first_norm(x)
        mixed, weights = self.multihead_attention(queries, x, hidden)
        z = self.second_norm(mixed + queries)
        wide = self.dropout(F.relu(self.dense1(z)))
        return self.dropout(self.dense2(wide)) + z, weights


class GSASRec(nn.Module):
    """The transformer and its tables; PyTorch's default initialisation."""

    def __init__(self, items, window, dim, heads=1, blocks=2, dropout=0.5, reuse_item_embeddings=False):
        super().__init__()
        self.items = items
        self.item_embedding = nn.Embedding(items + 2, dim)
        self.position_embedding = nn.Embedding(window, dim)
        self.dropout = nn.Dropout(dropout)
        self.transformer_blocks = nn.ModuleList(TransformerBlock(dim, heads, dropout) for _ in range(blocks))
        self.seq_norm = nn.LayerNorm(dim)
        if not reuse_item_embeddings:
            self.output_embedding = nn.Embedding(items + 2, dim)

    @property
    def output_table(self):
        """The embedding that scores items: [N+2, D]."""
        return getattr(self, "output_embedding", self.item_embedding)

    def forward(self, ids):
        """ids [B, S] -> (hidden states [B, S, D], attention weights of each block [B, H, S, S])"""
        window = ids.shape[1]
        padding = ids == self.items + 1
        later = torch.ones(window, window, dtype=torch.bool, device=ids.device).triu(1)
        hidden = (padding[:, None, :] | later)[:, None]
        x = self.item_embedding(ids) + self.position_embedding(torch.arange(window, device=ids.device))
        x = self.dropout(x).masked_fill(padding[..., None], 0.0)
        attentions = []
        for block in self.transformer_blocks:
            x, weights = block(x, hidden)
            x = x.masked_fill(padding[..., None], 0.0)
            attentions.append(weights)
        return self.seq_norm(x), attentions


def sampled_logits(model, states, labels, negatives):
    """states [B, S, D], labels [B, S], negatives [B, S, k] -> scores [B, S, k+1], the positive's first"""
    candidates = torch.cat([labels[..., None], negatives], dim=-1)
    return torch.einsum("bsd,bsnd->bsn", states, model.output_table(candidates))


def gbce_beta(items, negs, t):
    """The paper's beta(t) = alpha (t (1 - 1/alpha) + 1/alpha), alpha = k / (N-1): 1 at t=0, alpha at t=1."""
    alpha = negs / (items - 1)
    return alpha * (t * (1 - 1 / alpha) + 1 / alpha)


def gbce_transform(scores, beta, eps=1e-10):
    """The score whose sigmoid is sigmoid(scores)^beta, by way of float64 probabilities clamped away from 0 and 1."""
    largest = torch.finfo(torch.float64).max
    probability = torch.sigmoid(scores.double()).clamp(eps, 1 - eps)
    inverse = probability.pow(-beta).clamp(1 + eps, largest)
    return (1 / (inverse - 1)).clamp(eps, largest).log()


def gbce_loss(logits, mask, beta):
    """logits [B, S, k+1], mask [B, S] (1 where the input is an item).

    Returns, in float64, the mean loss, the loss per position [B, S] and the transformed logits.
    """
    transformed = torch.cat([gbce_transform(logits[..., :1], beta), logits[..., 1:].double()], dim=-1)
    truth = torch.zeros_like(transformed)
    truth[..., 0] = 1
    per_position = F.binary_cross_entropy_with_logits(transformed, truth, reduction="none").mean(-1) * mask
    return per_position.sum() / mask.sum(), per_position, transformed


@torch.no_grad()
def catalogue_scores(model, ids):
    """ids [B, S] -> scores [B, N+2] of the item after each row's last; -inf at 0 and N+1, which are no items"""
    states, _ = model(ids)
    scores = states[:, -1] @ model.output_table.weight.T
    scores[:, 0] = scores[:, model.items + 1] = float("-inf")
    return scores
