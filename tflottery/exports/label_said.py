"""What a model card says of the labels of its model, which a threshold changes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tflottery.exports.formats.format import Format

_CHAPTER = re.compile(r"\n## Threshold\n.*?(?=\n## |\Z)", re.DOTALL)


def label_said(threshold: float | None = None) -> str:
    """What a card says of the output ``label``, as Markdown.

    Args:
        threshold: above which score the second of two classes is the label; None for the likeliest
            class.
    """
    if threshold is None:
        return "`label`, the likeliest class"
    return f"`label`, the second class where its score is above {threshold:.6g}"


def with_threshold(
    card: str,
    versions: tuple[str, str],
    thresholds: tuple[float | None, float],
    reason: str,
    files: Sequence[Format],
) -> str:
    """The card of a version whose label follows a threshold.

    Args:
        card: that of the version that it is made from.
        versions: the older and the newer version.
        thresholds: theirs; None for the likeliest class.
        reason: a sentence on how the threshold was chosen.
        files: the formats of the files beside the SavedModel.
    """
    (old, new), (before, after) = versions, thresholds
    kept = _CHAPTER.sub("", card)
    kept = kept.replace(f", version {old}\n", f", version {new}\n", 1)
    kept = kept.replace(label_said(before), label_said(after), 1)
    follow = [f"`{one.file}`" for one in files if not one.unlabelled]
    others = [f"`{one.file}` gives {one.unlabelled}" for one in files if one.unlabelled]
    lines = [
        f"Version {new} is version {old} with another threshold: `label` is the second class where "
        f"its score is above {after:.6g}. {reason}",
        "What is said above of accuracies, precision and recall, and of how files were checked, is "
        "by the likeliest class. Scores are the same.",
    ]
    if follow:
        lines.append(f"`label` follows it in {', '.join(follow)} too.")
    if others:
        lines.append(f"No label: {', '.join(others)}.")
    chapter = "\n\n".join(lines)
    return f"{kept.rstrip()}\n\n## Threshold\n\n{chapter}\n"
