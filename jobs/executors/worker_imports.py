"""Importing this module loads most of the libraries that units need; not TensorFlow, which few runs need.

A module, since the server that workers are forked from takes the name of what it loads.
"""

import gc
from importlib import import_module

gc.disable()  # libraries make hundreds of thousands of objects, all of which stay
for _name in ("jobs.run.tasks", "pipeline.analyze", "models.inference.onnx_classifier"):
    import_module(_name)
gc.freeze()  # exempt from later collections, too: forks then share their memory for longer
gc.enable()
