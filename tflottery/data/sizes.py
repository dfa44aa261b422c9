"""How large a data set is, before any of its texts is read a second time."""

from __future__ import annotations

from dataclasses import dataclass

from tflottery.data.reading.sources import open_source
from tflottery.data.settings import DataSettings
from tflottery.data.splitting import TEST_FRACTION, validation_fraction


@dataclass(frozen=True)
class Sizes:
    """Texts to train on and texts that are held out, and how many classes they have.

    They are what the fractions that are held out make of the source's own numbers. The division
    itself may differ by a few texts: it rounds in each class, and keeps equal texts together.
    """

    train: int
    validation: int
    test: int
    classes: int


def sizes_of(settings: DataSettings) -> Sizes:
    """The sizes of a data set under its settings.

    Args:
        settings: which data, and ``train_size`` and ``validation``.

    Raises:
        UserError: the data cannot be read.
    """
    source = open_source(settings)
    own = {split: source.size(split) for split in source.splits}
    train = own["train"]
    test = own.get("test", round(train * TEST_FRACTION))
    if "test" not in own:
        train -= test
    train = min(train, settings.train_size or train)
    validation = own.get("validation", round(train * validation_fraction(settings)))
    if "validation" not in own:
        train -= validation
    return Sizes(train, validation, test, len(source.classes))
