"""Where embeddings begin that begin with vectors from a file.

The file is read once. The vectors of a vocabulary's words are kept in the store, beside the encoded
data, so that workers on other machines need no file::

    data/vectors/<file>-<vocabulary>/vectors.json   what was found; sealed
    data/vectors/<file>-<vocabulary>/vectors.npz    rows and vectors
"""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from tflottery.data.encoded import Corpus
from tflottery.data.reading import sources
from tflottery.data.settings import DataSettings
from tflottery.data.words import vectors
from tflottery.data.words.duplicates import words_of
from tflottery.data.words.vocabulary import RESERVED, Vocabulary
from tflottery.errors import UserError
from tflottery.files import (
    expanded,
    new_folder,
    read_arrays,
    read_sealed,
    seal,
    sha256_of_bytes,
    sha256_of_file,
    write_arrays,
)
from tflottery.models.architecture import Architecture
from tflottery.models.brought.registered import Registered
from tflottery.runs.encoded import load_corpus
from tflottery.runs.recipes import Recipe
from tflottery.runs.store import Store

_FORMAT = 1
_DOCUMENT, _ARRAYS = "vectors.json", "vectors.npz"
# Digits of a hash in a folder's name.
_DIGITS = 16
_KEPT = 4


def identify_vectors(recipe: Recipe, store: Store) -> Recipe:
    """The recipe with the hash of its file of vectors, where it has one; without TensorFlow.

    Args:
        recipe: its data are identified. That of a ticket names the hash already; its file need not
            be there.
        store: what it keeps of that file need not be read again.

    Raises:
        UserError: the file cannot be used, knows no word of the data, or is not what it was.
    """
    model: Any = recipe.model
    if not begins_with_vectors(model):
        return recipe
    path, before = expanded(model.vectors), model.vectors_hash
    if before and not (model.vectors and path.is_file()):
        return recipe
    vectors.require_size(path, model.embedding)
    found = sha256_of_file(path)
    if before and before != found:
        raise UserError(
            f"{path} has other content than when the ticket was found; give the file of that time, "
            "or find a ticket anew."
        )
    if not any(_place(store).glob(f"{found[:_DIGITS]}-*")):
        _require_words(recipe.data, vectors.read(path), path)
    return dataclasses.replace(recipe, model=dataclasses.replace(model, vectors_hash=found))


def begins_with_vectors(model: Architecture) -> bool:
    """Whether the words of a network begin with vectors from a file."""
    known: Any = model
    return not isinstance(model, Registered) and bool(known.vectors or known.vectors_hash)


def _require_words(data: DataSettings, known: vectors.Vectors, path: Path) -> None:
    """Makes sure that a training text holds a word that has a vector; as a rule the first does."""
    for text, _ in sources.open_source(data).examples("train"):
        if any(word in known.rows for word in words_of(text, data.wording).decode().split()):
            return
    raise _no_word(path)


def _no_word(path: Path | str) -> UserError:
    return UserError(
        f"{path} knows no word of these data (its words are as they stand there; those of the data "
        "are in lower case); give vectors of the same language."
    )


@dataclass(frozen=True)
class Prepared:
    """The vectors of a vocabulary's words.

    ``rows``: int64 [found], their ids. ``table``: float32 [found, numbers]. ``words``: how many
    words the vocabulary has. ``running``: the fraction of the running words of train that are
    known to the vocabulary and have a vector, of those that are known to it.
    """

    rows: np.ndarray
    table: np.ndarray
    words: int
    running: float

    @property
    def sentence(self) -> str:
        """How much of the vocabulary the file knows."""
        return (
            f"Vectors: {len(self.rows):,} of {self.words:,} words of the vocabulary have one "
            f"({len(self.rows) / max(self.words, 1):.1%}), which are {self.running:.1%} of the "
            "running words of train that the vocabulary holds; the others begin as they would "
            "without."
        ).replace("%", " %")


def keep_vectors(recipe: Recipe, store: Store) -> tuple[str, ...]:
    """Keeps the vectors of a vocabulary's words in the store, where an embedding begins with some;
    gives a line on how many words have one.

    Raises: as ``prepared``.
    """
    if not begins_with_vectors(recipe.model):
        return ()
    return (prepared(recipe.model, load_corpus(recipe.data, store), store).sentence,)


def prepared(model: Architecture, corpus: Corpus, store: Store) -> Prepared:
    """The vectors of a vocabulary's words: from the store, or from the file and kept there.

    Args:
        model: names the file, and its hash.
        corpus: has the vocabulary.
        store: keeps what was found.

    Raises:
        UserError: the store has none, and the file is gone, was changed or knows no word.
    """
    known: Any = model
    name = f"{known.vectors_hash[:_DIGITS]}-{_of_words(corpus.vocabulary)[:_DIGITS]}"
    folder = _place(store) / name
    if not folder.is_dir():
        store.data_folder()
        _write(folder, *_found(known, corpus.vocabulary))
    rows, table = _load(folder)
    return Prepared(rows, table, len(corpus.vocabulary) - len(RESERVED), _running(corpus, rows))


def _place(store: Store) -> Path:
    return store.data_place / "vectors"


def _of_words(vocabulary: Vocabulary) -> str:
    return sha256_of_bytes(vocabulary.to_text().encode())


def _running(corpus: Corpus, rows: np.ndarray) -> float:
    counts = dict(zip(corpus.unigrams.words, corpus.unigrams.counts.tolist(), strict=True))
    by_id = np.array([counts.get(word, 0) for word in corpus.vocabulary.words])
    return float(by_id[rows].sum() / max(by_id.sum(), 1))


def _found(model: Any, vocabulary: Vocabulary) -> tuple[np.ndarray, np.ndarray]:
    path = expanded(model.vectors)
    if not (model.vectors and path.is_file()):
        raise UserError(
            f"The embedding begins with vectors from {path.name or 'a file'}, which is not here; "
            "give --set model.vectors=FILE."
        )
    if sha256_of_file(path) != model.vectors_hash:
        raise UserError(f"{path} was changed while it was used; run the same again.")
    rows, table = vectors.read(path).of(vocabulary.words)
    is_word = rows >= len(RESERVED)
    if not is_word.any():
        raise _no_word(path)
    return rows[is_word], table[is_word]


def _write(folder: Path, rows: np.ndarray, table: np.ndarray) -> None:
    # Another process that was faster wrote the same.
    with suppress(FileExistsError), new_folder(folder, replace=False) as staging:
        checksum = write_arrays(staging / _ARRAYS, {"rows": rows, "table": table})
        payload = {"format_version": _FORMAT, "files": {_ARRAYS: checksum}}
        (staging / _DOCUMENT).write_text(seal(payload), encoding="utf-8")


@lru_cache(maxsize=_KEPT)
def _load(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    about = read_sealed(folder / _DOCUMENT, what="vectors", format_version=_FORMAT)
    arrays = read_arrays(folder / _ARRAYS, about["files"][_ARRAYS])
    return arrays["rows"], arrays["table"]


def with_vectors(embedding: np.ndarray, model: Architecture, found: Prepared) -> np.ndarray:
    """float32 [ids, numbers]: an embedding as it begins, with the vectors of words that have one.

    Args:
        embedding: as it was drawn; it stays as it is.
        model: says what vectors are multiplied by.
        found: the vectors.
    """
    known: Any = model
    begun = embedding.copy()
    begun[found.rows] = np.float32(known.vectors_scale) * found.table
    return begun
