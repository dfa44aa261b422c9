"""What a model is worth on some texts, as tables, as a picture and as files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tflottery.data.reading.records import shown_path
from tflottery.files import require_writable, write_together
from tflottery.notebook import as_html
from tflottery.settings import place

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class Evaluation:
    """What a model is worth on some texts.

    ``model``: the folder of its version; with ``keep``, of the new one. ``split`` and ``texts``:
    which, and how many. ``threshold``: the second of two classes is the label where its score is
    above; None for more classes. ``chosen``: a sentence on how it was, or empty. The tables are
    those of ``worth``: ``metrics``, ``classes``, ``confusion``, ``calibration``; and the words that
    decide a class in some of the texts, ``words`` (``words.deciding``), with the n-grams that a
    CNN's filters look for, ``ngrams`` (``filters.strongest``). ``remarks``: what was assumed, a
    line each.
    """

    model: Path
    split: str
    texts: int
    threshold: float | None
    chosen: str
    metrics: pd.DataFrame
    classes: pd.DataFrame
    confusion: pd.DataFrame
    calibration: pd.DataFrame
    words: pd.DataFrame
    ngrams: pd.DataFrame
    remarks: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """Accuracy and its interval, for people."""
        accuracy = self.metrics.set_index("metric").loc["accuracy"]
        low, high = 100 * accuracy["low"], 100 * accuracy["high"]
        return (
            f"{shown_path(self.model)} on {self.texts:,} {self.split} texts: accuracy "
            f"{100 * accuracy['value']:.2f} % [{low:.2f}, {high:.2f}]."
        )

    def __repr__(self) -> str:
        return f"<Evaluation: {self.sentence}>"

    def _repr_html_(self) -> str:
        return as_html(self.sentence, self.metrics, [*self.remarks, self.chosen])

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draws how often the likeliest class is right against its probability; a model that is
        calibrated lies on the diagonal. Gives matplotlib's axes."""
        if ax is None:
            import matplotlib.pyplot as plt

            _, ax = plt.subplots(figsize=(4.6, 4.4), layout="constrained")
        table = self.calibration
        ax.plot([0, 1], [0, 1], color="0.6", lw=1, ls="--")
        reach = [table["accuracy"] - table["low"], table["high"] - table["accuracy"]]
        ax.errorbar(table["confidence"], table["accuracy"], yerr=reach, fmt="o", capsize=2)
        least = 1 / max(len(self.classes), 1)
        ax.set(xlim=(least - 0.02, 1.01), ylim=(0, 1.01))
        ax.set_xlabel("probability of the likeliest class")
        ax.set_ylabel("how often it is right")
        return ax

    def save(self, folder: str | Path) -> list[Path]:
        """Writes the tables as CSV and the picture of the calibration; gives the files. Files of
        these names are replaced."""
        import io

        from matplotlib.figure import Figure

        base = folder_of(folder)
        tables = {
            "metrics": self.metrics, "classes": self.classes,
            "confusion": self.confusion.reset_index(), "calibration": self.calibration,
            "words": self.words, "ngrams": self.ngrams.explode("ngrams"),
        }  # fmt: skip
        figure = Figure(figsize=(4.6, 4.4), layout="constrained")
        self.plot(figure.add_subplot())
        picture = io.BytesIO()
        figure.savefig(picture, format="png", dpi=120)
        files = {f"{name}.csv": table.to_csv(index=False) for name, table in tables.items()}
        return write_together(base, {**files, "calibration.png": picture.getvalue()})


def folder_of(output: str | Path) -> Path:
    """The folder that tables go to.

    Raises:
        UserError: nothing can be written there.
    """
    base = place("output", output)
    require_writable(base, "--output")
    return base
