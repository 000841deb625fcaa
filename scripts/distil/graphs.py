"""Steps of a training as CUDA graphs: recorded once, replayed without the processor's help, several side by side."""

from collections.abc import Callable, Sequence

import torch
from pictures import DEVICE
from torch import Tensor


def wait() -> None:
    """Wait until the GPU has done what it was asked to."""
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


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
    with torch.cuda.graph(graph, stream=stream):  # its own: libraries keep a workspace for each stream
        step()
    with torch.no_grad():
        for tensor, old in zip(state, before, strict=True):
            tensor.copy_(old)
    torch.cuda.synchronize()
    return graph.replay


class Adam:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2017, arXiv:1711.05101), its state in tensors that stay.

    Each group of parameters has a weight decay and a factor of the learning rate.
    """

    def __init__(self, groups: Sequence[tuple[list[Tensor], float, float]], rates: Tensor, fade: float = 0.999) -> None:
        """Take over ``groups`` of parameters, decay and factor; ``rates`` are the steps' learning rates."""
        self._groups, self._fade = [group for group in groups if group[0]], fade
        self.parameters = [p for parameters, _, _ in self._groups for p in parameters]
        self._first = [torch.zeros_like(p) for p in self.parameters]
        self._second = [torch.zeros_like(p) for p in self.parameters]
        steps = torch.arange(1, len(rates) + 1, device=rates.device, dtype=torch.float64)
        self._rates = (rates * (1 - fade**steps).sqrt() / (1 - 0.9**steps)).float()
        self._decays = rates.float()
        self.state = [*self.parameters, *self._first, *self._second]

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], done: Tensor) -> None:
        """Change the parameters; ``done`` ``(1,)`` counts the steps so far."""
        torch._foreach_lerp_(self._first, gradients, 0.1)
        torch._foreach_mul_(self._second, self._fade)
        torch._foreach_addcmul_(self._second, gradients, gradients, 1 - self._fade)
        sizes = torch._foreach_sqrt(self._second)
        torch._foreach_add_(sizes, 1e-8)
        changes = torch._foreach_div(self._first, sizes)
        rate, decay, start = self._rates[done].squeeze(0), self._decays[done].squeeze(0), 0
        for parameters, weight_decay, factor in self._groups:
            some = changes[start : start + len(parameters)]
            start += len(parameters)
            if weight_decay:
                torch._foreach_mul_(parameters, 1 - weight_decay * factor * decay)
            torch._foreach_sub_(parameters, torch._foreach_mul(some, rate * factor))
