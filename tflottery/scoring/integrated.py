"""Integrated gradients: what each word did, by the gradients on the way from no words to the text.

Sundararajan, Taly and Yan (2017, arXiv 1703.01365). All words' vectors grow together from zero to
what they are; a word's effect is the integral of the gradient of the log-odds along that way, times
its vector. So the effects of a text sum to its log-odds minus those of a text whose words are all
zeros, but for the error of a sum over some points of the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tflottery.errors import UserError
from tflottery.reasons.words import LEAST
from tflottery.scoring.model import Scorer, batches

POINTS = 128
"""Points of the way that are looked at, the middles of as many equal parts: networks have corners
on it, at which finer rules gain nothing."""


class Integrated:
    """The effects of words by integrated gradients.

    Raises:
        UserError: the model does not look its words up once, in one table of vectors.
    """

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._vectors, self._odds = _parts(scorer)

    def effects(self, ids: Sequence[Sequence[int]]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of each text float64 [words, classes]: by how much each word raises the log-odds of each
        class, and by how much its probability.

        Args:
            ids: of the words that are read; at least one a text.
        """
        found: list[Any] = [None] * len(ids)
        for rows in batches([len(one) for one in ids]):
            some = [ids[row] for row in rows]
            for row, effects in zip(rows, self._together(some), strict=True):
                found[row] = effects
        return found

    def _together(self, ids: Sequence[Sequence[int]]) -> list[tuple[np.ndarray, np.ndarray]]:
        import tensorflow as tf

        given = tf.constant(self._scorer.padded(ids))
        vectors = self._vectors(given)
        classes = len(self._scorer.classes)
        odds = np.zeros((len(ids), int(vectors.shape[1]), classes))
        changes = np.zeros_like(odds)
        for place in (np.arange(POINTS) + 0.5) / POINTS:
            gradients, scores = self._odds(given, float(place) * vectors)
            # [classes, texts, words]; of two classes, that of the second.
            slopes = tf.reduce_sum(gradients * vectors, axis=-1).numpy().astype(np.float64)
            if classes == 2:
                slopes = np.concatenate([-slopes, slopes])
            per_class = slopes.transpose(1, 2, 0)
            exact = scores.numpy().astype(np.float64)
            odds += per_class / POINTS
            changes += per_class * (exact * (1 - exact))[:, np.newaxis] / POINTS
        return [(odds[row, : len(one)], changes[row, : len(one)]) for row, one in enumerate(ids)]


def _parts(scorer: Scorer) -> tuple[Any, Any]:
    """The model in two: from ids to words' vectors, float32 [texts, words, size]; and from vectors
    to the gradients of the log-odds of each class, of two the second's alone, float32 [classes,
    texts, words, size], with the scores, float32 [texts, classes].

    A SavedModel's functions are made one flat graph, as TensorFlow finds no gradient in functions
    within functions that a file gave back.
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2_as_graph,
    )

    frozen, graph = convert_variables_to_constants_v2_as_graph(
        scorer.by_ids, lower_control_flow=False, aggressive_inlining=True
    )
    (ids,) = (one.name for one in frozen.inputs)
    (score,) = (one.name for one in frozen.outputs if one.dtype.is_floating)
    lookups = _lookups(graph, ids.partition(":")[0])
    if len(lookups) != 1:
        raise _not_followed(scorer)
    looked_up = f"{lookups[0]}:0"

    @tf.function(autograph=False)
    def vectors(given: Any) -> Any:
        return tf.graph_util.import_graph_def(
            graph, input_map={ids: given}, return_elements=[looked_up], name=""
        )[0]

    @tf.function(autograph=False)
    def odds(given: Any, of_words: Any) -> tuple[Any, Any]:
        (scores,) = tf.graph_util.import_graph_def(
            graph, input_map={ids: given, looked_up: of_words}, return_elements=[score], name=""
        )
        if len(scorer.classes) == 2:
            scores = tf.stack([1 - scores, scores], axis=1)
        exact = tf.clip_by_value(scores, LEAST, 1 - LEAST)
        columns = tf.unstack(tf.math.log(exact) - tf.math.log1p(-exact), axis=1)
        asked = columns[1:] if len(columns) == 2 else columns
        return tf.stack([tf.gradients(one, of_words)[0] for one in asked]), scores

    try:
        one = tf.constant(scorer.padded([[1]]))
        odds(one, vectors(one))
    except (LookupError, TypeError, ValueError):
        raise _not_followed(scorer) from None
    return vectors, odds


def _not_followed(scorer: Scorer) -> UserError:
    return UserError(
        f"{scorer.folder} does not look its words up once, in one table of vectors, with gradients "
        "from there on; explain it by occlusion."
    )


# Ops that hand ids on, and the inputs that they are in: cut, joined, padded, or by the row that
# each has in a table of fewer rows.
_HANDED_ON: dict[str, slice] = {
    "Identity": slice(1), "Cast": slice(1), "Reshape": slice(1), "Slice": slice(1),
    "StridedSlice": slice(1), "Pad": slice(1), "PadV2": slice(1), "ConcatV2": slice(-1),
    "Select": slice(1, 3), "SelectV2": slice(1, 3), "GatherV2": slice(1, 2),
}  # fmt: skip


def _lookups(graph: Any, ids: str) -> list[str]:
    """The nodes that look words up in a table of vectors: numbers out of a constant, by ids and not
    by what was counted or computed from them, as a word's place is."""
    import tensorflow as tf

    nodes = {node.name: node for node in graph.node}

    def source(name: str) -> Any:
        return nodes[name.lstrip("^").partition(":")[0]]

    def is_constant(node: Any) -> bool:
        while node.op == "Identity":
            node = source(node.input[0])
        return bool(node.op == "Const")

    def follows(node: Any) -> bool:
        left, seen = [node], set()
        while left:
            one = left.pop()
            if one.name == ids:
                return True
            if one.name not in seen and one.op in _HANDED_ON:
                seen.add(one.name)
                left += map(source, one.input[_HANDED_ON[one.op]])
        return False

    return [
        node.name
        for node in graph.node
        if node.op == "GatherV2"
        and tf.as_dtype(node.attr["Tparams"].type).is_floating
        and is_constant(source(node.input[0]))
        and follows(source(node.input[1]))
    ]
