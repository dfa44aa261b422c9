"""TensorFlow Datasets: any builder with a text and a label, prepared data first, network last."""

from __future__ import annotations

import logging
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from tflottery import startup
from tflottery.data.settings import DataSettings
from tflottery.data.source import Example
from tflottery.errors import UserError, suggest
from tflottery.files import canonical_json, sha256_of_bytes, sha256_of_file

# The first alias of a builder is what its data are called.
ALIASES = {
    "imdb": "imdb_reviews",
    "yelp_polarity": "yelp_polarity_reviews",
    "yelp2": "yelp_polarity_reviews",
    "yelp-2": "yelp_polarity_reviews",
}
# Training texts of the published data: what was prepared under that name with another number of
# them is a sample, and is called so in every table.
_PUBLISHED = {"imdb_reviews": 25_000, "yelp_polarity_reviews": 560_000}
# Any answer from here, an error page too, shows that there is a network.
_NETWORK_PROBE = "https://storage.googleapis.com/"
_PROBE_SECONDS = 5


class TfdsSource:
    """A TFDS builder, by its own name or by an alias of ours."""

    caution: ClassVar[str] = ""

    def __init__(self, settings: DataSettings) -> None:
        self._builder = _builder(settings)
        if not _is_prepared(self._builder):
            _prepare(self._builder, settings.dataset)
        info = self._builder.info
        if "train" not in info.splits:
            raise UserError(f"The data set {settings.dataset} has no split 'train'.")
        is_sample = info.splits["train"].num_examples != _PUBLISHED.get(
            self._builder.name, info.splits["train"].num_examples
        )
        # One name, whichever alias was typed: the encoded data keep it.
        aliases = (alias for alias, name in ALIASES.items() if name == self._builder.name)
        name = next(aliases, settings.dataset)
        self.name = name.replace("/", "-").replace(":", "-") + "_sample" * is_sample
        self.splits = ("train", "test") if "test" in info.splits else ("train",)
        self._text = _feature(info.features, settings.text_column, "text", settings.dataset)
        self._label = _feature(info.features, settings.label_column, "label", settings.dataset)
        self.classes = tuple(info.features[self._label].names)

    @classmethod
    def claims(cls, dataset: str) -> bool:
        return True

    def fingerprint(self) -> str:
        files = sorted(Path(self._builder.data_dir).glob("*record*"))
        return sha256_of_bytes(canonical_json([sha256_of_file(file) for file in files]).encode())

    def examples(self, split: str) -> Iterator[Example]:
        startup.start_tensorflow()
        import tensorflow_datasets as tfds

        # as_supervised would need supervised_keys, which prepared folders do not all have.
        dataset = self._builder.as_dataset(split=split, shuffle_files=False)
        for example in tfds.as_numpy(dataset):
            yield example[self._text], int(example[self._label])


def _builder(settings: DataSettings) -> Any:
    logging.getLogger("absl").setLevel(logging.ERROR)
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    name = ALIASES.get(settings.dataset, settings.dataset)
    data_dir = settings.data_dir or os.environ.get("TFDS_DATA_DIR") or None
    if data_dir is not None:
        folder = Path(data_dir).expanduser()
        if settings.data_dir and not folder.is_dir():
            raise UserError(f"The data folder {folder} is not there; give --data_dir another.")
        if folder.is_dir() and not os.access(folder, os.R_OK | os.X_OK):
            raise UserError(f"The data folder {folder} cannot be read; check its permissions.")
        data_dir = str(folder)
    try:
        return tfds.builder(name, data_dir=data_dir, try_gcs=False)
    except tfds.core.DatasetNotFoundError:
        known = [*ALIASES, "toy", *tfds.list_builders(with_community_datasets=False)]
        near = suggest(settings.dataset, known).split("Known:")[0]
        raise UserError(
            f"No data set {settings.dataset!r}. {near}Known: {', '.join(sorted(ALIASES))}, toy, "
            "any TFDS builder, or the path of a CSV, TSV or JSONL file or of a folder of class "
            "folders."
        ) from None
    except PermissionError as error:
        raise UserError(f"The data folder cannot be read: {error}.") from None


def _is_prepared(builder: Any) -> bool:
    return (Path(builder.data_dir) / "dataset_info.json").is_file()


def _prepare(builder: Any, dataset: str) -> None:
    import tensorflow_datasets as tfds

    mend = (
        f"Prepare it where there is one (python -m tensorflow_datasets.scripts.cli.main build "
        f"{builder.name} --data_dir FOLDER) and give --data_dir FOLDER, or try --dataset toy."
    )
    if not _has_network():
        raise UserError(
            f"The data set {dataset} is not prepared under {builder.data_dir} and there is no "
            f"network to download it. {mend}"
        )
    try:
        builder.download_and_prepare(
            download_config=tfds.download.DownloadConfig(try_download_gcs=False)
        )
    except Exception as error:  # TFDS raises a dozen kinds here; all mean "no data"
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(f"The data set {dataset} could not be downloaded ({reason}). {mend}") from (
            error
        )


def _has_network() -> bool:
    try:
        urllib.request.urlopen(_NETWORK_PROBE, timeout=_PROBE_SECONDS).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def _feature(features: Any, wanted: str, kind: str, dataset: str) -> str:
    """The feature to read: the one named, else the only one of that kind."""
    import tensorflow_datasets as tfds

    classes = {"text": tfds.features.Text, "label": tfds.features.ClassLabel}
    fitting = [name for name, value in features.items() if isinstance(value, classes[kind])]
    if wanted in fitting:
        return wanted
    if len(fitting) == 1:
        return fitting[0]
    raise UserError(
        f"The data set {dataset} has no {kind} feature {wanted!r} (of that kind: "
        f"{', '.join(fitting) or 'none'}); name one with --set data.{kind}_column=NAME."
    )
