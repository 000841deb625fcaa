"""Loading it loads most of the libraries that units need; not TensorFlow, which few runs need.

A module, since the server that workers are forks of takes what it is to load by name.
"""

import gc
from importlib import import_module

gc.disable()  # libraries make objects by the hundred thousand, and none of them can go
for _name in ("jobs.run.tasks", "pipeline.analyze", "models.inference.onnx_classifier"):
    import_module(_name)
gc.freeze()  # nor later: forks then share their memory for longer
gc.enable()
