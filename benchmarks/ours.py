"""All that the benchmarks take of tflottery where TensorFlow is at work, in one place."""

from __future__ import annotations

from tflottery.data import batches
from tflottery.data.encoded import Corpus, Encoded
from tflottery.data.reading import sources
from tflottery.experiments.configuration import Configuration
from tflottery.experiments.configuration import load as configuration
from tflottery.experiments.study.design import Study
from tflottery.files import Arrays
from tflottery.models.architecture import Initializers
from tflottery.models.roles import Roles
from tflottery.models.shipped.cnn import Cnn
from tflottery.models.shipped.lstm import Lstm
from tflottery.pruning import masks
from tflottery.pruning.masks import Masks, To
from tflottery.pruning.tfmot_model import TfmotModel
from tflottery.runs.encoded import load_corpus
from tflottery.runs.observer import Silent
from tflottery.runs.realise import Realiser
from tflottery.runs.run import Run
from tflottery.runs.specs import RunSpec, ancestry, snapshots_wanted
from tflottery.runs.store import Store
from tflottery.training.listener import Logs
from tflottery.training.losses import accuracy, loss
from tflottery.training.optimizers import optimizer
from tflottery.training.trained import Trained
from tflottery.training.trainer import Trainer

__all__ = [
    "Arrays",
    "Cnn",
    "Configuration",
    "Corpus",
    "Encoded",
    "Initializers",
    "Logs",
    "Lstm",
    "Masks",
    "Realiser",
    "Roles",
    "Run",
    "RunSpec",
    "Silent",
    "Store",
    "Study",
    "TfmotModel",
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
]
