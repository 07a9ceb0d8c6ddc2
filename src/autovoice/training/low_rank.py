"""Low-rank updates of the generator's linear layers (LoRA, Hu et al. 2022): few numbers learn, the weights stay near the base.

The file that training keeps holds the merged weights under their usual names, so that whoever loads it need not know.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from autovoice.models.generator import Generator

ADAPTED_PARTS = ("content_blocks.", "reference.", "blocks.", "head.")


class LowRank(nn.Module):
    """Adds up @ down to a weight (n_out, n_in); up starts at zero, so that the layer begins as it was.

    down has variance 1 / rank: a step of Adam then moves the weight about as far as one on the weight itself, and
    one learning rate serves both.
    """

    def __init__(self, n_out: int, n_in: int, rank: int) -> None:
        super().__init__()
        self.up, self.down = nn.Parameter(torch.zeros(n_out, rank)), nn.Parameter(torch.randn(rank, n_in) / rank**0.5)

    def forward(self, weight: Tensor) -> Tensor:
        """weight: (n_out, n_in) -> as large."""
        return weight + self.up @ self.down


def add_low_rank(generator: Generator, rank: int) -> None:
    """Freezes the generator and gives each linear layer of blocks, attention and head a trainable update of `rank`."""
    generator.requires_grad_(False)
    for name, layer in list(generator.named_modules()):
        if isinstance(layer, nn.Linear) and name.startswith(ADAPTED_PARTS):
            parametrize.register_parametrization(layer, "weight", LowRank(layer.out_features, layer.in_features, rank))


def merged_state(generator: Generator) -> dict[str, Tensor]:
    """The state dict of the generator with its updates, if any, added to the weights."""
    layers = {name: layer for name, layer in generator.named_modules() if parametrize.is_parametrized(layer)}
    plain = {name: value for name, value in generator.state_dict().items() if ".parametrizations." not in name}
    return plain | {f"{name}.weight": layer.weight.detach() for name, layer in layers.items()}  # type: ignore[operator]
