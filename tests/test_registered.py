"""Registering a network: what is taken, what is refused, and what becomes of its keywords."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from tests.own_networks import own_registry
from tflottery.cli import keys
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError
from tflottery.experiments import configuration
from tflottery.experiments.study.design import Study
from tflottery.experiments.study.settings import StudySettings
from tflottery.experiments.transfer.design import Transfer
from tflottery.models.brought.built import Built
from tflottery.models.brought.registered import Registered, Unavailable
from tflottery.models.brought.registering import register_architecture
from tflottery.models.registry import ARCHITECTURES
from tflottery.models.roles import Roles
from tflottery.models.shipped.cnn import Cnn
from tflottery.runs.recipes import (
    Recipe,
    recipe_from_settings,
    recipe_from_tables,
    recipe_to_tables,
    retarget,
)
from tflottery.runs.specs import Dense, Fresh, RunSpec
from tflottery.tickets.plan import make_plan
from tflottery.tickets.settings import PruningSettings
from tflottery.training.settings import TrainingSeeds, TrainingSettings

BUILT = Built(
    "1" * 64, "2" * 64, 40, 2, Roles(("words/embeddings",), ("last/kernel",)), module="mine"
)


@pytest.fixture(autouse=True)
def registry():
    with own_registry():
        yield


def build(vocabulary_size, classes, units=32, rate=0.5, widths=(2, 3), kind="gru", flag=True):
    """A network. ``units``: how many there are.

    ``rate`` is a fraction.
    """


def typed(v, c, *, rate: float = 1, kind: Literal["a", "b"] = "a", sizes: tuple[int, ...] = ()):
    pass


def no_default(vocabulary_size, classes, units):
    pass


def stars(vocabulary_size, classes, *units):
    pass


def keywords(vocabulary_size, classes, **units):
    pass


def one_argument(vocabulary_size):
    pass


def all_defaults(vocabulary_size=10, classes=2):
    pass


def called_name(vocabulary_size, classes, name="x"):
    pass


def called_built(vocabulary_size, classes, built=1):
    pass


def a_list(vocabulary_size, classes, widths=[2, 3]):  # noqa: B006
    pass


def a_mixture(vocabulary_size, classes, widths=(2, "x")):
    pass


def nothing(vocabulary_size, classes, width=None):
    pass


def a_dictionary(vocabulary_size, classes, sizes: dict = ()):
    pass


def wrongly_typed(vocabulary_size, classes, units: int = 0.5):
    pass


class NoDataclass:
    pass


@dataclass
class Melting:
    units: int = 3

    def build(self, vocabulary_size, classes, initializers):
        pass


@dataclass(frozen=True)
class NotBuilt:
    units: int = 3


@dataclass(frozen=True)
class Sized:
    """A dataclass. ``units``: how many."""

    units: int = 3

    def __post_init__(self) -> None:
        if self.units < 1:
            raise ValueError("units is from 1 on")

    def build(self, vocabulary_size, classes, initializers):
        pass


REFUSED = [
    (no_default, "units of the network 'mine' has no default"),
    (stars, r"takes \*units"),
    (keywords, r"takes \*\*units"),
    (one_argument, "is called with the number of ids and of classes"),
    (all_defaults, "is called with the number of ids and of classes"),
    (called_name, "is called 'name', which is taken"),
    (called_built, "is called 'built', which is taken"),
    (a_list, "widths of the network 'mine' is of type list"),
    (a_mixture, "widths of the network 'mine' is of type tuple"),
    (nothing, "width of the network 'mine' is of type NoneType"),
    (a_dictionary, "sizes of the network 'mine' is of type dict"),
    (wrongly_typed, "The default of units of the network 'mine' is 0.5"),
    (NoDataclass, "register a function or a frozen dataclass"),
    (Melting, "register a function or a frozen dataclass"),
    (NotBuilt, "has no method build"),
    (3, "has to be a function"),
]


@pytest.mark.parametrize(("function", "why"), REFUSED, ids=lambda one: getattr(one, "__name__", ""))
def test_what_cannot_be_called_as_it_will_be_is_refused_in_one_line(function, why):
    with pytest.raises(UserError, match=why) as told:
        register_architecture("mine")(function)
    assert "\n" not in str(told.value) and "mine" not in ARCHITECTURES


@pytest.mark.parametrize("name", ["", "My", "my-net", "9", "a b", None, "a/b"])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(UserError, match="is not called"):
        register_architecture(name)


def test_a_name_belongs_to_one_function():
    register_architecture("mine")(build)
    register_architecture("mine")(build)  # a notebook's cell, run again
    for name in ("mine", "cnn"):
        with pytest.raises(UserError, match=f"{name!r} already"):
            register_architecture(name)(typed)


def test_the_door_is_that_of_the_networks_of_this_package():
    before = dict(ARCHITECTURES)
    assert register_architecture("cnn")(Cnn) is Cnn and before == ARCHITECTURES


def model_of(name: str = "mine", **sizes: Any) -> Registered:
    model = recipe_from_settings({"model": {"name": name, **sizes}}).model
    assert isinstance(model, Registered)
    return model


def test_keywords_become_keys():
    assert register_architecture("mine")(build) is build
    register_architecture("typed")(typed)
    register_architecture("sized")(Sized)
    assert repr(model_of()) == "mine(units=32, rate=0.5, widths=(2, 3), kind='gru', flag=True)"
    assert model_of(units=8, widths=[4]) == dataclasses.replace(model_of(), units=8, widths=(4,))
    assert model_of("typed").rate == 1.0 and type(model_of("typed").rate) is float
    assert model_of("sized", units=5).units == 5 and model_of("sized").built is None
    assert model_of().dropout == 0 and model_of().gates("x") == model_of().unit_layers() == ()


@pytest.mark.parametrize(
    ("name", "sizes", "why"),
    [
        ("mine", {"unit": 3}, "no key model.unit. Did you mean 'units'"),
        ("mine", {"units": "x"}, "model.units is 'x'; it takes a value of type int"),
        ("mine", {"units": 0.5}, "model.units is 0.5"),
        ("mine", {"built": {}}, "no key model.built"),
        ("typed", {"kind": "c"}, "model.kind is not 'c'"),
        ("typed", {"sizes": ["a"]}, "model.sizes is 'a'"),
        ("sized", {"units": 0}, "The network sized takes no such sizes: units is from 1 on"),
        ("mein", {}, "no network 'mein'|no model 'mein'"),
    ],
)
def test_a_wrong_key_is_told_as_for_any_network(name, sizes, why):
    for one, function in (("mine", build), ("typed", typed), ("sized", Sized)):
        register_architecture(one)(function)
    with pytest.raises(UserError, match=why):
        model_of(name, **sizes)


def test_the_help_on_keys_knows_them_and_what_the_function_says():
    register_architecture("mine")(build)
    told = keys.help_on_keys(["model"])
    assert 'model, name = "mine"' in told and "model.units = 32  (int)" in told
    assert "units: how many there are." in told and "rate is a fraction." in told
    assert "model.built" not in told


def test_a_configuration_scales_no_sizes_of_it():
    register_architecture("mine")(build)
    chosen = configuration.load("", {"data.dataset": "x.csv", "model.name": "mine"})
    assert chosen.model == model_of()


def recipe(model: Any) -> Recipe:
    return Recipe(DataSettings(fingerprint="f"), model, TrainingSettings())


def key(model: Any) -> str:
    return RunSpec(recipe(model), Dense(), Fresh(1), TrainingSeeds(1, 1)).key


def identified(**built: Any) -> Registered:
    register_architecture("mine")(build)
    return dataclasses.replace(model_of(), built=dataclasses.replace(BUILT, **built))


def test_without_an_identity_there_is_no_key():
    register_architecture("mine")(build)
    with pytest.raises(ValueError, match="identified"):
        key(model_of())
    with pytest.raises(ValueError, match="identified"):
        model_of().roles()


def test_the_key_holds_what_is_built_and_nothing_else():
    model = identified()
    others = [
        identified(structure="3" * 64), identified(classes=3), identified(held=("x",)),
        identified(roles=Roles()), identified(padding="x"), identified(module="theirs"),
        dataclasses.replace(model, units=8),
    ]  # fmt: skip
    assert {key(one) for one in others} == {key(model)}
    assert key(identified(identity="4" * 64)) != key(model)
    assert key(Cnn()) != key(model)


def test_tables_give_it_back_and_processes_too():
    model = identified()
    assert recipe_from_tables(recipe_to_tables(recipe(model))) == recipe(model)
    assert pickle.loads(pickle.dumps(model)) == model
    assert copy.deepcopy(model) == model


@pytest.mark.parametrize("edited", [None, typed], ids=["unregistered", "other keywords"])
def test_where_the_function_is_missing_the_key_is_there_and_what_is_missing_is_said(edited):
    model = identified()
    tables = recipe_to_tables(recipe(model))
    del ARCHITECTURES["mine"]
    if edited:
        edited.__qualname__, qualname = build.__qualname__, edited.__qualname__
        register_architecture("mine")(edited)
        edited.__qualname__ = qualname
    found = recipe_from_tables(tables)
    assert isinstance(found.model, Unavailable)
    assert key(found.model) == key(model) and found.model.roles() == BUILT.roles
    assert recipe_to_tables(found) == recipe_to_tables(recipe(model))
    assert pickle.loads(pickle.dumps(found.model)) == found.model
    why = "was edited since" if edited else "not registered here: it came from mine"
    with pytest.raises(UserError, match=f"The network mine .*{why}"):
        found.model.plain(10, 2, 0)


def test_other_data_keep_the_network():
    model = identified()
    made = retarget(recipe(model), {"dataset": "toy"}, {"training.epochs": 2})
    assert made.model is model and made.training.epochs == 2


@pytest.mark.parametrize(
    ("settings", "roles", "why"),
    [
        ({"embedding": False}, Roles((), ("x",)), "pruning.embedding=false, and the network mine"),
        ({"head": False}, Roles(("x",), ()), "pruning.head=false, and the network mine"),
        ({"criterion": "filters"}, BUILT.roles, "does not say where its units lie"),
        ({"criterion": "synflow"}, BUILT.roles, "network mine has layers, as gates, attention or"),
    ],
)
def test_a_setting_that_names_what_is_not_there_is_an_error(settings, roles, why):
    with pytest.raises(UserError, match=why):
        make_plan(recipe(identified(roles=roles, flows=False)), PruningSettings(**settings), 1)


def test_a_study_leaves_out_criteria_of_flow_where_a_network_has_none():
    compared = StudySettings(levels=(0.36,), criteria=("snip", "synflow"))
    for flows in (True, False):
        study = Study("mine", recipe(identified(flows=flows)), PruningSettings(), compared, (4,))
        made = {cell.mask.partition(":")[0] for cell in study.cells(4) if cell.part == "criterion"}
        assert made == {"snip", "synflow"} - (set() if flows else {"synflow"})
        assert [line for line in study.left_out if "synflow" in line] == (
            []
            if flows
            else [
                "The criterion synflow is left out: the network mine has layers, as gates, "
                "attention or norms, for which the flow through kernels and ReLU has no meaning."
            ]
        )


def test_the_roles_are_the_networks_own():
    pruning = PruningSettings(embedding=False, head=False, sparsity=0.5)
    roles = Roles(("a/embeddings", "b/embeddings"), ("x/kernel", "y/kernel"))
    mask = make_plan(recipe(identified(roles=roles)), pruning, 1).levels[0].ticket.mask
    from tflottery.pruning.shares import excluded
    from tflottery.runs.pruned import GraduallyPruned

    assert excluded(roles, mask.embedding, mask.head) == (*roles.embedding, *roles.head)
    gradual = GraduallyPruned(0.5, embedding=False).gradual(10, roles)
    assert gradual.exclude == roles.embedding


@pytest.mark.parametrize(
    ("more", "roles", "why"),
    [
        ({"vocabulary": "drop"}, Roles((), ("x",)), "embedding, and mine has none"),
        ({"vocabulary": "remap"}, Roles((), ("x",)), "embedding, and mine has none"),
        ({"same_classes": False}, Roles(("x",), ()), "mine has none"),
    ],
)
def test_a_transfer_needs_the_parts_that_it_is_about(more, roles, why):
    own = recipe(identified(roles=roles))
    with pytest.raises(UserError, match=why):
        Transfer(own, own, PruningSettings(), (0.5,), **more)
