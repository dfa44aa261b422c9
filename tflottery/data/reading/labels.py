"""Which labels are one class, which are no label at all, and in which order classes come."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from tflottery.errors import UserError

AS_WRITTEN = "as written"
# What programs write where a label is missing. "None", "NA" and "n/a" can be classes.
_MISSING = {"nan", "+nan", "-nan", "null", "<na>", "nat", "#n/a", "#na", "#null!", "#value!",
            "#ref!", "#div/0!", "#name?", "#num!"}  # fmt: skip
_DOUBTFUL = {"none", "na", "n/a", "-", "?", "unknown"}
# Characters that nobody sees: soft hyphen, zero width, direction marks, byte order mark.
_INVISIBLE = re.compile("[\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
# These two are part of how Persian, Hindi and emoji are written.
_JOINERS = re.compile("[\u200c\u200d]")
_CONTROLS = ("Cc", "Zl", "Zp")
_NUMBER = re.compile(r"[+-]?(0|[1-9][0-9]*)(\.[0-9]*)?")
_SHOWN = 5


def trimmed(label: str) -> str:
    """The label without spaces around it and without characters that nobody sees."""
    return _INVISIBLE.sub("", label).strip()


def fault_of(label: str, rule: str) -> str:
    """What is wrong with a trimmed label, or an empty text.

    Args:
        label: as ``trimmed`` gives it.
        rule: ``data.labels``.
    """
    if not label:
        return "the label is empty"
    if any(unicodedata.category(letter) == "Cs" for letter in label):
        return "the label holds half a character (a lone surrogate)"
    if any(unicodedata.category(letter) in _CONTROLS for letter in label):
        return "the label holds a control character"
    if rule != AS_WRITTEN and label.lower() in _MISSING:
        return f"the label is {label!r}, which stands for a missing value"
    return ""


def one_class_each(counts: Mapping[str, int], rule: str, where: str) -> dict[str, str]:
    """The class of each label: spellings of one label get one name.

    Spellings are one label where they differ in Unicode form alone (NFC), or where both are
    numbers of one value (``1`` and ``1.0``; ``01`` is a code, not a number).

    Args:
        counts: texts for each trimmed label.
        rule: ``data.labels``; "as written" joins Unicode forms only and lets case alone differ.
        where: what messages call the data.

    Raises:
        UserError: two classes differ in case alone.
    """
    groups: dict[str, list[str]] = {}
    for label in counts:
        groups.setdefault(_folded(label, rule), []).append(label)
    names = {}
    for spellings in groups.values():
        name = spellings[0] if len(spellings) == 1 else _joined(spellings)
        names.update(dict.fromkeys(spellings, name))
    if rule != AS_WRITTEN:
        _refuse_cases(counts, names, where)
    return names


def ordered(classes: set[str]) -> tuple[str, ...]:
    """Numbers by value, then words by the alphabet."""
    return tuple(sorted(classes, key=_by_value))


def remark_on(classes: Mapping[str, int]) -> str:
    """A line about classes that may stand for a missing label, or an empty text."""
    doubtful = [name for name in classes if name.lower() in _DOUBTFUL]
    if not doubtful:
        return ""
    named = ", ".join(f"{name!r} ({classes[name]:,} texts)" for name in sorted(doubtful))
    return f"{named} counts as a class; where it stands for a missing label, delete those lines."


def few(items: list[str], joint: str = ", ") -> str:
    """The first items in words, and how many more there are."""
    more = len(items) - _SHOWN
    return joint.join(items[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def _folded(label: str, rule: str) -> str:
    label = unicodedata.normalize("NFC", _JOINERS.sub("", label))
    if rule == AS_WRITTEN or not _NUMBER.fullmatch(label):
        return f"word {label}"
    # Digit by digit: `Decimal` rounds to 28 of them, and ids may have more.
    whole, _, part = label.lstrip("+-").partition(".")
    value = f"{whole}.{part.rstrip('0')}".rstrip(".")
    return f"number {'-' * (label[0] == '-' and value != '0')}{value}"


def _joined(spellings: list[str]) -> str:
    composed = [unicodedata.normalize("NFC", label) for label in spellings]
    return min(composed, key=lambda label: (len(label), label))


def _refuse_cases(counts: Mapping[str, int], names: Mapping[str, str], where: str) -> None:
    alike: dict[str, dict[str, int]] = {}
    for label, name in names.items():
        spelled = alike.setdefault(unicodedata.normalize("NFC", name).casefold(), {})
        spelled[name] = spelled.get(name, 0) + counts[label]
    pairs = [
        " and ".join(f"{name!r} ({count:,} texts)" for name, count in sorted(spelled.items()))
        for spelled in alike.values()
        if len(spelled) > 1
    ]
    if pairs:
        raise UserError(
            f"{where}: labels differ in case alone: {few(pairs, '; ')}. Write each in one way, or "
            f'keep them apart with --set data.labels="{AS_WRITTEN}".'
        )


def _by_value(label: str) -> tuple[int, float, str]:
    try:
        value = float(label)
    except ValueError:
        return 1, 0.0, label
    # A class that is called nan has no place among numbers.
    return (0, value, label) if value == value else (1, 0.0, label)
