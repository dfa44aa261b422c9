"""The networks of ``configs/`` in PyTorch, trained on demand: a line in, a line out.

The first line holds sizes and batches as JSON; each further one asks for a pass over the batches.
It imports nothing of tflottery, so that both have a process, and its threads, for themselves.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import torch
from torch import nn


class TextCnn(nn.Module):
    """Embedding, convolutions, maximum over the words, one logit."""

    def __init__(self, sizes: dict[str, Any]) -> None:
        super().__init__()
        self.embedding = nn.Embedding(sizes["vocabulary_size"], sizes["embedding"], padding_idx=0)
        self.word_dropout = nn.Dropout1d(sizes["word_dropout"])
        self.embedding_dropout = nn.Dropout(sizes["embedding_dropout"])
        self.convolutions = nn.ModuleList(
            nn.Conv1d(sizes["embedding"], sizes["filters"], width, padding="same")
            for width in sizes["widths"]
        )
        self.dropout = nn.Dropout(sizes["dropout"])
        self.head = nn.Linear(sizes["filters"] * len(sizes["widths"]), 1)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        words = self.embedding_dropout(self.word_dropout(self.embedding(ids))).transpose(1, 2)
        padding = (ids == 0).unsqueeze(1)
        features = [
            one(words).masked_fill(padding, -torch.inf).amax(dim=2) for one in self.convolutions
        ]
        return self.head(self.dropout(torch.relu(torch.cat(features, dim=1)))).squeeze(1)


class TextLstm(nn.Module):
    """Embedding, a bidirectional LSTM, maximum over the words or last states, one logit."""

    def __init__(self, sizes: dict[str, Any]) -> None:
        super().__init__()
        self.embedding = nn.Embedding(sizes["vocabulary_size"], sizes["embedding"], padding_idx=0)
        self.word_dropout = nn.Dropout1d(sizes["word_dropout"])
        self.embedding_dropout = nn.Dropout(sizes["embedding_dropout"])
        self.lstm = nn.LSTM(
            sizes["embedding"], sizes["units"], batch_first=True, bidirectional=True
        )
        self.pooling = sizes["pooling"]
        self.dropout = nn.Dropout(sizes["dropout"])
        self.head = nn.Linear(2 * sizes["units"], 1)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        words = self.embedding_dropout(self.word_dropout(self.embedding(ids)))
        lengths = (ids != 0).sum(dim=1)
        packed = nn.utils.rnn.pack_padded_sequence(
            words, lengths, batch_first=True, enforce_sorted=False
        )
        states, (last, _) = self.lstm(packed)
        if self.pooling == "max":
            states, _ = nn.utils.rnn.pad_packed_sequence(
                states, batch_first=True, padding_value=-torch.inf
            )
            features = states.amax(dim=1)
        else:
            features = last.transpose(0, 1).flatten(1)
        return self.head(self.dropout(features)).squeeze(1)


def main() -> None:
    sizes = json.loads(sys.stdin.readline())
    torch.set_num_threads(sizes["threads"])
    network = {"cnn": TextCnn, "lstm": TextLstm}[sizes["name"]](sizes)
    biases = [value for name, value in network.named_parameters() if "bias" in name]
    others = [value for name, value in network.named_parameters() if "bias" not in name]
    optimizer = torch.optim.AdamW(
        [{"params": others}, {"params": biases, "weight_decay": 0.0}],
        lr=sizes["learning_rate"],
        eps=sizes["epsilon"],
        weight_decay=sizes["weight_decay"],
        fused=True,  # one op a weight, as ours
    )
    loss = nn.BCEWithLogitsLoss()
    batches = [
        (torch.tensor(ids), torch.tensor(labels, dtype=torch.float32))
        for ids, labels in sizes["batches"]
    ]
    print("ready", flush=True)
    for _ in sys.stdin:
        for ids, labels in batches:
            optimizer.zero_grad()
            value = loss(network(ids), labels)
            value.backward()
            optimizer.step()
        print(value.item(), flush=True)


if __name__ == "__main__":
    main()
