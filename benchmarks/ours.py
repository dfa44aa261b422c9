"""All that the benchmarks take of tflottery where TensorFlow is at work, in one place."""

from __future__ import annotations

from tflottery.config import Config
from tflottery.config import load as configuration
from tflottery.data import batches, sources
from tflottery.data.batches import steps_per_epoch
from tflottery.data.corpus import Corpus, Encoded
from tflottery.files import Arrays
from tflottery.findings import Study
from tflottery.models.architecture import Initializers
from tflottery.models.cnn import Cnn
from tflottery.models.lstm import Lstm
from tflottery.pruning import masks
from tflottery.pruning.carrier import Carrier
from tflottery.pruning.masks import Masks, To
from tflottery.runs.realise import Realiser, Silent, load_corpus
from tflottery.runs.specs import RunSpec, ancestry, snapshots_wanted
from tflottery.runs.store import Run, Store
from tflottery.training.callbacks import Logs
from tflottery.training.optimizers import optimizer
from tflottery.training.trainer import Trained, Trainer, accuracy, loss

__all__ = [
    "Arrays",
    "Carrier",
    "Cnn",
    "Config",
    "Corpus",
    "Encoded",
    "Initializers",
    "Logs",
    "Lstm",
    "Masks",
    "Realiser",
    "Run",
    "RunSpec",
    "Silent",
    "Store",
    "Study",
    "To",
    "Trained",
    "Trainer",
    "accuracy",
    "ancestry",
    "batches",
    "configuration",
    "load_corpus",
    "loss",
    "masks",
    "optimizer",
    "snapshots_wanted",
    "sources",
    "steps_per_epoch",
]
