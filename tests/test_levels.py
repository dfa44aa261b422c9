"""Levels: what an experiment looks at, and what is no sparsity."""

from __future__ import annotations

import pytest

from tflottery.errors import UserError
from tflottery.experiments.learning_rate.design import TuningSettings
from tflottery.experiments.levels import check_levels
from tflottery.experiments.study.settings import StudySettings


def test_levels_are_above_0_and_below_1():
    check_levels("--levels", [0.2, 0.999])
    check_levels("tuning.levels", [0.0, 0.36], dense=True)
    for level in (0.0, 1.0, -0.2, float("nan")):
        with pytest.raises(UserError, match=r"--levels holds .*; a sparsity here is in \(0, 1\)"):
            check_levels("--levels", [0.36, level])
    for level in (1.0, -0.2, float("nan")):
        with pytest.raises(UserError, match=r"holds .*; a sparsity here is in \[0, 1\)"):
            check_levels("tuning.levels", [0.36, level], dense=True)


def test_experiments_name_the_key_that_holds_a_wrong_level():
    with pytest.raises(UserError, match=r"study\.rewind_levels holds 1\.5; a sparsity here"):
        StudySettings(rewind_levels=(1.5,))
    with pytest.raises(UserError, match=r"study\.levels holds 0; a sparsity here"):
        StudySettings(levels=(0.0,))
    with pytest.raises(UserError, match=r"tuning\.levels holds 1; a sparsity here"):
        TuningSettings(levels=(0.0, 1.0))
