"""Which words a text has by ``data.tokens`` and ``data.symbols``, and which ``data.keep`` takes:
the same in a graph, in Python and in encoded data; and at their defaults nothing is new."""

from __future__ import annotations

import dataclasses
import re
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT, SMALL
from tests.exported import make_ticket
from tests.test_corpus import encoded, texts_of
from tflottery.data import corpus, encoding
from tflottery.data.reading import sources
from tflottery.data.settings import DataSettings
from tflottery.data.words import characters
from tflottery.data.words.characters import SCRIPTS
from tflottery.data.words.duplicates import groups_of, words_of
from tflottery.data.words.text import normalise, normaliser
from tflottery.data.words.vocabulary import UNKNOWN, Vocabulary
from tflottery.data.words.wording import PLAIN, Wording
from tflottery.errors import TflotteryError, UserError
from tflottery.experiments import configuration
from tflottery.experiments.transfer.design import encoded_for
from tflottery.exports import saved_model
from tflottery.exports.network import of_ticket
from tflottery.exports.publishing import publish
from tflottery.exports.verification import padded, scorer, sentences, verify
from tflottery.runs import specs
from tflottery.runs.recipes import Recipe, recipe_from_tables, recipe_to_tables, retarget
from tflottery.training.settings import TrainingSettings

KINDS = [
    Wording(tokens, symbols)
    for symbols in (False, True)
    for tokens in ("words", "characters", "auto")
]
AUTO, CHARACTERS = Wording("auto"), Wording("characters")
SYMBOLS = Wording(symbols=True)
SCRIPT_CLASSES = {
    "Han": r"\p{Han}",
    "Kana": r"[\p{Hiragana}\p{Katakana}]",
    "Thai": r"\p{Thai}",
    "Lao": r"\p{Lao}",
    "Khmer": r"\p{Khmer}",
    "Burmese": r"\p{Myanmar}",
}
# Of no single script to Unicode: closing and masu mark; repeat marks, prolonged sound marks.
SHARED = {"Han": "〆〼", "Kana": "〱〲〳〴〵ーｰ"}


def both(text: str | bytes, wording: Wording) -> str:
    """The words by Python; they have to be the graph's."""
    raw = text if isinstance(text, bytes) else text.encode()
    found = words_of(raw, wording)
    assert found == normaliser(wording)([raw]).numpy()[0]
    return found.decode()


# The tables.


@pytest.fixture(scope="module")
def every_character() -> tuple[np.ndarray, tf.Tensor]:
    codes = np.array([code for code in range(0x110000) if not 0xD800 <= code < 0xE000])
    return codes, tf.constant([chr(code) for code in codes])


def of_class(every_character, pattern: str) -> set[int]:
    codes, texts = every_character
    return set(codes[tf.strings.regex_full_match(texts, pattern).numpy()].tolist())


def codes_in(ranges: characters.Ranges) -> set[int]:
    return {code for first, last in ranges for code in range(first, last + 1)}


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_unicodes_with_the_marks_that_they_share(every_character, script):
    letters = of_class(every_character, r"[\pL\pN]")
    known = of_class(every_character, SCRIPT_CLASSES[script]) & letters
    ours = codes_in(SCRIPTS[script])
    assert known <= ours
    assert ours & letters - known == {ord(char) for char in SHARED.get(script, "")}
    assert not ours & of_class(every_character, r"[\pM\pP\pS\pZ\p{Cc}\p{Cf}\p{Co}]")


def test_scripts_have_no_character_in_common():
    sets = [codes_in(ranges) for ranges in SCRIPTS.values()]
    assert len(set().union(*sets)) == sum(map(len, sets))


def test_pictures_are_no_letters_and_have_no_case(every_character):
    pictures = codes_in(characters.PICTURES)
    assert not pictures & of_class(every_character, r"[\pL\pM\pN]")
    assert all(chr(code).lower() == chr(code) for code in pictures)
    marked = "😀👍❤☹✈⌚⏰☕⚽⛄🤷🫠🪿🫨‼⁉↔↩▶◀⬛⭐⭕〰〽㊗㊙🅰🈁🀄🃏★☆✓✗"
    assert {ord(char) for char in marked} <= pictures
    assert not {ord(char) for char in "©®™ℹⓂ→■●│…"} & pictures


