"""Draws inspection.svg: what ``tflottery.inspect`` shows of 3,000 invented reviews with stars.

    python docs/figures/inspection.py

Writes the picture beside this file.
"""

from __future__ import annotations

import random
from pathlib import Path

import matplotlib as mpl

from tflottery.data.look import inspection
from tflottery.data.reading import memory, sources
from tflottery.data.settings import DataSettings

WORDS = "the a lid leaks works lamp kettle after one week well badly and again it is loud".split()
SHARES = {"1": 12, "2": 5, "3": 8, "4": 20, "5": 55}


def reviews() -> tuple[list[str], list[str]]:
    """Texts of a few to some hundred words, and their stars."""
    draw = random.Random(3)
    stars = draw.choices(list(SHARES), list(SHARES.values()), k=3_000)
    lengths = [1 + round(draw.lognormvariate(3.6, 0.9)) for _ in stars]
    return [" ".join(draw.choices(WORDS, k=length)) for length in lengths], stars


def main() -> None:
    mpl.use("svg")
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "tflottery", "font.size": 10})
    name = memory.register(reviews())
    seen = inspection.inspect(sources.identify(DataSettings(dataset=name, max_length=100)))
    place = Path(__file__).with_suffix(".svg")
    figure = seen.plot().figure
    figure.savefig(place, metadata={"Date": None, "Creator": None}, facecolor="white")


if __name__ == "__main__":
    main()
