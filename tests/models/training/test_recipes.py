"""Recipes and their schedules."""

import keras
import pytest

from models.errors import UnknownRecipeError
from models.networks import find_recipe, network_names
from models.recipe import Cosine, Plateau, TrainingProgress

# Keras converts its variables in a way that NumPy 2 is about to forbid.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.mark.parametrize("name", network_names())
def test_every_recipe_trains_its_own_network(name):
    assert find_recipe(name).network == name


def test_unknown_recipe_names_the_known_ones():
    with pytest.raises(UnknownRecipeError, match=r"no recipe is called 'magic'; known recipes: default, seed"):
        find_recipe("magic")


def test_the_origins_recipe_is_kept():
    recipe = find_recipe("seed")
    assert (recipe.epochs, recipe.batch_size, recipe.optimizer, recipe.rate) == (15, 64, "adam", 5e-4)
    assert recipe.schedule == Plateau(factor=0.1, patience=2, floor=1e-5)


def test_plateau_does_what_keras_does():
    losses = [1.9, 1.5, 1.6, 1.49995, 1.4, 1.4, 1.41, 1.42, 1.41, 1.42, 1.41, 1.2]
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(5e-4))
    theirs = keras.callbacks.ReduceLROnPlateau(factor=0.1, patience=2, min_lr=1e-5)
    theirs.set_model(model)
    theirs.on_train_begin()
    for epoch, loss in enumerate(losses):
        theirs.on_epoch_end(epoch, {"val_loss": loss})
        found = Plateau().rate(5e-4, TrainingProgress(len(losses), epoch + 1, losses[: epoch + 1]))
        assert found == pytest.approx(float(model.optimizer.learning_rate.numpy()), rel=1e-4), epoch


def test_cosine_rises_then_falls_to_nothing():
    rates = [Cosine(warmup=2).rate(0.1, TrainingProgress(20, done / 10, ())) for done in range(201)]
    assert rates.index(max(rates)) == 20
    assert max(rates) == pytest.approx(0.1)
    assert rates[:21] == sorted(rates[:21])
    assert rates[20:] == sorted(rates[20:], reverse=True)
    assert 0 < rates[0] < 0.01
    assert rates[-1] == pytest.approx(0, abs=1e-9)
    assert rates[110] == pytest.approx(0.05)


def test_cosine_of_a_run_shorter_than_its_warmup():
    assert 0 < Cosine(warmup=2).rate(0.1, TrainingProgress(1, 0.5, ())) < 0.1
