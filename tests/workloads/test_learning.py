"""The example learns: a few hundred steps through the operation graph."""

from dataclasses import replace
from statistics import fmean

import pytest

from workloads.tensor_transformer.example import SMALL, main, train


@pytest.mark.parametrize("changes", [{}, {"optimizer": "sgd", "learning_rate": 0.1}])
def test_three_hundred_steps_divide_the_loss_by_twenty(changes):
    """Chance is 2 ln 3 = 2.2; every step draws fresh utterances."""
    losses = list(train(replace(SMALL, **changes), steps=300, seed=0))

    assert fmean(losses[:5]) > 1.8
    assert fmean(losses[-20:]) < fmean(losses[:5]) / 20


def test_the_example_prints_the_loss(monkeypatch, capsys):
    monkeypatch.setattr(
        "workloads.tensor_transformer.example.train", lambda *_, **__: iter([2.0] * 50)
    )

    main()

    assert capsys.readouterr().out == "step   1  loss 2.0000\nstep  50  loss 2.0000\n"
