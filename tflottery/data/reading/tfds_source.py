"""TensorFlow Datasets: any builder with a text and a label, prepared data first, network last."""

from __future__ import annotations

import json
import logging
import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from tflottery import startup
from tflottery.data.reading.labels import few
from tflottery.data.reading.records import SPLITS, shown, shown_path
from tflottery.data.reading.source import REGISTERED, Example
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError, suggest
from tflottery.files import canonical_json, expanded, sha256_of_bytes, sha256_of_file

# The first alias of a builder is what its data are called.
ALIASES = {
    "imdb": "imdb_reviews",
    "yelp_polarity": "yelp_polarity_reviews",
    "yelp2": "yelp_polarity_reviews",
    "yelp-2": "yelp_polarity_reviews",
}
# Names that no folder in the working directory takes the place of.
PUBLISHED_NAMES = frozenset([*ALIASES, *ALIASES.values()])
# Training texts of the published data: what was prepared under that name with another number of
# them is a sample, and is called so in every table.
_PUBLISHED = {"imdb_reviews": 25_000, "yelp_polarity_reviews": 560_000}
# Any answer from here, an error page too, shows that there is a network.
_NETWORK_PROBE = "https://storage.googleapis.com/"
_PROBE_SECONDS = 5
# namespace:name/configuration:version, as TFDS parses it.
_ALIAS = re.compile(r"([^/:]*)([/:]?)(.*)")
_NAMESPACE = re.compile(r"[\w.-]+:[A-Za-z]")
_OPS = re.compile(r"\{\{[^}]*\}\}")
_NAME = re.compile(
    r"([\w.-]+:)?[A-Za-z][\w-]*(/[\w.+=,-]+)*(:(\d+|\*)(\.(\d+|\*)){2}|:experimental_latest)?"
)