# What a text becomes.

_IN_SCRIPTS = set().union(*map(codes_in, SCRIPTS.values()))


WORDS = [
    # wording, text, its words
    (AUTO, "我喜欢iPhone12手机", "我 喜 欢 iphone12 手 机"),
    (AUTO, "真的？太好了！", "真 的 ? 太 好 了 !"),
    (AUTO, "すごーい人々、ﾊﾟﾝだ", "す ご ー い 人 々 ﾊﾟ ﾝ だ"),
    (AUTO, "か\u3099 が 〇 〆切 ㎏ ㊗", "か\u3099 が 〇 〆 切"),
    (AUTO, "𠮷野家 龍\U000e0100", "𠮷 野 家 龍\U000e0100"),
    (AUTO, "ที่นี่ดีมาก ๑๒", "ที่ นี่ ดี ม า ก ๑ ๒"),
    (AUTO, "ດີຫຼາຍ", "ດີ ຫຼ າ ຍ"),
    (AUTO, "ខ្មែរ", "ខ្ មែ រ"),
    (AUTO, "မြန်မာ", "မြ န် မာ"),
    (AUTO, "정말 좋은 영화, don't! ２回", "정말 좋은 영화 dont ! ２ 回"),
    (AUTO, "हिन्दी नमस्ते", "हिन्दी नमस्ते"),
    (AUTO, "e\u0301té \u0301a", "e\u0301té \u0301a"),
    (AUTO, "aั กa\u0301", "aั ก a\u0301"),
    (AUTO, "", ""),
    (AUTO, "。、", ""),
    (AUTO, b"\xe5\xa5\xbd\xe5\xa5 \xff ok", "好 ok"),
    (CHARACTERS, "Don't, 42!", "d o n t 4 2 !"),
    (CHARACTERS, "영화 好", "영 화 好"),
    (CHARACTERS, "e\u0301te\u0301", "e\u0301 t e\u0301"),
    (CHARACTERS, "क्षि", "क् षि"),
    (SYMBOLS, "so 😀good", "so 😀 good"),
    (SYMBOLS, "👍👍🏽", "👍 👍🏽"),
    (SYMBOLS, "❤️ ❤ 👩‍❤️‍👩👨‍👩‍👧", "❤ ❤ 👩‍❤‍👩 👨‍👩‍👧"),
    (SYMBOLS, "🇩🇪🇫🇷🇩", "🇩🇪 🇫🇷 🇩"),
    (SYMBOLS, "🏴󠁧󠁢󠁥󠁮󠁧󠁿🏴", "🏴󠁧󠁢󠁥󠁮󠁧󠁿 🏴"),
    (SYMBOLS, "1️⃣#⃣ 10", "1⃣ #⃣ 10"),
    (SYMBOLS, "★★☆ © 2024™", "★ ★ ☆ 2024"),
    (SYMBOLS, b"half \xf0\x9f\x98 \xed\xa0\xbd", "half"),
    (SYMBOLS, "Great:) :-) =) ;-)", "great :) :) =) ;)"),
    (SYMBOLS, "bad :-( :'( :(((", "bad :( :( :("),
    (SYMBOLS, "so :D :-P :o ;p :] :/ :| :*", "so :d :p :o ;p :] :/ :| :*"),
    (SYMBOLS, "I <3 it, </3, <3", "i <3 it </3 <3"),
    (SYMBOLS, "^^ ^_^ -_- --", "^^ ^_^ -_-"),
    (SYMBOLS, "http://x.org a:b note:do 3:0 <30 10:p", "http x org a b note do 3 0 30 10 p"),
    (SYMBOLS, "(note: see 8) [a:1]", "note see 8 a 1"),
    (SYMBOLS, "我喜欢!?", "我喜欢 ! ?"),
    (Wording("auto", True), "好吃😋😋！:)", "好 吃 😋 😋 ! :)"),
    (Wording("characters", True), "ok :D 👍🏽", "o k :d 👍🏽"),
]


@pytest.mark.parametrize(("wording", "raw", "expected"), WORDS)
def test_words(wording, raw, expected):
    assert both(raw, wording) == expected


