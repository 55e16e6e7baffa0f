"""Training by hand-written gradients: against differences, and a few epochs in each recipe."""

from dataclasses import replace

import numpy as np
import pytest

from workloads.posit_training.digits import TESTED, load
from workloads.posit_training.layers import cnn, mlp
from workloads.posit_training.recipe import FP32, POSIT8, RECIPES, Recipe
from workloads.posit_training.rounding import Scaling
from workloads.posit_training.study import Interval, as_text, study
from workloads.posit_training.training import Schedule, _gradients, train

SHORT = Schedule(epochs=2)


def test_the_digits_are_all_there_and_split_by_the_seed():
    digits, again, other = (load(np.random.default_rng(seed)) for seed in (0, 0, 1))

    assert digits.train_images.shape == (1797 - TESTED, 8, 8, 1)
    assert digits.test_images.shape == (TESTED, 8, 8, 1)
    labels = np.concatenate([digits.train_labels, digits.test_labels])
    # What the data set's description says of its classes.
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert abs(digits.train_images.mean()) < 1e-4
    assert digits.train_images.std() == pytest.approx(1, abs=1e-4)
    np.testing.assert_array_equal(digits.test_images, again.test_images)
    assert (digits.test_labels != other.test_labels).any()


@pytest.mark.parametrize("network", [mlp, cnn])
def test_gradients_are_those_of_central_differences(network):
    """In float64, where a difference of 1e-6 tells six digits of a gradient."""
    rng = np.random.default_rng(0)
    layers = network(rng)
    for layer in layers:
        layer.parameters = {name: p.astype(np.float64) for name, p in layer.parameters.items()}
    images, labels = rng.standard_normal((6, 8, 8, 1)), rng.integers(0, 10, 6)

    _gradients(layers, images, labels, FP32)

    for layer in layers:
        found = dict(layer.gradients)
        for name, value in layer.parameters.items():
            place = tuple(rng.integers(0, size) for size in value.shape)
            value[place] += 1e-6
            above = _gradients(layers, images, labels, FP32)
            value[place] -= 2e-6
            below = _gradients(layers, images, labels, FP32)
            value[place] += 1e-6
            assert found[name][place] == pytest.approx((above - below) / 2e-6, rel=1e-2, abs=1e-5)


UNFIT = "posit8, backward (8,1), neither"


@pytest.mark.parametrize(
    "recipe", [r for r in RECIPES if r.name != UNFIT], ids=lambda recipe: recipe.name
)
def test_two_epochs_teach_most_digits_in_every_recipe_that_fits(recipe):
    first, second = train("mlp", recipe, 0, SHORT)

    assert second.loss < first.loss / 2
    assert second.accuracy > 80


def test_gradients_below_minpos_do_not_teach():
    """A posit never rounds to zero: what is less than 2**-12 adds up as if it were as much."""
    (unfit,) = (recipe for recipe in RECIPES if recipe.name == UNFIT)

    scaled, unscaled = (
        list(train("mlp", recipe, 0, SHORT))[-1].loss
        for recipe in (replace(unfit, scaling=Scaling.CENTRE), unfit)
    )

    assert unscaled > 4 * scaled


def test_a_run_is_its_seed():
    runs = [list(train("cnn", replace(POSIT8, warm_up=0), 3, Schedule(epochs=1))) for _ in range(2)]

    assert runs[0] == runs[1]


def test_warm_up_is_fp32():
    warm = replace(POSIT8, warm_up=2)

    assert list(train("mlp", warm, 0, SHORT)) == list(train("mlp", FP32, 0, SHORT))
    assert list(train("mlp", POSIT8, 0, SHORT)) != list(train("mlp", FP32, 0, SHORT))


def test_weights_are_kept_in_their_format():
    """A posit of 4 bits has 16 values; updates too small for it are lost."""
    recipe = Recipe(name="coarse", kept="posit(4,0)")

    fine, coarse = (list(train("mlp", chosen, 0, SHORT)) for chosen in (FP32, recipe))

    assert coarse[-1].loss > 2 * fine[-1].loss


def test_an_interval_is_students():
    """1, 2, 3: deviation 1, so 4.303 / sqrt(3) = 2.484."""
    found = Interval.of([1.0, 2.0, 3.0])

    assert found.mean == 2.0
    assert found.half_width == pytest.approx(2.4843, abs=1e-4)
    assert str(found) == "  2.00 ± 2.48"


def test_a_study_is_a_table_of_accuracies_beside_the_first_recipe():
    rows = study(networks=["mlp"], recipes=[FP32, POSIT8], seeds=2, schedule=Schedule(epochs=1))

    assert [row.recipe.name for row in rows] == ["fp32", "posit8"]
    assert rows[0].lost == Interval(mean=0.0, half_width=0.0)
    assert rows[1].lost.mean == 0.0  # the one epoch is warm-up
    lines = as_text(rows).splitlines()
    assert lines[0].split() == ["network", "recipe", "accuracy,", "%", "lost", "against", "fp32"]
    assert len(lines) == 3


@pytest.mark.parametrize("seeds", [1, 11])
def test_seeds_out_of_range_are_refused(seeds):
    with pytest.raises(ValueError, match=rf"seeds must be in \[2, 10\], got {seeds}"):
        study(seeds=seeds)


def test_a_negative_warm_up_is_refused():
    with pytest.raises(ValueError, match="warm_up must be >= 0 epochs, got -1"):
        replace(POSIT8, warm_up=-1)
