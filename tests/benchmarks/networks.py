"""Faces a second of every network on one core, in one process, in turn; ``make bench-networks``.

The ratio counts: these figures move with the machine, and both networks move together. Weights do not matter for
speed, so untrained networks are measured, as TensorFlow runs them: one compiled function of a full batch.
"""

import argparse
import json
import os
import platform
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from models.inference.base import BATCH_SIZE
from models.inference.keras_classifier import GPU_BATCH_SIZE, compiled
from models.networks import build, network_names


def measure(rounds: int, device: str) -> dict[str, list[float]]:
    """Return faces a second of each round, by network; CPU seconds on a CPU, the clock on the wall on a GPU."""
    batch = GPU_BATCH_SIZE if device == "gpu" else BATCH_SIZE
    clock = time.perf_counter if device == "gpu" else time.process_time
    crops = np.random.default_rng(0).random((batch, 48, 48, 1), np.float32)
    functions = {name: compiled(build(name), batch, device) for name in network_names()}
    for function in functions.values():
        np.asarray(function(crops))
    rates: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            begun = clock()
            np.asarray(function(crops))
            rates[name].append(batch / (clock() - begun))
    return rates


def main() -> None:
    """Print a table and a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--device", choices=["cpu", "gpu"], default="cpu")
    arguments = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    if arguments.device == "gpu":
        keras.config.set_dtype_policy("mixed_float16")
    rates = measure(arguments.rounds, arguments.device)
    medians = {name: statistics.median(values) for name, values in rates.items()}
    print("| network | faces/s | lowest | highest | times seed |")
    print("|---|---:|---:|---:|---:|")
    for name, values in rates.items():
        ratio = medians[name] / medians["seed"]
        print(f"| {name} | {medians[name]:.0f} | {min(values):.0f} | {max(values):.0f} | {ratio:.2f} |")
    versions = {"python": platform.python_version(), "tensorflow": tf.__version__, "keras": keras.version()}
    print(json.dumps({"faces_per_second": medians, "rounds": arguments.rounds, **versions}))


if __name__ == "__main__":
    main()