_LETTERS = st.characters(exclude_categories=["Cs", "Cn", "Co"])
_ODD = (
    "aAbBdDoOpP'’!?！？.,<br/>3 \\n\n\t\"éÉßΣσςİ-1²Ⅷ:;=()[]|*^_#"
    "好々ーｶﾞが\u3099〇ไทยนี่ກຳខ្មែမြန်क्षिe\u0301영\u1112\u1161"
    "😀👍\U0001f3fd❤\ufe0f\ufe0e\u200d\u20e3🇩🇪🏴\U000e0067\U000e007f★©"
)
_TEXTS = st.text(_LETTERS) | st.text(st.sampled_from(_ODD))


@pytest.mark.parametrize("wording", KINDS, ids=str)
@given(texts=st.lists(_TEXTS, max_size=20))
def test_python_and_the_graph_agree_and_words_are_made_once_and_for_all(wording, texts):
    raw = [text.encode() for text in [*texts, "好！<BR />b\\n:-D<br>"]]
    made = [words_of(text, wording) for text in raw]
    assert made == normaliser(wording)(raw).numpy().tolist()
    assert made == [words_of(text, wording) for text in made]
    for text in made:
        assert text == b" ".join(text.split(b" ")).strip() and b"  " not in text
        assert not {b"[PAD]", b"[UNK]"} & set(text.split(b" "))


@given(st.lists(st.binary(max_size=30), max_size=20))
def test_they_agree_on_any_bytes(texts):
    for wording in KINDS[1:]:
        graph = normaliser(wording)(tf.constant(texts, tf.string, [len(texts)])).numpy().tolist()
        assert [words_of(text, wording) for text in texts] == graph


@given(_TEXTS)
def test_splitting_loses_and_adds_nothing_but_spaces(text):
    raw = text.replace("！", "!").replace("？", "?").encode()
    whole = words_of(raw)
    for wording in (AUTO, CHARACTERS):
        assert words_of(raw, wording).replace(b" ", b"") == whole.replace(b" ", b"")
    if not _IN_SCRIPTS & set(map(ord, text)):
        assert words_of(raw, AUTO) == whole


@given(_TEXTS)
def test_emoji_are_words_beside_the_others_which_stay(text):
    """Where nothing can be an emoticon, a keycap or a variant."""
    raw = text.translate(dict.fromkeys(map(ord, ":;=<^-\ufe0e\ufe0f\u20e3"))).encode()
    with_emoji = words_of(raw, SYMBOLS).split(b" ")
    assert b" ".join(word for word in with_emoji if words_of(word)) == words_of(raw)


def test_at_their_defaults_the_words_are_made_as_ever():
    assert normaliser(Wording(keep="tail")) is normalise and PLAIN.is_plain
    assert normaliser(Wording("auto", keep="both")) is normaliser(AUTO)


# Which words of a long text are read.


@pytest.mark.parametrize(
    ("keep", "length", "read"),
    [
        ("head", 3, "abc"), ("tail", 3, "efg"), ("both", 3, "abg"), ("both", 4, "abfg"),
        ("head", 1, "a"), ("tail", 1, "g"), ("both", 1, "a"), ("both", 6, "abcefg"),
        ("both", 7, "abcdefg"), ("tail", 9, "abcdefg"),
    ],
)  # fmt: skip
def test_what_is_kept_of_a_long_text(keep, length, read):
    assert "".join(Wording(keep=keep).cut("abcdefg", length)) == read


@given(
    st.lists(st.lists(st.integers(1, 99), min_size=1, max_size=9), min_size=1, max_size=9),
    st.integers(1, 11),
    st.sampled_from(["head", "tail", "both"]),
    st.randoms(use_true_random=False),
)
def test_encoded_texts_are_cut_alike(content, length, keep, random):
    wording = Wording(keep=keep)
    rows = [random.randrange(len(content)) for _ in range(7)]
    taken = encoded(content).take(np.array(rows), length, wording)
    assert texts_of(taken) == [wording.cut(content[row], length) for row in rows]


def test_the_model_card_says_what_is_read():
    assert Wording().in_words(400) == "the first 400"
    assert Wording(keep="tail").in_words(400) == "the last 400"
    assert Wording(keep="both").in_words(5) == "the first 3 and the last 2"
    assert Wording(keep="both").in_words(1) == "the first 1"


# Encoded data, keys and settings.


