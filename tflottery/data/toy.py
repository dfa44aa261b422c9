"""Toy reviews from a seeded grammar: for trying things, never for conclusions.

The label is the verdict of the *last* opinion, after negation ("not at all dull") and contrast
("the score is superb , but the plot drags"); earlier clauses and quoted opinions of other people
distract. Word counts alone therefore do not settle it, a few words in a row nearly do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from tflottery import seeds
from tflottery.data.settings import DataSettings
from tflottery.data.sources import Example

# Part of the fingerprint: raise it whenever the grammar gives other reviews.
GRAMMAR = 1
SIZES = {"train": 5_000, "test": 2_000}

_GOOD = (
    "superb moving funny clever warm gripping charming honest fresh vivid tender witty bold "
    "elegant subtle radiant sincere thrilling graceful joyous luminous crisp playful stirring "
    "memorable poised generous spirited assured delightful"
).split()
_BAD = (
    "dull clumsy tired bland noisy shallow stale hollow tedious sloppy grim lifeless awkward "
    "muddled smug pompous forced limp drab messy predictable cynical plodding flat wooden "
    "murky grating lazy incoherent dreary"
).split()
_ASPECTS = (
    "plot cast score script camera pacing ending dialogue direction editing premise humour lead "
    "villain opening finale setting costume sound chemistry"
).split()
_NEGATIONS = ("not", "never", "hardly", "not at all", "by no means", "anything but")
_DEGREES = ("", "", "very", "truly", "rather", "quite", "so", "deeply")
_CONTRASTS = ("but", "yet", "however", "still", "although some disagree")
_FILLERS = (
    "i saw it with {name} in {place}",
    "{name} plays {name} of {place}",
    "it was shot near {place} by {name}",
    "the story begins when {name} leaves {place}",
    "we had seats beside {name}",
    "the {aspect} reminded me of {name}",
)
_SYLLABLES = (
    "ba be bi bo da de di do fa fe ga go ka ke ki ko la le li lo ma me mi mo na ne ni no pa pe "
    "ra re ri ro sa se si so ta te ti to va ve vi vo za ze"
).split()


class ToySource:
    """``--dataset toy``: 5,000 training and 2,000 test reviews, the same on every machine."""

    caution: ClassVar[str] = "Toy reviews are generated: fine for trying things, no evidence."
    name = "toy"
    classes = ("negative", "positive")
    splits = ("train", "test")

    def __init__(self, settings: DataSettings) -> None:
        del settings  # there is nothing to choose

    @classmethod
    def claims(cls, dataset: str) -> bool:
        return dataset == "toy"

    def fingerprint(self) -> str:
        return f"toy-grammar-{GRAMMAR}"

    def examples(self, split: str) -> Iterator[Example]:
        random = seeds.generator("toy", GRAMMAR, split)
        for number in range(SIZES[split]):
            label = number % 2
            yield _review(random, bool(label)).encode(), label


def _review(random: np.random.Generator, good: bool) -> str:
    parts: list[str] = []
    for _ in range(random.integers(0, 4)):
        parts += [_filler(random), random.choice([".", ",", "<br />"])]
    opinions = int(random.integers(1, 4))
    for position in range(opinions):
        last = position == opinions - 1
        parts.append(_opinion(random, good if last else bool(random.integers(2))))
        parts += ["."] if last else [",", str(random.choice(_CONTRASTS))]
        if random.random() < 0.4:
            parts += [_filler(random), "."]
    return " ".join(parts).replace(" .", ".").replace(" ,", ",").capitalize()


def _opinion(random: np.random.Generator, good: bool) -> str:
    negated = random.random() < 0.35
    adjective = random.choice(_GOOD if good != negated else _BAD)
    degree = random.choice(_NEGATIONS if negated else _DEGREES)
    return " ".join(f"the {random.choice(_ASPECTS)} is {degree} {adjective}".split())


def _filler(random: np.random.Generator) -> str:
    return str(random.choice(_FILLERS)).format(
        name=_name(random), place=_name(random), aspect=random.choice(_ASPECTS)
    )


def _name(random: np.random.Generator) -> str:
    return "".join(random.choice(_SYLLABLES, size=random.integers(2, 4)))
