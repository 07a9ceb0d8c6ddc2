"""The U-Net that turns the spectrogram of a song into that of one instrument (Jansson et al. 2017; Hennequin et al. 2020).

Sizes and padding are those of Spleeter's TensorFlow weights: `same` with a stride of 2 pads one before and two after.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

FILTERS = (16, 32, 64, 128, 256, 512)
KERNEL = 5
MULTIPLE = 2 ** len(FILTERS)  # of frames and of bins
BATCH_NORM_EPS = 1e-3


class UNet(nn.Module):
    """Six halvings, six doublings with skips, and a mask of the input."""

    def __init__(self) -> None:
        super().__init__()
        ins, outs = (2, *FILTERS[:-1]), (*FILTERS[-2::-1], 1)
        self.down = nn.ModuleList(nn.Conv2d(a, b, KERNEL, 2) for a, b in zip(ins, FILTERS, strict=True))
        self.down_norm = nn.ModuleList(nn.BatchNorm2d(b, BATCH_NORM_EPS) for b in FILTERS[:-1])
        wide = (FILTERS[-1], *(2 * n for n in outs[:-1]))
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, KERNEL, 2) for a, b in zip(wide, outs, strict=True))
        self.up_norm = nn.ModuleList(nn.BatchNorm2d(b, BATCH_NORM_EPS) for b in outs)
        self.mask = nn.Conv2d(1, 2, 4, dilation=2, padding=3)

    def forward(self, magnitude: Tensor) -> Tensor:
        """magnitude (B, 2 channels, T, F), T and F multiples of 64 -> the instrument's, (B, 2, T, F)."""
        x, skips = magnitude, []
        for i, conv in enumerate(self.down):
            x = conv(F.pad(x, (1, 2, 1, 2)))
            skips.append(x)
            if i < len(self.down_norm):
                x = F.leaky_relu(self.down_norm[i](x), 0.2)
        for i, (conv, norm) in enumerate(zip(self.up, self.up_norm, strict=True)):
            x = norm(F.relu(conv(x)[..., 1:-2, 1:-2]))
            if i < len(self.up) - 1:
                x = torch.cat([skips[-2 - i], x], 1)
        return torch.sigmoid(self.mask(x)) * magnitude


def unet_from(variables: dict[str, np.ndarray], which: int) -> UNet:
    """The `which`-th U-Net of a TensorFlow graph, its layers numbered as they were built; raises KeyError without it."""
    net = UNet()
    convs, ups, norms = len(net.down) + 1, len(net.up), len(net.down_norm) + 1 + len(net.up_norm)

    def put(kind: str, i: int, target: nn.Module, axes: tuple[int, ...] = ()) -> None:
        name = f"{kind}_{i}" if i else kind
        names = {"weight": "kernel", "bias": "bias"}
        if not axes:
            names = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
        for ours, theirs in names.items():
            value = torch.from_numpy(np.array(variables[f"{name}/{theirs}"]))
            getattr(target, ours).data.copy_(value.permute(axes) if axes and ours == "weight" else value)

    for i, conv in enumerate([*net.down, net.mask]):
        put("conv2d", which * convs + i, conv, (3, 2, 0, 1))
    for i, conv in enumerate(net.up):
        put("conv2d_transpose", which * ups + i, conv, (3, 2, 0, 1))
    for i, norm in enumerate([*net.down_norm, None, *net.up_norm]):  # what the sixth halving's norm says is not used
        if norm is not None:
            put("batch_normalization", which * norms + i, norm)
    return net.eval().requires_grad_(False)
