"""A threshold other than one half: a next version of a model whose label follows it.

A version never changes, and a server shows its newest; so a threshold is a version of its own. The
SavedModel's ``label`` follows it, and with that every reader of the model: TensorFlow Serving,
``bin/predict``, ``bin/evaluate``; so does that of each file beside it. Scores stay what they are.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tflottery.errors import TflotteryError, UserError
from tflottery.exports import checksums, client, reading
from tflottery.exports.formats import device
from tflottery.exports.formats.format import Format
from tflottery.exports.formats.registry import FORMATS, require_installed
from tflottery.exports.label_said import with_threshold
from tflottery.exports.places import CARD, taken, versions
from tflottery.files import new_folder, require_writable
from tflottery.reasons import written

FILE = "threshold.json"
_TEXT, _IDS, _CLASSIFY = "serving_default", "ids", "classify"


def of_version(folder: Path) -> float:
    """The threshold that a version's label follows: of two classes, the second is the label where
    its score is above."""
    try:
        return float(json.loads((folder / FILE).read_text(encoding="utf-8"))["threshold"])
    except FileNotFoundError:
        return 0.5
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
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
        UserError: the folder is no version in a model's folder, nothing can be written there, or a
            package that one of its files takes is not installed.
    """
    # A working directory is named by its whole path; what a link leads to is not asked.
    whole = folder if folder.name.isdecimal() else folder.absolute()
    if not whole.name.isdecimal():
        raise UserError(f"{folder} is no version in a model's folder; give it a folder as model/1.")
    require_writable(whole.parent, "--model")
    _beside(whole)
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
        UserError: the folder cannot be written, the model has more than two classes, or a package
            that one of its files takes is not installed.
        TflotteryError: the new version does not do what it should; nothing was published.
    """
    folder = version_of(folder)
    base = folder.parent
    files = _beside(folder)
    before = of_version(folder) if (folder / FILE).is_file() else None
    loaded = client.load(folder)
    from tflottery.exports import saved_model

    classes = saved_model.classes_of(loaded)
    if len(classes) != 2:
        raise UserError(f"A threshold is for two classes; {folder} has {len(classes)}.")
    new = base / str(max(versions(base)) + 1)
    try:
        with new_folder(new, replace=False) as staging:
            saved_model.relabel(loaded, staging, threshold)
            for one in files:
                one.relabel(folder / one.file, staging / one.file, threshold)
            labelled = [one.file for one in files if not one.unlabelled]
            _check(folder, staging, threshold)
            _check_files(folder, staging, labelled, saved_model.width_of(loaded), threshold)
            for extra in _others(folder):
                copy = staging / extra.relative_to(folder)
                copy.parent.mkdir(exist_ok=True)
                shutil.copyfile(extra, copy)
            card = folder / CARD
            text = card.read_text(encoding="utf-8") if card.is_file() else ""
            said = with_threshold(text, (folder.name, new.name), (before, threshold), reason, files)
            about = {"threshold": threshold, "of_version": int(folder.name), "reason": reason}
            (staging / FILE).write_text(f"{json.dumps(about, indent=2)}\n", encoding="utf-8")
            checksums.write(staging)
            (staging / CARD).write_text(said, encoding="utf-8")
    except FileExistsError:
        raise taken(new) from None
    return new


def _beside(folder: Path) -> list[Format]:
    """The formats of the files that a version has beside its SavedModel.

    Raises:
        UserError: a package that one of them takes is not installed.
    """
    there = [one for one in FORMATS.values() if one.file and (folder / one.file).is_file()]
    for one in there:
        if not one.unlabelled:
            require_installed(one)
    return there


def _others(folder: Path) -> list[Path]:
    """The files that are the same whatever the threshold is."""
    patterns = ("assets.extra/*", f"{device.FOLDER}/*", reading.FILE, written.FILE)
    return [path for pattern in patterns for path in folder.glob(pattern) if path.is_file()]


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
    _require(before["score"], after["score"], "gives other scores", "the model")
    _require(labels, after["label"], "has labels that do not follow it", "the model")


def _check_files(old: Path, new: Path, files: Sequence[str], width: int, threshold: float) -> None:
    """The same of files beside the SavedModel, which take so many ids of a text."""
    if not files:
        return
    from tflottery.exports.session import Process
    from tflottery.exports.verification import padded, sentences

    reads = reading.read(old)
    texts = reads.vocabulary.encode(sentences(reads.wording), width, reads.wording)
    for file in files:
        answers = []
        for folder in (old, new):
            with Process(folder / file) as served:
                answers.append(served.run(_IDS, {_IDS: padded(texts, width)}))
        before, after = answers
        _require(before["score"], after["score"], "gives other scores", file)
        labels = (after["score"] > np.float32(threshold)).astype(int)
        _require(labels, after["label"], "has labels that do not follow it", file)


def _require(expected: np.ndarray, found: np.ndarray, fault: str, what: str) -> None:
    if not np.array_equal(expected, found):
        raise TflotteryError(f"with a threshold, {what} {fault}; nothing was written")


def _first_example() -> list[bytes]:
    from tflottery.exports.verification import examples

    return examples([b""])
