"""Steps of training as CUDA graphs: to launch hundreds of small kernels one by one takes longer than they do."""

from collections.abc import Callable

import torch
from pictures import DEVICE
from torch import Tensor


def captured(step: Callable[[], None], state: list[Tensor]) -> Callable[[], None]:
    """Return a step that is replayed as a CUDA graph; on a CPU, the step itself.

    A step changes nothing but ``state``, in place, which is left as it was.
    """
    if DEVICE.type != "cuda":
        return step
    torch.cuda.synchronize()
    before = [tensor.detach().clone() for tensor in state]
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    with torch.no_grad():
        for tensor, old in zip(state, before, strict=True):
            tensor.copy_(old)
    torch.cuda.synchronize()
    return graph.replay
