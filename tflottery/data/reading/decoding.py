"""How a file's bytes are text: by what it says, by what they are, or by the look of their words."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tflottery.data.reading.containers import Opener, no_text, opener, whole
from tflottery.data.reading.records import SURROGATE, shown_path
from tflottery.errors import UserError

_HEAD = 1 << 16
_BLOCK = 1 << 20
# A byte that is no UTF-8 needs letters around it to be taken for Windows-1252.
_ASCII_SHARE = 0.5
# As few bytes are rather broken than of another encoding.
_FEW = 8
_CHANCE = 2
_ODD_IN_WORDS = re.compile(r"[^\W\d_][¡-©«-¹»-¿×÷ƒ†‡ˆ‰‹›˜][^\W\d_]|[a-zß-ÿ][À-ÖØ-ÞŠŒŽŸ]|^[ÿþ]+$")
_ICELANDIC = re.compile("[ðýþÐÝÞ]")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Decoded:
    """How a file's bytes are text. ``remark`` says what was assumed."""

    encoding: str
    errors: str
    remark: str = ""


def no_lines(head: bytes) -> str:
    """What first bytes are that begin no lines of text in UTF-8, with the mend; empty where they
    may."""
    mark = next((name for mark, name in _MARKS if head.startswith(mark)), "utf-8-sig")
    if mark != "utf-8-sig":
        name = mark.upper()
        return f"{name}, no UTF-8; turn it into that (iconv -f {name} -t UTF-8)"
    return no_text(head)


def decoding(path: Path, open_it: Opener, encoding: str) -> Decoded:
    """How the bytes of a file are text: by its mark, else UTF-8 where all of it is, else
    Windows-1252 where that gives words.

    A few broken bytes in UTF-8 are left to the lines that hold them: there they become lone
    surrogates.

    Args:
        path: for messages.
        open_it: opens the bytes.
        encoding: ``data.encoding``; empty to find out.

    Raises:
        UserError: it is in another encoding.
    """
    with whole(path), open_it() as stream:
        head = stream.read(_HEAD)
        mark = next((name for mark, name in _MARKS if head.startswith(mark)), "")
        if encoding:
            name = codecs.lookup(encoding).name
            is_utf8 = name == "utf-8" and mark == "utf-8-sig"
            return Decoded("utf-8-sig" if is_utf8 else encoding, "surrogateescape")
        if mark:
            return Decoded(mark, "surrogateescape" if mark == "utf-8-sig" else "strict")
        if wide := _without_mark(head):
            return Decoded(
                wide, "strict", f"{shown_path(path)} is read as {wide.upper()}, by the look of it; "
                "where that is wrong, set data.encoding."
            )  # fmt: skip
        broken, sound, sample = _high_bytes(head, stream)
    # Pairs of bytes of another encoding are UTF-8 by chance now and then.
    if not broken or _CHANCE * sound >= broken:
        return Decoded("utf-8", "surrogateescape")
    if _is_western(sample):
        return Decoded(
            "cp1252", "surrogateescape",
            f"{shown_path(path)} is no UTF-8; it is read as Windows-1252. Where letters come out "
            "wrong, set data.encoding.",
        )  # fmt: skip
    guess = _guessed(sample) if broken > _FEW else ""
    if guess:
        raise UserError(
            f"{shown_path(path)} is not UTF-8 text; it may be {guess}. Save it as UTF-8, "
            f"or read it with --set data.encoding={guess}."
        )
    return Decoded("utf-8", "surrogateescape")


def text_of_file(file: Path, encoding: str, utf_8: str = "utf-8") -> tuple[str | None, str]:
    """The text of a file that is one, none where it is of no encoding that is known; and the
    encoding that was guessed for it, or an empty text.

    Args:
        file: a text, read whole.
        encoding: ``data.encoding``, which comes first; where it cannot be, as if it were not set.
        utf_8: how UTF-8 is read.

    Raises:
        UserError: it is in another encoding, which is named.
    """
    content = file.read_bytes()
    chosen, text = _in_order(encoding, content), None
    for name in filter(None, (chosen, utf_8)):
        try:
            text = content.decode(name)
        except UnicodeDecodeError:
            continue
        # UTF-16 is UTF-8 too where its letters are ASCII: each with a NUL.
        if name == chosen or "\0" not in text:
            return text, ""
    guess = decoding(file, opener(file), encoding).encoding
    if text is not None and (encoding or guess.startswith("utf-8")):
        return text, ""
    try:
        return content.decode(guess, "strict"), "" if encoding else guess
    except UnicodeDecodeError:
        return text, ""


def _in_order(encoding: str, content: bytes) -> str:
    """``data.encoding``, with the order of bytes where no mark says it: that which the bytes have
    the look of, or none."""
    name = codecs.lookup(encoding).name if encoding else ""
    if name not in ("utf-16", "utf-32"):
        return encoding
    marked = next((of for mark, of in _MARKS if content.startswith(mark)), "")
    return encoding if marked == name else _without_mark(content)


def _without_mark(head: bytes) -> str:
    """UTF-16 that does not say so: every other byte is nought."""
    pairs = len(head) // 2
    if pairs < 4:
        return ""
    for first, name in ((0, "utf-16-be"), (1, "utf-16-le")):
        noughts = head[first : 2 * pairs : 2].count(0)
        others = head[1 - first : 2 * pairs : 2].count(0)
        if noughts > 0.4 * pairs and others < 0.05 * pairs:
            return name
    return ""


def _high_bytes(head: bytes, stream: IO[bytes]) -> tuple[int, int, bytes]:
    """Bytes that are no UTF-8, letters of several bytes that are, and a sample around the first."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    broken = sound = 0
    sample = b""
    block = head
    while True:
        # Nothing of a letter waits in the decoder where its state is 0.
        if block.isascii() and block and not decoder.getstate()[0]:
            block = stream.read(_BLOCK)
            continue
        text = decoder.decode(block, final=not block)
        if not text.isascii():
            bad = len(SURROGATE.findall(text))
            broken += bad
            sound += len(text) - len(text.encode("ascii", "ignore")) - bad
            if bad and len(sample) < _BLOCK:
                sample += block
        if not block:
            return broken, sound, sample
        block = stream.read(_BLOCK)


def _is_western(sample: bytes) -> bool:
    """Whether bytes make words as Windows-1252: few letters beyond ASCII, and those as words have
    them. Central European and Macintosh bytes put symbols and capitals inside words."""
    try:
        text = sample.decode("cp1252")
    except UnicodeDecodeError:
        return False
    words = [word for word in text.split() if not word.isascii()]
    letters = [letter for word in words for letter in word if letter.isalpha()]
    if sum(letter.isascii() for letter in letters) < _ASCII_SHARE * len(letters):
        return False
    odd = sum(bool(_ODD_IN_WORDS.search(word)) for word in words)
    if odd > 0.1 * len(words):
        return False
    # Turkish has other letters in six places that Icelandic alone uses in Windows-1252.
    return not (_ICELANDIC.search(text) and _guessed(sample) == "cp1254")


def _guessed(sample: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(sample[: 1 << 18]).best()
    return "" if best is None or best.encoding in ("ascii", "utf_8") else best.encoding
