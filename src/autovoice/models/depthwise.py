"""What blocks of the generator and of the student have in common: a depthwise convolution over a few frames."""

import torch
from torch import Tensor, nn

KERNEL = 7  # frames that a block sees
FEW = 8  # frames up to which starting a convolution costs more than it does


def after_past(depthwise: nn.Conv1d, x: Tensor) -> Tensor:
    """depthwise of x (B, T + 6, D) -> (B, T, D); x begins with the 6 frames before."""
    if torch.jit.is_tracing() or x.shape[1] > FEW + KERNEL - 1:
        return depthwise(x.transpose(1, 2)).transpose(1, 2)
    assert depthwise.bias is not None
    return (x.unfold(1, KERNEL, 1) * depthwise.weight[:, 0]).sum(-1) + depthwise.bias
