"""What the data of a run is: the part of a recipe that this package reads."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field
from typing import Literal

from tflottery.data.reading.labels import AS_WRITTEN
from tflottery.data.words.wording import Keep, Tokens, Wording
from tflottery.errors import UserError
from tflottery.settings import check_bounds, check_choices

# What the content of the data says, its fingerprint says: such a setting is no part of a key. The
# columns of text and label are, since keys have always held them.
_READING = {"key": False}
LABEL_RULES = ("folded", AS_WRITTEN)
QUOTES = ("auto", "none")
# How bytes that are not of the encoding are met: `idna` and `punycode` know but the first.
_ERRORS = ("strict", "surrogateescape", "replace")
# Two ids are no words: padding and unknown. A text of a million words is a bookshelf.
_BOUNDS = {
    "vocabulary_size": (3, 100_000_000),
    "max_length": (1, 1_000_000),
    "train_size": (0, 1_000_000_000),
}


@dataclass(frozen=True)
class DataSettings:
    """Which texts, and how they become ids.

    ``dataset`` is an alias (``imdb``, ``yelp_polarity``, ``toy``), the name of a TFDS builder, or
    the path of a table or of a folder of class folders (``docs/data.md`` lists the formats).
    ``fingerprint`` is filled in from the content (``sources.identify``); where the data lies is no
    part of what it is.

    ``data_dir`` is the folder of prepared TFDS data, where TFDS does not find it by itself.
    ``vocabulary_size`` is the number of ids, of which two are no words. ``max_length`` is how many
    words of a text are read. ``validation`` is the fraction of train that is held out where the
    data have no such split.

    ``train_size`` takes so many texts of the training split, stratified and the same for every
    seed; 0 takes all. ``share_vocabulary`` names another data set whose training texts are counted
    for the vocabulary too; ``vocabulary_from``, filled in likewise, holds all the data that it is
    counted on, and is empty where it is counted on these data alone.

    ``tokens``, ``symbols`` and ``keep`` say which words a text has, and which of them are read:
    see ``wording``.

    How a table is read: ``text_column``, ``label_column`` and ``split_column`` are names, or
    numbers from 1 where ``header`` is false; ``split_column=""`` reads no such column. An empty
    ``delimiter`` or ``encoding`` is found from the content. ``quote`` is ``auto``, ``none`` (quotes
    are characters of the text) or the character that quotes; ``escape`` the one that makes the next
    an ordinary one. ``skip_bad`` leaves bad lines out instead of refusing the table.

    ``labels`` is ``folded`` or ``as written``: see ``labels.one_class_each``. ``classes`` sets the
    order of the classes.

    ``split`` is ``given``, or ``pooled``: all labelled texts, whichever split they come from, are
    dealt anew at random, 56 % to train, 24 % to validation and 20 % to test, each class alike;
    ``split_seed`` decides which. Texts on one thing, as reviews of one film, then fall on both
    sides.

    ``division`` is how texts are dealt to train, validation and test where the data have no test
    split: 1 deals them one by one, 2 and 3 keep equal texts together. ``sources.identify`` sets 3
    where 1 would put equal texts on two sides, so that no other data get another key; 2 is of
    before, and held out texts with many copies more often than others.
    """

    dataset: str = field(default="imdb", metadata={"key": False})
    data_dir: str = field(default="", metadata={"key": False})
    text_column: str | int = "text"
    label_column: str | int = "label"
    vocabulary_size: int = 20_000
    max_length: int = 400
    validation: float = 0.2
    fingerprint: str = ""
    train_size: int = 0
    share_vocabulary: str = field(default="", metadata={"key": False})
    vocabulary_from: tuple[DataSettings, ...] = ()
    split_column: str | int = field(default="split", metadata=_READING)
    header: bool = field(default=True, metadata=_READING)
    delimiter: str = field(default="", metadata=_READING)
    quote: str = field(default="auto", metadata=_READING)
    escape: str = field(default="", metadata=_READING)
    encoding: str = field(default="", metadata=_READING)
    labels: str = field(default="folded", metadata=_READING)
    classes: tuple[str, ...] = field(default=(), metadata=_READING)
    skip_bad: bool = field(default=False, metadata=_READING)
    division: int = 1
    tokens: Tokens = "words"
    symbols: bool = False
    keep: Keep = "head"
    split: Literal["given", "pooled"] = "given"
    split_seed: int = 0

    def __post_init__(self) -> None:
        for name in ("text_column", "label_column", "split_column"):
            # `--set data.text_column=2` gives a number.
            object.__setattr__(self, name, str(getattr(self, name)))
        if self.delimiter in ("\\t", "tab"):
            object.__setattr__(self, "delimiter", "\t")
        check_bounds(self, "data", _BOUNDS)
        if not 0 < self.validation < 1:
            raise UserError("data.validation is a fraction of the training data, in (0, 1).")
        check_choices(self, "data")
        if self.split_seed < 0 or (self.split_seed and self.split != "pooled"):
            raise UserError("data.split_seed is 0 or above, and goes with data.split=pooled.")
        if self.split == "pooled" and self.validation != type(self).validation:
            raise UserError(
                "data.split=pooled has shares of its own (56 % train, 24 % validation, 20 % test); "
                "leave out data.validation."
            )
        self._check_reading()

    @property
    def wording(self) -> Wording:
        """How texts become words, and which of these are read."""
        return Wording(self.tokens, self.symbols, self.keep)

    def _check_reading(self) -> None:
        if self.labels not in LABEL_RULES:
            raise UserError(f"data.labels is {self.labels!r}; it is one of {list(LABEL_RULES)}.")
        if len(set(self.classes)) != len(self.classes) or len(self.classes) == 1:
            raise UserError("data.classes names two classes or more, each once.")
        if self.division not in (1, 2, 3):
            raise UserError("data.division is 1, 2 or 3; it is filled in, not set.")
        for name in ("delimiter", "escape", "quote"):
            value = getattr(self, name)
            allowed = QUOTES if name == "quote" else ("",)
            if value not in allowed and (len(value) != 1 or value in "\r\n\0"):
                also = " or ".join(map(repr, allowed))
                raise UserError(f"data.{name} is {value!r}; it is one character or {also}.")
        if self.encoding:
            try:
                "a".encode(self.encoding)
                for errors in _ERRORS:
                    codecs.getincrementaldecoder(self.encoding)(errors).decode(b"a")
            except (LookupError, ValueError):
                raise UserError(
                    f"data.encoding is {self.encoding!r}, in which Python reads no "
                    "text; utf-8, utf-16, cp1252 and cp1251 are some in which it does."
                ) from None