class TfdsSource:
    """A TFDS builder, by its own name or by an alias of ours.

    A validation split of the builder's own is used as it is. Data with one had another fingerprint
    while it was not: settings that hold the old one read what they read then.
    """

    caution: ClassVar[str] = ""

    def __init__(self, settings: DataSettings) -> None:
        dataset = settings.dataset
        self._dataset = dataset
        self._builder = _builder(settings)
        if not _is_prepared(self._builder):
            _prepare(self._builder, dataset)
        with self._told():
            info = self._builder.info
            sizes = {name: info.splits[name].num_examples for name in info.splits}
        if "train" not in sizes:
            raise UserError(f"The data set {shown(dataset)} has no split 'train'.")
        is_sample = sizes["train"] != _PUBLISHED.get(self._builder.name, sizes["train"])
        # One name, whichever alias was typed: the encoded data keep it.
        aliases = (alias for alias, name in ALIASES.items() if name == self._builder.name)
        name = next(aliases, dataset)
        self.name = name.replace("/", "-").replace(":", "-") + "_sample" * is_sample
        self._sizes = sizes
        self._text = _feature(info.features, str(settings.text_column), "text", dataset)
        self._label = _feature(info.features, str(settings.label_column), "label", dataset)
        names = tuple(info.features[self._label].names)
        self.classes = settings.classes or names
        if set(self.classes) != set(names):
            raise UserError(
                f"The classes of {shown(dataset)} are {list(names)}; data.classes names others."
            )
        self._number = [self.classes.index(name) for name in names]
        self._check_files(info)
        self.splits = tuple(name for name in SPLITS if name in sizes)
        self._reordered = self.classes != names
        if settings.fingerprint and settings.fingerprint == self._of_files():
            self.splits = tuple(name for name in self.splits if name != "validation")

    @classmethod
    def claims(cls, dataset: str) -> bool:
        return True

    @classmethod
    def named(cls, dataset: str) -> str:
        """Nothing: only the builder tells whether its data are a sample."""
        return ""

    @property
    def texts(self) -> int:
        """How many texts there are in all splits."""
        return sum(self._sizes[name] for name in self.splits)

    @property
    def remarks(self) -> tuple[str, ...]:
        """A line about a file or folder that has the data set's name."""
        if self._dataset in PUBLISHED_NAMES and Path(self._dataset).exists():
            return (
                f"{self._dataset} is the TFDS data set; for the file or folder of that name in the "
                f"working directory, write ./{self._dataset}.",
            )
        return ()

    def fingerprint(self) -> str:
        extra: list[object] = ["validation"] if "validation" in self.splits else []
        if self._reordered:
            extra.append(list(self.classes))
        if not extra:
            return self._of_files()
        return sha256_of_bytes(canonical_json([self._of_files(), *extra]).encode())

    def _of_files(self) -> str:
        files = sorted(Path(self._builder.data_dir).glob("*record*"))
        return sha256_of_bytes(canonical_json([sha256_of_file(file) for file in files]).encode())

    def size(self, split: str) -> int:
        count: int = self._sizes[split]
        return count

    def examples(self, split: str) -> Iterator[Example]:
        startup.start_tensorflow()
        import tensorflow_datasets as tfds

        count, unlabelled = 0, 0
        with self._told():
            # as_supervised would need supervised_keys, which prepared folders do not all have.
            dataset = self._builder.as_dataset(split=split, shuffle_files=False)
            for example in tfds.as_numpy(dataset):
                label = int(example[self._label])
                count += 1
                if 0 <= label < len(self._number):
                    yield example[self._text], self._number[label]
                else:
                    unlabelled += 1
        if unlabelled:
            raise UserError(
                f"The data set {shown(self._dataset)}: {unlabelled:,} of {count:,} texts of the "
                f"split {split!r} have no class (their label is -1, as where a competition keeps "
                "the answers). Write the labelled texts to a CSV and give that."
            )
        if count != self._sizes[split]:
            raise self._torn(f"{split} has {count:,} texts, not {self._sizes[split]:,}")

    def _check_files(self, info: Any) -> None:
        """Raises UserError where a record file is not there, before anything is read."""
        folder = Path(self._builder.data_dir)
        for split in SPLITS:
            for name in info.splits[split].filenames if split in self._sizes else ():
                if not (folder / Path(name).name).is_file():
                    raise self._torn(f"{Path(name).name} is missing")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turns what a torn folder makes of TensorFlow into one line."""
        try:
            yield
        except (UserError, GeneratorExit):
            raise
        except Exception as error:
            raise self._torn(_reason(error)) from None

    def _torn(self, reason: str) -> UserError:
        return _torn(Path(self._builder.data_dir), reason)


def _reason(error: Exception) -> str:
    """The first line of an error, without the names that TensorFlow puts before it."""
    lines = _OPS.sub("", str(error)).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _torn(folder: Path, reason: str) -> UserError:
    return UserError(
        f"The prepared data in {shown_path(folder)} are cut or damaged ({shown(reason)}). Delete "
        "that folder and prepare them again."
    )


def _builder(settings: DataSettings) -> Any:
    if not _NAME.fullmatch(settings.dataset):
        raise UserError(f"No data set {shown(settings.dataset)!r}. {_WHAT_THERE_IS}")
    logging.getLogger("absl").setLevel(logging.ERROR)
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    if _NAMESPACE.match(settings.dataset) and not _has_network():
        raise UserError(
            f"The data set {shown(settings.dataset)} is looked up on the network, and there is "
            "none. Where there is one, save it with save_to_disk or as Parquet, and give that."
        )
    alias, mark, rest = _ALIAS.fullmatch(settings.dataset).groups()  # type: ignore[union-attr]
    name = ALIASES.get(alias, alias) + mark + rest
    data_dir = settings.data_dir or os.environ.get("TFDS_DATA_DIR") or None
    if data_dir is not None:
        folder = expanded(data_dir)
        if settings.data_dir and not folder.is_dir():
            raise UserError(f"The data folder {folder} is not there; give --data_dir another.")
        if folder.is_dir() and not os.access(folder, os.R_OK | os.X_OK):
            raise UserError(f"The data folder {folder} cannot be read; check its permissions.")
        data_dir = str(folder)
    try:
        return tfds.builder(name, data_dir=data_dir, try_gcs=False)
    except tfds.core.DatasetNotFoundError:
        known = [*ALIASES, "toy", *REGISTERED, *tfds.list_builders(with_community_datasets=False)]
        near = suggest(shown(settings.dataset), known).split("Known:")[0]
        raise UserError(
            f"No data set {shown(settings.dataset)!r}. {near}{_WHAT_THERE_IS}"
        ) from None
    except PermissionError as error:
        raise UserError(f"The data folder cannot be read: {error}.") from None
    except Exception as error:  # a version or configuration that is not there, a torn folder
        raise _no_builder(settings.dataset, name, data_dir, error) from None


_WHAT_THERE_IS = (
    f"Known: {', '.join(sorted(ALIASES))}, toy, any TFDS builder, or the path of a table (CSV, "
    "TSV, JSON, Parquet, Excel) or of a folder of class folders; a source of your own comes with "
    "--plugin."
)


def _no_builder(dataset: str, name: str, data_dir: str | None, error: Exception) -> UserError:
    import tensorflow_datasets as tfds

    reason = _reason(error)
    folder = expanded(data_dir or tfds.core.constants.DATA_DIR)
    base, _, rest = name.partition(":")
    base = base.split("/")[0]
    infos = sorted((folder / base).glob("**/dataset_info.json"))
    for info in infos:
        try:
            json.loads(info.read_bytes())
        except (ValueError, OSError):
            return _torn(info.parent, f"{info.name} is no JSON")
    try:
        builder = tfds.builder_cls(base)
    except Exception:  # no builder of that name, whatever kind of error says so
        return UserError(f"No data set {shown(dataset)!r} ({reason}). {_WHAT_THERE_IS}")
    own = [builder.VERSION, *builder.SUPPORTED_VERSIONS]
    own += [config.version for config in builder.BUILDER_CONFIGS]
    versions = sorted({str(version) for version in own if version})
    configs = [config.name for config in builder.BUILDER_CONFIGS]
    named = f"; configurations: {few(configs)}" if configs else ""
    asked = "version" if rest else "configuration"
    return UserError(
        f"The data set {base} has no such {asked} as {shown(dataset)!r} asks for. Versions: "
        f"{few(versions)}{named}."
    )


def _is_prepared(builder: Any) -> bool:
    return (Path(builder.data_dir) / "dataset_info.json").is_file()


def _prepare(builder: Any, dataset: str) -> None:
    import tensorflow_datasets as tfds

    mend = (
        f"Prepare it where there is one (python -m tensorflow_datasets.scripts.cli.main build "
        f"{builder.name} --data_dir FOLDER) and give --data_dir FOLDER, or try --dataset toy."
    )
    if not _has_network():
        place = f"{builder.data_dir}{_unfinished(builder)}"
        raise UserError(
            f"The data set {dataset} is not prepared under {place} and there is no network to "
            f"download it. {mend}"
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


def _unfinished(builder: Any) -> str:
    """A word about a preparation that was broken off."""
    folder = Path(builder.data_dir)
    left = sorted(item.name for item in folder.parent.glob("incomplete.*"))
    return f" (only {shown(left[0])}, which was broken off)" if left else ""


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
