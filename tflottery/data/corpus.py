"""Encoded data on disk, under their fingerprint."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from tflottery import activity, archives, memory
from tflottery.data.encoded import SPLITS, Corpus, Encoded
from tflottery.data.encoding import encode
from tflottery.data.reading.sources import name_of, open_source, reading, release_words
from tflottery.data.settings import DataSettings
from tflottery.data.words.unigrams import Unigrams, merge
from tflottery.data.words.vocabulary import Vocabulary
from tflottery.data.words.wording import PLAIN
from tflottery.errors import UserError
from tflottery.files import (
    canonical_json,
    check_file,
    new_folder,
    read_sealed,
    seal,
    sha256_of_bytes,
    sha256_of_file,
)

FORMAT_VERSION = 2
# Part of every cache key: which texts ``text.normaliser`` gives.
NORMALISATION = 1
# Bytes of a file that stays on disk, for workers to share and for more data than memory. Evaluation
# takes texts in the order of their lengths: where the system lets go of a file's pages, each text
# is a read from disk.
_MAPPED = 128 * 2**20


def load(settings: DataSettings, cache: Path) -> Corpus:
    """The encoded data, from the cache where it is there and whole, else made and kept.

    Args:
        settings: with their fingerprint (``sources.identify``).
        cache: a folder; encoded data goes into a folder of its own below it.

    Raises:
        UserError: the source cannot be read, has other content than the fingerprint says, or a
            cached file is damaged.
        TflotteryError: memory ran out; nothing is kept.
    """
    folder, counted = folder_of(settings, cache), None
    if not folder.exists():
        with activity.doing(reading(settings)):
            source = open_source(settings)
            is_same = source.fingerprint() == settings.fingerprint
        if not is_same:
            raise UserError(
                f"The data set {settings.dataset} has other content than it had; give the "
                "--data_dir or the file of that time."
            )
        vocabulary = _vocabulary(settings, cache)
        name = name_of(settings) or source.name
        with activity.doing(f"encoding {name}", source.texts), memory.told(_too_many(name)):
            encoded = encode(source, settings, vocabulary)
            _write(folder, encoded)
        counted = encoded.findings
        del encoded  # what is read now may be mapped
    release_words()
    made = dataclasses.replace(_read(folder), findings=counted)
    # Two files of equal content are encoded once, and each keeps its own name.
    return dataclasses.replace(made, name=name_of(settings) or made.name)


def _too_many(name: str) -> str:
    return f"Out of memory while {name} was encoded; take fewer texts or a lower data.max_length."


def folder_of(settings: DataSettings, cache: Path) -> Path:
    """Where the encoded data of settings are kept, whether they are there or not."""
    key = sha256_of_bytes(canonical_json(_cache_key(settings)).encode())
    return cache / key[:16]


def _vocabulary(settings: DataSettings, cache: Path) -> Vocabulary | None:
    """The vocabulary of other data, where the settings ask for it."""
    if not settings.vocabulary_from:
        return None
    counted = merge(load(other, cache).unigrams for other in settings.vocabulary_from)
    return counted.vocabulary(settings.vocabulary_size)


def _cache_key(settings: DataSettings) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "normalisation": NORMALISATION,
        "fingerprint": settings.fingerprint,
        "columns": [settings.text_column, settings.label_column],
        **({"division": settings.division} if settings.division != 1 else {}),
        **{
            item.name: getattr(settings.wording, item.name)
            for item in dataclasses.fields(PLAIN)
            if getattr(settings.wording, item.name) != item.default
        },
        **(
            {"split": settings.split, "split_seed": settings.split_seed}
            if settings.split != "given"
            else {}
        ),
        "vocabulary_size": settings.vocabulary_size,
        "max_length": settings.max_length,
        "validation": settings.validation,
        "train_size": settings.train_size,
        "vocabulary_from": [_cache_key(other) for other in settings.vocabulary_from],
    }


def _write(folder: Path, corpus: Corpus) -> None:
    # Another process that was faster wrote the same, and others read it already.
    with suppress(FileExistsError), new_folder(folder, replace=False) as staging:
        files = {}
        for split in SPLITS:
            encoded = getattr(corpus, split)
            for part in ("ids", "offsets", "labels"):
                path = staging / f"{split}.{part}.npy"
                archives.save_one(path, getattr(encoded, part))
                files[path.name] = sha256_of_file(path)
        path = staging / "counts.npy"
        archives.save_one(path, corpus.unigrams.counts)
        files[path.name] = sha256_of_file(path)
        texts = {
            "vocabulary.txt": corpus.vocabulary.to_text(),
            "words.txt": "".join(f"{word}\n" for word in corpus.unigrams.words),
        }
        for name, text in texts.items():
            (staging / name).write_text(text, encoding="utf-8", newline="\n")
            files[name] = sha256_of_file(staging / name)
        payload = {
            "format_version": FORMAT_VERSION,
            "name": corpus.name,
            "classes": list(corpus.classes),
            "caution": corpus.caution,
            "files": files,
        }
        (staging / "corpus.json").write_text(seal(payload), encoding="utf-8")


def _read(folder: Path) -> Corpus:
    payload = read_sealed(
        folder / "corpus.json", what="encoded data", format_version=FORMAT_VERSION
    )
    for name, checksum in payload["files"].items():
        check_file(folder / name, checksum)

    def part(split: str, name: str) -> np.ndarray:
        path = folder / f"{split}.{name}.npy"
        is_large = path.stat().st_size > _MAPPED
        return np.load(path, mmap_mode="r" if is_large else None, allow_pickle=False)

    encoded: dict[str, Any] = {
        split: Encoded(part(split, "ids"), part(split, "offsets"), part(split, "labels"))
        for split in SPLITS
    }
    words = (folder / "words.txt").read_text(encoding="utf-8").split("\n")[:-1]
    return Corpus(
        name=payload["name"],
        vocabulary=Vocabulary.from_file(folder / "vocabulary.txt"),
        unigrams=Unigrams(tuple(words), np.load(folder / "counts.npy", allow_pickle=False)),
        classes=tuple(payload["classes"]),
        caution=payload["caution"],
        **encoded,
    )
