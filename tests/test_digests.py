"""Digests of functions: other content gives another one, other layout does not."""

from __future__ import annotations

import importlib.util
import linecache
import subprocess
import sys
import sysconfig
import textwrap
from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import user_environment
from tflottery import digests
from tflottery.digests import NoDigestError, digest

BASE = """
    import abc
    import enum
    import functools
    import re
    import typing
    import numpy as np
    import helper
    from helper import power as raised

    SCALE = 2.0
    TABLE = {"a": [1, 2], "b": (3, None)}
    WEIGHTS = np.arange(4, dtype=np.float32)

    def low(weight):
        return abs(weight) * SCALE

    @functools.lru_cache
    def slow(number):
        return number + 1

    class Corner:
        def __init__(self, angle):
            self.angle = angle

    class Kind(enum.Enum):
        ROUND = 1

    class Pair(typing.NamedTuple):
        one: int = 7

    class Base(abc.ABC):
        __slots__ = ("kept",)

    class Shape(Base):
        sides = 3
        HALF = np.float32(0.5)
        WORD = re.compile("a")
        CORNER = Corner(90)
        add = functools.partial(pow, 3)
        kind = Kind.ROUND
        pair = Pair()

        class Inner:
            depth = 11

        @functools.cached_property
        def cached(self):
            return 12

        @functools.lru_cache
        def kept_once(self):
            return 13

        @staticmethod
        @functools.lru_cache
        def still():
            return 14

        @property
        def area(self):
            return 15

        __slots__ = ("factor", "__dict__")
        def __init__(self, factor):
            self.factor = factor
        def of(self, weight):
            return weight * self.factor

    SHAPE = Shape(5)

    def make(shift):
        def inner(weight, random):
            return weight + shift
        return inner

    made = make(1)

    def unrelated(weight):
        return weight

    def f(weight, random, exponent: int = 2):
        # How large a weight is.
        from helper import inside
        first = low(weight) ** exponent + slow(3)
        return first + helper.shift(weight) + raised(weight) + inside(weight) + SHAPE.of(
            WEIGHTS.sum() + len(TABLE)
        )
"""
HELPER = """
    STEP = 1

    def shift(weight):
        return weight + STEP

    def power(weight):
        return weight ** 2

    def inside(weight):
        return -weight

    def unused(weight):
        return weight
"""


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    modules = dict(sys.modules)
    yield
    for name in set(sys.modules) - set(modules):
        if name in ("helper", "criterion"):
            del sys.modules[name]


def load(folder: Path, code: str = BASE, helper: str = HELPER) -> ModuleType:
    """A module of the code, beside a module ``helper``."""
    folder.mkdir(exist_ok=True)
    for name, text in (("helper", helper), ("criterion", code)):
        (folder / f"{name}.py").write_text(textwrap.dedent(text))
        linecache.clearcache()
        spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
        assert spec and spec.loader
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules["criterion"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("** exponent", "** (exponent + 1)"),
        ("exponent: int = 2", "exponent: int = 3"),
        ("SCALE = 2.0", "SCALE = 2.5"),
        ('"a": [1, 2]', '"a": [1, 3]'),
        ('"b": (3, None)', '"c": (3, None)'),
        ("np.arange(4, dtype=np.float32)", "np.arange(4, dtype=np.float64)"),
        ("np.arange(4, ", "np.arange(5, "),
        ("return abs(weight) * SCALE", "return abs(weight) + SCALE"),
        ("return number + 1", "return number + 2"),
        ("sides = 3", "sides = 4"),
        ("np.float32(0.5)", "np.float32(0.7)"),
        ('re.compile("a")', 're.compile("b")'),
        ("Corner(90)", "Corner(60)"),
        ("partial(pow, 3)", "partial(pow, 4)"),
        ("ROUND = 1", "ROUND = 2"),
        ("one: int = 7", "one: int = 8"),
        ("depth = 11", "depth = 12"),
        ("return 12", "return 13"),
        ("return 13", "return 12"),
        ("return 14", "return 15"),
        ("return 15", "return 16"),
        ("return weight * self.factor", "return weight / self.factor"),
        ("Shape(5)", "Shape(6)"),
    ],
)
def test_what_computes_otherwise_has_another_digest(tmp_path, old, new):
    assert old in BASE
    before = digest(load(tmp_path / "one").f)
    assert digest(load(tmp_path / "two", BASE.replace(old, new)).f) != before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("STEP = 1", "STEP = 2"),
        ("return weight + STEP", "return weight - STEP"),
        ("weight ** 2", "weight ** 3"),
        ("return -weight", "return weight"),
    ],
)
def test_what_is_taken_from_modules_of_ones_own_counts(tmp_path, old, new):
    assert old in HELPER
    before = digest(load(tmp_path / "one").f)
    assert digest(load(tmp_path / "two", helper=HELPER.replace(old, new)).f) != before


