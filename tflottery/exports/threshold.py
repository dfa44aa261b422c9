"""A threshold other than one half: a next version of a model whose label follows it.

A version never changes, and a server shows its newest; so a threshold is a version of its own. The
SavedModel's ``label`` follows it, and with that every reader of the model: TensorFlow Serving,
``bin/predict``, ``bin/evaluate``. Scores stay what they are.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tflottery.errors import TflotteryError, UserError
from tflottery.exports import checksums, client, reading
from tflottery.exports.places import CARD, taken, versions
from tflottery.files import new_folder, require_writable

FILE = "threshold.json"
_TEXT, _IDS, _CLASSIFY = "serving_default", "ids", "classify"


def of_version(folder: Path) -> float:
    """The threshold that a version's label follows: of two classes, the second is the label where
    its score is above."""
    try:
        return float(json.loads((folder / FILE).read_text(encoding="utf-8"))["threshold"])
    except FileNotFoundError:
        return 0.5
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"{folder / FILE} is damaged; export the ticket anew.") from None


def left_behind(base: Path) -> str:
    """A line on the threshold of a model's newest version, which the next one will not have; empty
    where that has none of its own, or cannot be read."""
    newest = max(versions(base), default=None)
    try:
        limit = 0.5 if newest is None else of_version(base / str(newest))
    except UserError:
        return ""
    if limit == 0.5:
        return ""
    return (
        f"Version {newest} has a threshold of its own ({limit:.6g}), and this one has one half; "
        "choose one for it with bin/evaluate --threshold best-f1 --keep."
    )


def version_of(folder: Path) -> Path:
    """A version's folder, beside which the next one goes, by a path that ends in its number.

    Raises:
        UserError: the folder is no version in a model's folder, or nothing can be written there.
    """
    # A working directory is named by its whole path; what a link leads to is not asked.
    whole = folder if folder.name.isdecimal() else folder.absolute()
    if not whole.name.isdecimal():
        raise UserError(f"{folder} is no version in a model's folder; give it a folder as model/1.")
    require_writable(whole.parent, "--model")
    return whole


def publish(folder: Path, threshold: float, reason: str) -> Path:
    """Writes the next version of a model, whose label follows a threshold; checks it in a fresh
    process before it appears.

    Args:
        folder: a version of a model of two classes.
        threshold: in (0, 1).
        reason: a sentence on how it was chosen, for the model card.

    Returns:
        The folder of the new version.

    Raises:
        UserError: the folder cannot be written, or the model has more than two classes.
        TflotteryError: the new version does not do what it should; nothing was published.
    """
    folder = version_of(folder)
    base = folder.parent
    loaded = client.load(folder)
    new = base / str(max(versions(base)) + 1)
    try:
        with new_folder(new, replace=False) as staging:
            _save(loaded, threshold, staging)
            _check(folder, staging, threshold)
            for extra in (*folder.glob("assets.extra/*"), *folder.glob(reading.FILE)):
                copy = staging / extra.relative_to(folder)
                copy.parent.mkdir(exist_ok=True)
                shutil.copyfile(extra, copy)
            card = folder / CARD
            before = card.read_text(encoding="utf-8") if card.is_file() else ""
            said = (
                f"## Threshold\n\nVersion {new.name} is version {folder.name} with another "
                f"threshold: `label` is the second class where its score is above {threshold:.6g}. "
                f"{reason}"
            )
            about = {"threshold": threshold, "of_version": int(folder.name), "reason": reason}
            (staging / FILE).write_text(f"{json.dumps(about, indent=2)}\n", encoding="utf-8")
            checksums.write(staging)
            (staging / CARD).write_text(f"{before.rstrip()}\n\n{said}\n", encoding="utf-8")
    except FileExistsError:
        raise taken(new) from None
    return new


def _save(loaded: Any, threshold: float, folder: Path) -> None:
    import tensorflow as tf

    from tflottery.exports.saved_model import mark_classify, without_news
    from tflottery.exports.verification import examples

    signatures = loaded.signatures
    answer = signatures[_CLASSIFY](inputs=tf.constant(examples([b""])))
    classes = answer["classes"].numpy()[0].tolist()
    if len(classes) != 2:
        raise UserError(f"A threshold is for two classes; {folder} has {len(classes)}.")
    tracked = tf.Module()
    tracked.weights, tracked.vocabulary = loaded.weights, loaded.vocabulary

    def follows(name: str) -> Callable[..., dict[str, Any]]:
        def answer(**inputs: Any) -> dict[str, Any]:
            score = signatures[name](**inputs)["score"]
            above = tf.cast(score > np.float32(threshold), tf.int32)
            return {"score": score, "label": tf.gather(tf.constant(classes), above)}

        return answer

    def same(**inputs: Any) -> dict[str, Any]:
        return dict(signatures[_CLASSIFY](**inputs))

    functions = {_TEXT: follows(_TEXT), _IDS: follows(_IDS), _CLASSIFY: same}
    traced = {
        name: tf.function(function, autograph=False).get_concrete_function(
            **signatures[name].structured_input_signature[1]
        )
        for name, function in functions.items()
    }
    with without_news():
        tf.saved_model.save(tracked, str(folder), signatures=traced)
    mark_classify(folder)


def _check(old: Path, new: Path, threshold: float) -> None:
    """Makes sure that scores are the same, and labels those of the threshold."""
    from tflottery.exports.session import Process
    from tflottery.exports.verification import SENTENCES

    answers = []
    for folder in (old, new):
        with Process(folder) as served:
            answers.append(served.run(_TEXT, {"text": SENTENCES}))
            classes = served.run(_CLASSIFY, {"inputs": _first_example()})["classes"][0]
    before, after = answers
    labels = classes[(after["score"] > np.float32(threshold)).astype(int)]
    if not np.array_equal(before["score"], after["score"]):
        raise TflotteryError("with a threshold, the model gives other scores; nothing was written")
    if not np.array_equal(labels, after["label"]):
        raise TflotteryError("the labels do not follow the threshold; nothing was written")


def _first_example() -> list[bytes]:
    from tflottery.exports.verification import examples

    return examples([b""])
