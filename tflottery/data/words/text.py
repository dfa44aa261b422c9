"""One normalisation for every source, written in string ops that can run inside a SavedModel.

Whoever changes what these give raises ``corpus.NORMALISATION``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import tensorflow as tf

from tflottery.data.words.wording import Rule, Wording

Normaliser = Callable[[tf.Tensor], tf.Tensor]


@tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
def normalise(texts: tf.Tensor) -> tf.Tensor:
    """Lower-case words, one space apart, from raw reviews.

    Broken UTF-8 becomes a space. ``<br />`` and Yelp's literal ``\\n`` separate words. The
    apostrophe and Yelp's doubled quotes vanish ("don't" is ``dont``); ``!`` and ``?`` are words;
    all other punctuation and symbols separate words.

    Args:
        texts: string [batch], UTF-8.

    Returns:
        string [batch], UTF-8, without leading or trailing space.
    """
    texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
    # ``lower`` takes a NUL for the end of the text.
    texts = tf.strings.regex_replace(texts, r"\x00", " ")
    texts = tf.strings.lower(texts, encoding="utf-8")
    texts = tf.strings.regex_replace(texts, r"<br\s*/?>|\\n", " ")
    texts = tf.strings.regex_replace(texts, r"['’]", "")
    texts = tf.strings.regex_replace(texts, r"([!?])", r" \1 ")
    texts = tf.strings.regex_replace(texts, r"[^\pL\pM\pN!?]+", " ")
    return tf.strings.strip(texts)


def normaliser(wording: Wording) -> Normaliser:
    """``normalise``, or its like that makes other words: string [batch] → string [batch]."""
    return normalise if wording.is_plain else _normaliser(wording.rules())


@cache
def _normaliser(rules: tuple[Rule, ...]) -> Normaliser:
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def normalised(texts: tf.Tensor) -> tf.Tensor:
        texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
        # ``lower`` takes a NUL for the end of the text.
        texts = tf.strings.regex_replace(texts, r"\x00", " ")
        texts = tf.strings.lower(texts, encoding="utf-8")
        for pattern, replacement in rules:
            texts = tf.strings.regex_replace(texts, pattern, replacement)
        return tf.strings.strip(texts)

    return normalised
