"""The networks by name: their sizes, their input and their outputs."""

import keras
import numpy as np
import pytest

from models.data.faces import FERPLUS
from models.emotions import EMOTIONS
from models.errors import ModelError, UnknownNetworkError
from models.networks import build, network_names
from models.networks.default import WINDOW
from pipeline import schema


@pytest.fixture(scope="module", params=network_names())
def network(request):
    return build(request.param)


def test_emotions_have_the_order_of_fer2013():
    assert EMOTIONS == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def test_pipeline_means_the_same_order():
    assert schema.EMOTIONS == EMOTIONS


def test_input_and_output(network):
    assert network.input_shape == (None, 48, 48, 1)
    assert network.output["emotion"].shape == (None, 7)


def test_untrained_network_gives_probabilities(network):
    crops = np.random.default_rng(0).random((2, 48, 48, 1), np.float32)
    for output in network(crops, training=False).values():
        probabilities = np.asarray(output)
        assert probabilities.dtype == np.float32
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_size_of_seed():
    network = build("seed")
    assert network.count_params() == 4_478_727
    assert sum(int(np.prod(weight.shape)) for weight in network.trainable_weights) == 4_474_759


def multiplications(network: keras.Model) -> int:
    """Return how many multiplications a crop costs in convolutions and dense layers."""
    total = 0
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D):
            total += int(np.prod(layer.output.shape[1:3])) * int(np.prod(layer.kernel.shape))
        elif isinstance(layer, keras.layers.Dense):
            total += int(np.prod(layer.kernel.shape))
    return total


def test_default_costs_at_most_60_million_multiplications():
    assert 20e6 < multiplications(build("default")) <= 60e6
    assert multiplications(build("seed")) > 4 * multiplications(build("default"))


def test_default_sees_the_middle_of_a_crop():
    crops = np.random.default_rng(0).random((2, 48, 48, 1), np.float32)
    network, bare = build("default"), build("default", WINDOW)
    bare.set_weights(network.get_weights())
    expected = bare(crops[:, 4:44, 4:44], training=False)
    for name, outputs in network(crops, training=False).items():
        np.testing.assert_allclose(outputs, expected[name], atol=1e-6)
    assert expected["votes"].shape == (2, len(FERPLUS))
    assert expected["emotion"].shape == (2, len(EMOTIONS))


def test_unknown_network_names_the_known_ones():
    with pytest.raises(UnknownNetworkError, match=r"no network is called 'resnet'; known networks: .*seed") as caught:
        build("resnet")
    assert isinstance(caught.value, ModelError)