def write_chinese(path: Path) -> Path:
    random = np.random.default_rng(3)
    letters = [chr(0x4E00 + 7 * number) for number in range(60)]
    lines = []
    for number in range(120):
        body = [*random.choice(letters, 8), "差好"[number % 2], *random.choice(letters, 8)]
        lines.append(f"{''.join(body)}。,{('neg', 'pos')[number % 2]}")
    path.write_text("\n".join(["text,label", *lines]) + "\n", encoding="utf-8")
    return path


def test_a_corpus_has_the_words_and_the_ends_that_the_settings_say(tmp_path):
    path = write_chinese(tmp_path / "zh.csv")
    made = {}
    for keep in ("head", "tail", "both"):
        settings = sources.identify(
            DataSettings(str(path), tokens="auto", keep=keep, max_length=5, vocabulary_size=64)
        )
        made[keep] = corpus.load(settings, tmp_path / "cache")
        whole = dataclasses.replace(settings, max_length=99)
        full = corpus.load(whole, tmp_path / "cache")
        assert made[keep].vocabulary == full.vocabulary  # counted on whole texts
        assert texts_of(made[keep].train) == [
            settings.wording.cut(text, 5) for text in texts_of(full.train)
        ]
        raw = [text for text, _ in sources.open_source(settings).examples("train")]
        by_text = {tuple(ids) for ids in made[keep].vocabulary.encode(raw, 5, settings.wording)}
        assert {tuple(ids) for ids in texts_of(made[keep].test)} <= by_text
    assert "好" in made["head"].vocabulary.words
    plain = sources.identify(DataSettings(str(path)))
    held_out = corpus.load(plain, tmp_path / "cache").validation
    assert (held_out.ids == UNKNOWN).all()


def test_the_three_settings_are_in_key_and_cache_where_they_are_no_defaults():
    plain = DataSettings(fingerprint="f")
    assert not {"tokens", "symbols", "keep"} & set(corpus._cache_key(plain))
    assert not {"tokens", "symbols", "keep"} & set(specs._canonical_fields(plain))
    changes = [{"tokens": "auto"}, {"tokens": "characters"}, {"symbols": True}, {"keep": "tail"},
               {"keep": "both"}]  # fmt: skip
    for change in changes:
        other = dataclasses.replace(plain, **change)
        assert corpus._cache_key(other) == {**corpus._cache_key(plain), **change}
        assert change.items() <= specs._canonical_fields(other).items()


def test_equal_texts_are_told_by_the_words_that_are_read(tmp_path):
    texts = ["好！".encode(), "好!".encode(), "好 😀".encode(), "好 ！ 😡".encode()]
    assert groups_of(texts).tolist() != groups_of(texts, AUTO).tolist()
    assert len(set(groups_of(texts, AUTO).tolist())) == 2
    assert len(set(groups_of(texts, Wording("auto", True)).tolist())) == 3
    lines = [f"{'😀😍'[n % 2] * (1 + n // 8)}{'👍👎🏠'[n % 3]},{'ab'[n % 2]}" for n in range(40)]
    (tmp_path / "a.csv").write_text("\n".join(["text,label", *lines]) + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"no text holds a word.*--set data\.symbols=true"):
        sources.identify(DataSettings(str(tmp_path / "a.csv")))
    settings = sources.identify(DataSettings(str(tmp_path / "a.csv"), symbols=True))
    made = encoding.encode(sources.open_source(settings), settings)
    assert {"😀", "👍"} <= set(made.vocabulary.words)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("data.tokens=word", "data.tokens is not 'word'. Did you mean 'words'?"),
        ("data.tokens=true", "data.tokens is True"),
        ("data.keep=middle", "data.keep is not 'middle'"),
        ("data.symbols=yes", "data.symbols is 'yes'; it takes a value of type bool."),
        ("data.symbols=1", "data.symbols is 1; it takes a value of type bool."),
        ("data.token=auto", "There is no key data.token. Did you mean 'tokens'?"),
    ],
)
def test_a_wrong_setting_is_one_line(setting, message):
    with pytest.raises(UserError) as caught:
        configuration.load("", {"data.dataset": "a.csv"}, [setting])
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_settings_travel_with_recipes_to_other_data_and_shared_vocabularies(tmp_path):
    changed = {"tokens": "auto", "symbols": True, "keep": "both"}
    data = DataSettings("a.csv", **changed)
    recipe = Recipe(data, SMALL["cnn"], TrainingSettings())
    assert recipe_from_tables(recipe_to_tables(recipe)) == recipe
    assert retarget(recipe, {"dataset": "b.csv"}).data.wording == data.wording
    one, other = (write_chinese(tmp_path / name) for name in ("one.csv", "other.csv"))
    other.write_text(other.read_text() + "我很高兴,pos\n" * 3)
    shared = sources.identify(DataSettings(str(one), share_vocabulary=str(other), **changed))
    assert {one.wording for one in shared.vocabulary_from} == {data.wording}
    assert "很" not in corpus.load(shared, tmp_path / "cache").unigrams.words
    assert "很" in corpus.load(shared, tmp_path / "cache").vocabulary.words