def test_modules_in_an_environments_folder_count_and_installed_ones_do_not(tmp_path, monkeypatch):
    paths = sysconfig.get_paths(vars=dict.fromkeys(("base", "platbase"), str(tmp_path)))
    monkeypatch.setattr(digests, "_INSTALLED", digests._installed(paths))
    libraries = Path(paths["purelib"]).parent / "libraries"
    libraries.mkdir(parents=True)
    for place, counts in ((tmp_path, True), (libraries, False)):
        before = digest(load(place / "one").f)
        after = digest(load(place / "two", helper=HELPER.replace("STEP = 1", "STEP = 2")).f)
        assert (before != after) == counts


@pytest.mark.parametrize(
    ("code", "helper"),
    [
        (BASE, HELPER),
        (BASE.replace("# How large a weight is.", '"""How large it is."""'), HELPER),
        (BASE.replace("exponent: int = 2", "exponent: float=2"), HELPER),
        (BASE.replace("exponent: int = 2", "\n        exponent=2,\n    "), HELPER),
        (BASE.replace("def low(weight):", "\n\n    def low(weight):  # |w|"), HELPER),
        (BASE.replace("def unrelated(weight):", "def unrelated(weight, more):"), HELPER),
        (BASE, HELPER.replace("def unused(weight):", "def unused(weight, more):")),
    ],
    ids=["same", "docstring", "annotation", "layout", "comment", "unrelated", "unused"],
)
def test_what_computes_the_same_keeps_its_digest_wherever_it_lies(tmp_path, code, helper):
    before = digest(load(tmp_path / "one").f)
    assert digest(load(tmp_path / "two", code, helper).f) == before


def test_a_closure_counts(tmp_path):
    one = digest(load(tmp_path / "one").made)
    assert digest(load(tmp_path / "two", BASE.replace("make(1)", "make(2)")).made) != one


def test_a_file_that_is_edited_under_a_process_changes_nothing(tmp_path):
    module = load(tmp_path)
    before = digest(module.f)
    edited = textwrap.dedent(BASE).replace("** exponent", "** (exponent + 1)")
    (tmp_path / "criterion.py").write_text(edited)
    assert digest(module.f) == before
    assert digest(load(tmp_path, BASE.replace("** exponent", "** (exponent + 1)")).f) != before


@pytest.mark.parametrize(
    ("value", "told"),
    [("open('/dev/null')", "TextIOWrapper"), ("iter([1])", "list_iterator"),
     ("np.array([object()])", "ndarray")],
)  # fmt: skip
def test_a_value_whose_content_cannot_be_told_is_named(tmp_path, value, told):
    code = f"""
    import numpy as np
    THING = {value}
    def f(weight, random):
        return weight * len(THING)
    """
    with pytest.raises(NoDigestError, match=f"THING, a {told}"):
        digest(load(tmp_path, code).f)


def test_a_function_without_source_is_told_by_its_bytecode():
    def made(code: str):
        names: dict[str, object] = {}
        exec(code, names)
        return names["f"]

    one = made("def f(weight, random): return [w in {'a', 'b', 'c'} for w in weight]")
    same = made("def f(weight,random):\n    return [w in {'c', 'b', 'a'} for w in weight]")
    other = made("def f(weight, random): return [w in {'a', 'b', 'd'} for w in weight]")
    assert digest(one) == digest(same) != digest(other)


def test_things_that_name_each_other_end(tmp_path):
    code = """
    THING = []
    THING.append(THING)
    def f(weight, random):
        return g(weight) + len(THING)
    def g(weight):
        return f(weight, None) if weight else 0
    """
    assert digest(load(tmp_path, code).f) == digest(load(tmp_path / "again", code).f)


def test_it_is_the_same_in_every_process(tmp_path):
    here = digest(load(tmp_path).f)
    code = "import criterion; from tflottery.digests import digest; print(digest(criterion.f))"
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True,
            env={**user_environment(), "PYTHONHASHSEED": seed},
        )  # fmt: skip
        assert done.stdout.strip() == here
