"""The rule that a search fits: which learning rate a sparsity wants. A sealed file of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tflottery.errors import DamagedFileError
from tflottery.files import read_sealed

FORMAT_VERSION = 1
# What a rule's file is called in the folder of a search.
RULE = "rule.json"
# The folder of a store that holds searches of rates, each with the rule that it fitted.
SEARCHES = "tunings"
FORMULA = "learning_rate = base * (1 - sparsity) ** -exponent"


@dataclass(frozen=True)
class Rule:
    """``rate = base * (1 - sparsity) ** -exponent``.

    ``low`` and ``high`` end the 95 % t interval of the exponent; 0 says that sparsity changes
    nothing. It is not carried on beyond ``sparsest``, nor beyond ``lowest`` and ``highest``, the
    rates that were tried.
    """

    base: float
    exponent: float
    low: float
    high: float
    sparsest: float
    lowest: float
    highest: float

    def __call__(self, sparsity: float) -> float:
        """The learning rate for a sparsity."""
        rate = self.base * (1 - min(sparsity, self.sparsest)) ** -self.exponent
        return rounded(min(max(rate, self.lowest), self.highest))

    def around(self, rate: float) -> Rule:
        """The same change with the sparsity, from another rate for dense on."""
        times = rate / self.base
        return dataclasses.replace(
            self, base=rate, lowest=self.lowest * times, highest=self.highest * times
        )

    def __str__(self) -> str:
        return (
            f"{rounded(self.base):g} x (1 - sparsity)^({-self.exponent:.2f}), exponent "
            f"{-self.high:.2f} to {-self.low:.2f} (95 % interval)"
        )


def rounded(rate: float) -> float:
    """A rate to three digits, so that it can be quoted and two trials a hair apart are one run."""
    return float(f"{rate:.3g}")


def read_rule(path: Path) -> tuple[Rule, dict[str, Any]]:
    """A rule, and the document that it stands in.

    Raises:
        UserError: there is none, or it is damaged.
    """
    document = read_sealed(path, what="rule", format_version=FORMAT_VERSION)
    return rule_from(document, path), document


def rule_from(document: Mapping[str, Any], path: Path) -> Rule:
    """The rule in a document that was read from ``path``.

    Raises:
        DamagedFileError: there is none in it.
    """
    values = [document.get(item.name) for item in dataclasses.fields(Rule)]
    if not all(isinstance(value, (int, float)) for value in values):
        raise DamagedFileError(f"{path} holds no rule; make it anew with bin/tune_lr.")
    rule = Rule(*map(float, values))  # type: ignore[arg-type]
    if not (0 < rule.lowest <= rule.highest and rule.base > 0 and 0 <= rule.sparsest < 1):
        raise DamagedFileError(f"{path} holds a rule of no rate; make it anew with bin/tune_lr.")
    return rule
