"""The networks by name: their sizes, their input and their output."""

import numpy as np
import pytest

from models.emotions import EMOTIONS
from models.errors import ModelError, UnknownNetworkError
from models.networks import NETWORKS, build
from pipeline import schema


@pytest.fixture(scope="module", params=NETWORKS)
def network(request):
    return build(request.param)


def test_emotions_have_the_order_of_fer2013():
    assert EMOTIONS == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def test_pipeline_means_the_same_order():
    assert schema.EMOTIONS == EMOTIONS


def test_input_and_output(network):
    assert network.input_shape == (None, 48, 48, 1)
    assert network.output_shape == (None, 7)
    assert network.layers[-1].activation.__name__ == "softmax"


def test_untrained_network_gives_probabilities(network):
    crops = np.random.default_rng(0).random((2, 48, 48, 1), np.float32)
    probabilities = np.asarray(network(crops, training=False))
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_size_of_seed():
    network = build("seed")
    assert network.count_params() == 4_478_727
    assert sum(int(np.prod(weight.shape)) for weight in network.trainable_weights) == 4_474_759


def test_unknown_network_names_the_known_ones():
    with pytest.raises(UnknownNetworkError, match=r"no network is called 'resnet'; known networks: .*seed") as caught:
        build("resnet")
    assert isinstance(caught.value, ModelError)
