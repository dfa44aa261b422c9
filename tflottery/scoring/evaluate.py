"""``evaluate``: what an exported model is worth on labelled texts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tflottery import activity, plugins, status
from tflottery.data.held_out import ALL, HeldOut
from tflottery.data.reading import given, sources
from tflottery.data.reading.given import Data
from tflottery.data.reading.records import shown
from tflottery.data.reading.source import Source
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError, suggest
from tflottery.experiments import configuration
from tflottery.experiments.configuration import Settings
from tflottery.exports import client
from tflottery.exports import threshold as thresholds
from tflottery.plugins import Plugins
from tflottery.reasons.deciding import TEXTS, Deciding, drawn
from tflottery.scoring import worth
from tflottery.scoring.evaluation import Evaluation
from tflottery.scoring.explain import Explainer
from tflottery.scoring.model import Scorer
from tflottery.settings import argument, place

if TYPE_CHECKING:
    pass

BEST_F1 = "best-f1"
_TOGETHER = 4_096


@status.said
def evaluate(
    model: str | Path,
    dataset: Data | None = None,
    *,
    text: str = "",
    label: str = "",
    split: str = "test",
    threshold: str | float = "",
    keep: bool = False,
    words: int = TEXTS,
    data_dir: str | Path | None = None,
    set: Settings = (),
    plugin: Plugins = (),
    progress: bool = True,
) -> Evaluation:
    """Scores labelled texts with an exported model, and judges it: every metric with its 95 %
    interval, classes, which is taken for which, calibration.

    >>> import tflottery as tfl
    >>> tfl.evaluate("saved_models/toy-cnn", "toy").metrics    # doctest: +SKIP

    Args:
        model: the folder of a model, or of one of its versions.
        dataset, text, label, data_dir, set: labelled texts, as in ``find_ticket``; which ones has
            to be said.
        split: ``test`` (what training holds out, where the data have no such split),
            ``validation``, ``train``, or ``all`` texts.
        threshold: of two classes, above which score the second is the label: a number, or
            ``best-f1`` for the one that gives the second the highest F1 on validation texts. By
            default the model's own.
        keep: publish the threshold as the model's next version, whose label follows it.
        words: in so many of the texts, drawn once and for all, words and n-grams that decide a
            class are looked for; 0 for none.
        plugin: as in ``find_ticket``.
        progress: whether progress is shown.

    Raises:
        UserError: the data are not named, the model or the data cannot be used, or they do not go
            together.
    """
    _require_named(dataset, set)
    plugins.load(plugin)
    chosen = _threshold(threshold)
    few = argument("words", words, int)
    if few < 0:
        raise UserError(f"--words takes a number of texts from 0 on, not {few}.")
    if argument("keep", keep, bool) and chosen is None:
        raise UserError("keep publishes a threshold; give threshold, a number or best-f1.")
    if chosen == BEST_F1 and split in ("validation", ALL):
        raise UserError(
            f"--threshold {BEST_F1} is chosen on validation texts, and would be judged on the same "
            f"with --split {split}; leave one out."
        )
    folder = client.version_folder(client.Model(place("model", model)))
    if keep:
        folder = thresholds.version_of(folder)  # before anything is scored
    for key in configuration.assigned(set):
        if not key.startswith("data."):
            raise UserError(
                f"--set {key}: the model is trained; only how data are read can be set."
            )
    changes = given.settings(dataset, text, label, data_dir=data_dir)
    settings = configuration.load("", changes, set).data
    with activity.doing(sources.reading(settings)):
        source = sources.open_source(settings, to_train=False)
    held = _held_out(source, settings, split)
    remarks = [*getattr(source, "remarks", ()), *([source.caution] if source.caution else [])]
    if not held.is_given and split != "train":
        remarks.append(
            f"The data have no {split} split: these are the texts that training holds out. For "
            f"texts that no training saw, --split {ALL} takes all."
        )
    validation = HeldOut(source, settings, "validation") if chosen == BEST_F1 else None
    scorer = Scorer(folder)
    numbers = _numbers(source, scorer)
    if chosen is not None and len(scorer.classes) != 2:
        raise UserError(f"A threshold is for two classes; the model has {len(scorer.classes)}.")
    why, limit = "", thresholds.of_version(folder) if len(scorer.classes) == 2 else None
    if validation is not None:
        limit, why = _chosen(scorer, source.name, validation, numbers)
    elif chosen is not None:
        limit, why = float(chosen), f"The threshold {float(chosen):.6g} was given."
    labels, predicted, scores = _scored(scorer, held, numbers, f"scoring {split} texts")
    if chosen is not None:
        assert limit is not None
        predicted = (scores[:, 1] > np.float32(limit)).astype(np.int64)
    with activity.doing("judging"):
        exact = scores.astype(np.float64)
        tables = (
            worth.metrics(labels, exact, predicted),
            worth.by_class(labels, predicted, scorer.classes),
            worth.confused(labels, predicted, scorer.classes),
            worth.reliability(labels, exact),
        )
    told = _deciding(scorer, held, split, few)
    if keep:
        assert limit is not None
        with activity.doing("publishing the threshold, and testing it in a fresh process"):
            folder = thresholds.publish(folder, limit, why)
    return Evaluation(
        folder, split, len(labels), limit, why, *tables, told.words, told.ngrams, tuple(remarks)
    )


def _require_named(dataset: Data | None, set: Settings) -> None:
    """A model does not say what to judge it by, so there is no default to fall back on.

    Raises:
        UserError: neither ``dataset`` nor a setting names the texts.
    """
    is_empty = dataset is None or (isinstance(dataset, str) and not dataset)
    if is_empty and "data.dataset" not in configuration.assigned(set):
        raise UserError("On which texts? Give --dataset labelled ones, a name or a file.")


def _held_out(source: Source, settings: DataSettings, split: str) -> HeldOut:
    """The texts of a split, and at least one.

    Raises:
        UserError: there are none.
    """
    try:
        held = HeldOut(source, settings, split)
    except UserError as error:
        mend = f" --split {ALL} takes every text." if split == "test" and source.splits else ""
        raise UserError(f"{error}{mend}") from None
    if not held.count:
        raise UserError(f"{shown(source.name)} has no texts to judge the model on.")
    return held


def _deciding(scorer: Scorer, held: HeldOut, split: str, few: int) -> Deciding:
    """The words that decide a class in some of the texts, and the n-grams of filters."""
    chosen = np.zeros(held.count, bool)
    chosen[drawn(held.count, few)] = True
    texts = [
        text.decode("utf-8", "surrogateescape")
        for is_chosen, (text, _) in zip(chosen, held, strict=True)
        if is_chosen
    ] if few else []  # fmt: skip
    return Explainer(scorer).decide(texts, split, held.count)


def _threshold(value: str | float) -> str | float | None:
    """``best-f1``, a number in (0, 1), or None."""
    if value == "" or value == BEST_F1:
        return value or None
    try:
        number = float(argument("threshold", value, str | float))
    except ValueError:
        number = np.nan
    if not 0 < number < 1:
        raise UserError(f"--threshold is {BEST_F1} or a number between 0 and 1, not {value!r}.")
    return number


def _numbers(source: Source, scorer: Scorer) -> np.ndarray:
    """int [classes of the data]: the model's number of each class.

    Raises:
        UserError: the model does not know one.
    """
    unknown = [name for name in source.classes if name not in scorer.classes]
    if unknown:
        raise UserError(
            f"The data have the class {shown(unknown[0])!r}, which the model does not. "
            f"{suggest(shown(unknown[0]), map(shown, scorer.classes))}"
        )
    return np.array([scorer.classes.index(name) for name in source.classes])


def _chosen(scorer: Scorer, name: str, held: HeldOut, numbers: np.ndarray) -> tuple[float, str]:
    """The threshold with the highest F1 on validation texts, and a sentence on it."""
    labels, _, scores = _scored(scorer, held, numbers, "scoring validation texts")
    second = scorer.classes[1]
    if len(np.unique(labels)) != 2:
        raise UserError("The validation texts are of one class; a threshold takes both.")
    limit, f1 = worth.best_f1(labels, scores[:, 1])
    if not 0 < limit < 1:
        raise UserError(
            f"On validation texts, F1 of {shown(second)!r} is highest where every text is one; no "
            "threshold is better."
        )
    return limit, (
        f"The threshold {limit:.6g} gives {shown(second)!r} the highest F1, {f1:.4f}, on "
        f"{len(labels):,} validation texts of {shown(name)}."
    )


def _scored(
    scorer: Scorer, held: HeldOut, numbers: np.ndarray, what: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """int [texts] labels and the model's own, and float32 [texts, classes] scores."""
    known = {name: number for number, name in enumerate(scorer.classes)}
    labels: list[int] = []
    predicted: list[int] = []
    scores: list[np.ndarray] = []
    examples: Iterator[tuple[bytes, int]] = iter(held)
    with activity.doing(what, held.count):
        while some := list(islice(examples, _TOGETHER)):
            names, of_them = scorer.score([text for text, _ in some])
            labels += [label for _, label in some]
            predicted += [known[name] for name in names]
            scores.append(of_them)
            activity.advance(len(some))
    if min(labels) < 0:
        raise UserError("Some of these texts have no label; give another split.")
    return numbers[labels], np.array(predicted), np.concatenate(scores)
