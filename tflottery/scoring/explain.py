"""``explain``: what each word of a text did to an exported model's score."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from tflottery import activity, plugins, status
from tflottery.data.reading.whole_table import encoded
from tflottery.errors import UserError, suggest
from tflottery.exports import client, reading
from tflottery.plugins import Plugins
from tflottery.reasons.deciding import Deciding, decide
from tflottery.reasons.words import Effects, Explanation, explanations, occlusions
from tflottery.scoring import page
from tflottery.scoring.integrated import Integrated
from tflottery.scoring.model import Scorer
from tflottery.scoring.predict import texts_of
from tflottery.settings import argument, place

By = Literal["occlusion", "integrated_gradients"]

# How many texts without a word are asked for together.
_ROWS = 8_192
_TOLERANCE = 1e-5


@status.said
def explain(
    model: str | Path,
    texts: str | Sequence[str],
    *,
    by: str = "occlusion",
    output: str | Path | None = None,
    plugin: Plugins = (),
    progress: bool = True,
) -> list[Explanation]:
    """What each word of each text did: the log-odds with it minus those without it.

    >>> import tflottery as tfl
    >>> tfl.explain("saved_models/toy-cnn", "The score is superb.")[0].table    # doctest: +SKIP

    Args:
        model: the folder of a model, or of one of its versions.
        texts: a text, or several.
        by: ``occlusion``, or ``integrated_gradients`` (Sundararajan et al. 2017).
        output: a page to write, too, whose name ends in ``.html``: the words in their colours.
        plugin: as in ``find_ticket``.
        progress: whether progress is shown.

    Raises:
        UserError: there is no such model, it does not say how it reads texts, ``by`` is neither,
            or the page cannot be written.
    """
    plugins.load(plugin, installed=False)
    listed = texts_of(texts)
    file = None if output is None else page.place_of(output)
    found = [one for batch in each(place("model", model), listed, by) for one in batch]
    if file is not None:
        page.write([found], file)
    return found


def each(model: Path, texts: Iterable[str], by: str) -> Iterator[list[Explanation]]:
    """Texts explained as they come, some at a time.

    Raises:
        UserError: as ``explain``; what is wrong with the model or ``by`` at once.
    """
    effects_by(by)
    explainer = Explainer(Scorer(client.version_folder(client.Model(model))), by)
    rest = iter(texts)
    batches = iter(lambda: list(islice(rest, client.BATCH)), [])
    return map(explainer.explain, batches)


def effects_by(by: str) -> By:
    """What effects are computed by.

    Raises:
        UserError: there is no such way.
    """
    known = get_args(By)
    by = argument("by", by, str)
    if by not in known:
        raise UserError(f"Words are not explained by {by!r}. {suggest(by, known)}")
    chosen: By = argument("by", by, By)
    return chosen


class Explainer:
    """Explains texts with a model, by occlusion or by integrated gradients.

    Raises:
        UserError: the model's folder does not hold how it reads texts.
    """

    def __init__(self, scorer: Scorer, by: str = "occlusion") -> None:
        self.scorer, self.reading = scorer, reading.read(scorer.folder)
        is_occlusion = effects_by(by) == "occlusion"
        self._effects: Effects = (
            occlusions(scorer.score_ids) if is_occlusion else Integrated(scorer).effects
        )

    def words(self, texts: Sequence[str]) -> tuple[list[list[str]], list[int]]:
        """The words of each text that are read, and how many are not."""
        from tflottery.data.words.text import normaliser

        wording, length = self.reading.wording, self.scorer.max_length
        normalised = normaliser(wording)([encoded(text) for text in texts]).numpy()
        split = [text.decode().split(" ") if text else [] for text in normalised]
        read = [wording.cut(words, length) for words in split]
        return read, [len(all_) - len(some) for all_, some in zip(split, read, strict=True)]

    def ids(self, words: Sequence[Sequence[str]]) -> list[list[int]]:
        """The ids of words that are read; one unknown of a text without any."""
        known = {word: number for number, word in enumerate(self.reading.vocabulary.words)}
        return [[known.get(word, 1) for word in of_text] or [1] for of_text in words]

    def explain(self, texts: Sequence[str]) -> list[Explanation]:
        """What each word of each text did.

        Raises:
            UserError: the export does not say how it reads texts, and reads otherwise than most; or
                it cannot be explained so.
        """
        if not texts:
            return []
        labels, scores = self.scorer.score([encoded(text) for text in texts])
        words, unread = self.words(texts)
        ids = self.ids(words)
        again = self.scorer.score_ids(ids)
        self._require_same(again, scores)
        found: list[Explanation] = []
        with activity.doing("explaining", len(texts)):
            for first, last in _together([len(one) for one in ids]):
                some = slice(first, last)
                found += explanations(
                    texts[some], words[some], ids[some], unread[some], labels[some],
                    again[some], self.scorer.classes, self._effects,
                )  # fmt: skip
                activity.advance(last - first)
        return found

    def decide(self, texts: Sequence[str], split: str, of: int) -> Deciding:
        """The words and n-grams that decide a class in some texts.

        Args:
            texts: some of those of a split.
            split, of: its name, and how many texts it has.

        Raises:
            UserError: as ``explain``.
        """
        words, _ = self.words(texts)
        ids = self.ids(words)
        if texts:
            _, scores = self.scorer.score([encoded(text) for text in texts])
            self._require_same(self.scorer.score_ids(ids), scores)
        own, names = self.reading.own_rows, self.reading.vocabulary.words
        rows = reading.embedding_rows(len(names), own)
        weights = self.scorer.weights
        with activity.doing("finding the words that decide a class"):
            return decide(
                ids, self.scorer.score_ids, names, self.scorer.classes, weights, rows, split, of,
                words,
            )  # fmt: skip

    def _require_same(self, by_ids: np.ndarray, by_text: np.ndarray) -> None:
        if not np.abs(by_ids - by_text).max() <= _TOLERANCE:
            raise UserError(
                f"{self.scorer.folder} reads texts in another way than is known here; export the "
                "ticket anew."
            )


def _together(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Texts that are explained together, by the first and the one after the last."""
    parts, first, rows = [], 0, 0
    for place_, size in enumerate(sizes):
        if rows and rows + size > _ROWS:
            parts.append((first, place_))
            first, rows = place_, 0
        rows += size + 1
    return [*parts, (first, len(sizes))]
