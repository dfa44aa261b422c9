"""The networks of ``configs/`` in PyTorch: a process that trains on the batches it is asked for.

It imports neither tflottery nor TensorFlow, so that both have a process, and its threads, for
themselves.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from benchmarks import batch_files
from benchmarks.asked import Answer, serve


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


def begin(sizes: dict[str, Any]) -> tuple[dict[str, bool], Answer]:
    """Builds the networks; says whether oneDNN is on, and trains the variant it is then told."""
    torch.set_num_threads(sizes["threads"])
    onednn = sizes["onednn"] and torch.backends.mkldnn.is_available()
    trainings = {
        "PyTorch": _Training(sizes, "bucketed"),
        "PyTorch, not bucketed": _Training(sizes, "plain"),
    }

    def train(variant: str) -> float:
        with torch.backends.mkldnn.flags(enabled=onednn):
            return trainings[variant].train()

    return {"onednn": onednn}, train


class _Training:
    """One network, and the batches that it is trained on again and again."""

    def __init__(self, sizes: dict[str, Any], kind: str) -> None:
        self._network = {"cnn": TextCnn, "lstm": TextLstm}[sizes["name"]](sizes)
        named = list(self._network.named_parameters())
        self._optimizer = torch.optim.AdamW(
            [
                {"params": [value for name, value in named if "bias" not in name]},
                {"params": [value for name, value in named if "bias" in name], "weight_decay": 0.0},
            ],
            lr=sizes["learning_rate"],
            eps=sizes["epsilon"],
            weight_decay=sizes["weight_decay"],
            fused=True,  # one op a weight, as ours
        )
        self._loss = nn.BCEWithLogitsLoss()
        self._batches = [
            (torch.tensor(ids), torch.tensor(labels, dtype=torch.float32))
            for ids, labels in batch_files.read(sizes["batches"][kind])
        ]

    def train(self) -> float:
        """A pass over the batches; gives the last loss."""
        for ids, labels in self._batches:
            self._optimizer.zero_grad()
            value = self._loss(self._network(ids), labels)
            value.backward()
            self._optimizer.step()
        return value.item()


if __name__ == "__main__":
    serve(begin)