def test_a_reused_vocabulary_has_one_kind_of_words():
    source = DataSettings("a", fingerprint="a", tokens="auto")
    for change in ({"tokens": "words"}, {"symbols": True}):
        target = dataclasses.replace(source, fingerprint="b", **change)
        with pytest.raises(UserError, match=f"by its data.{next(iter(change))}"):
            encoded_for("reuse", source, target)
        assert encoded_for("remap", source, target).vocabulary_from == ()
    cut = dataclasses.replace(source, fingerprint="b", keep="tail")
    assert encoded_for("reuse", source, cut).vocabulary_from == (source,)


# Exports.


CHARACTER_VOCABULARY = Vocabulary(
    ("[PAD]", "[UNK]", *"我 喜 ! ดี ខ្ 😀 👍🏽 ❤ :) :( <3 ★ film and 12 a i".split())
)


def test_an_export_makes_the_same_words_and_reads_the_same(tmp_path):
    settings = {"tokens": "auto", "symbols": True, "keep": "both"}
    ticket = make_ticket(tmp_path / "cnn", "cnn", vocabulary=CHARACTER_VOCABULARY, **settings)
    python_model, texts = scorer(ticket.build("final")), sentences(Wording(**settings))
    published = publish(ticket, tmp_path / "saved_models" / "zh")
    assert "of 15 texts within" in published.checked
    served = tf.saved_model.load(str(published.folder)).signatures["serving_default"]
    expected = python_model(padded(ticket.encode(texts), 12))[:, 1]
    assert served(text=tf.constant(texts))["score"].numpy() == pytest.approx(expected, abs=1e-5)
    card = (published.folder / "model_card.md").read_text()
    assert "the first 6 and the last 6 of a text read; each character of Han" in card
    # The texts tell an export that reads another end.
    other = dataclasses.replace(of_ticket(ticket), wording=Wording("auto", True, "tail"))
    (tmp_path / "other").mkdir()
    saved_model.save(other, ticket.vocabulary, tmp_path / "other")
    with pytest.raises(TflotteryError, match="the export's"):
        verify(tmp_path / "other", of_ticket(ticket), ticket.vocabulary, python_model)


@pytest.mark.parametrize("keep", ["head", "tail", "both"])
@pytest.mark.parametrize("length", [1, 2, 5])
def test_the_graph_cuts_as_python_does(keep, length):
    wording = Wording(keep=keep)
    served = saved_model._Served.__new__(saved_model._Served)
    served._network = Namespace(wording=wording, max_length=length)
    texts = ["", "a", "a b", "a b c d", "a b c d e", "a b c d e f g"]
    found = served._cut(tf.strings.split(texts)).to_list()
    assert [[word.decode() for word in words] for words in found] == [
        wording.cut(text.split(), length) for text in texts
    ]


# The documentation.


def documented() -> list[tuple[str, str, str]]:
    """The rows of the table of texts in docs/data.md: text, settings, words."""
    page = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    section = page.partition("## Other words, other ends")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(.+)` \| (?:`(.+)`)? ?\| `(.+)` \|$", section, re.MULTILINE)


def test_the_examples_of_the_documentation_are_so():
    rows = documented()
    assert len(rows) > 15
    for text, settings, words in rows:
        assigned = ["data." + setting for setting in settings.split()]
        data = configuration.load("", {"data.dataset": "a.csv"}, assigned).data
        made = both(text, data.wording).split(" ")
        assert " ".join(data.wording.cut(made, data.max_length)) == words
