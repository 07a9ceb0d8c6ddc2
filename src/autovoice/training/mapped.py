"""Content as mapping moves it (autovoice.mapping), so that training hears what conversion hears (after kNN-VC's prematching,
Baas et al. 2023): a recording's goes to another voice and back, a conversion's goes to the voice that is to say it.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from autovoice.mapping import N_NEAREST, SURE_FRAMES
from autovoice.retrieval import UNVOICED_SHARE
from autovoice.training.flat import Item

MAPPED = "content_mapped"
LEAST_BACK, LEAST_ALONG = 0.7, 0.5  # of a map; as much as all of it, drawn anew each time


def map_step(content: Tensor, reference: Tensor, voiced: Tensor) -> Tensor:
    """content (T, D) @ mapping.content_map(content, reference, voiced), by way of a T x T matrix: segments are short."""
    unit, other = (torch.nn.functional.normalize(x, dim=-1) for x in (content, reference))
    near, index = (unit @ other.T).topk(min(N_NEAREST, len(reference)), 1)
    share = near.clamp(min=1e-3).square()
    nearest = (share[..., None] * reference[index]).sum(1) / share.sum(1, keepdim=True)
    weight = torch.where(voiced, 1.0, UNVOICED_SHARE)[:, None]
    heard, wanted = weight.sqrt() * content, weight.sqrt() * (nearest - content)
    mean_energy = heard.square().sum() / weight.sum().clamp(min=1) / content.shape[1]
    kernel = heard @ heard.T + (SURE_FRAMES * mean_energy).clamp(min=1e-6) * torch.eye(len(heard), device=heard.device)
    return content @ (heard.T @ torch.linalg.solve(kernel, wanted))


def there_and_back(item: Item, other: Item, rng: np.random.Generator) -> Tensor:
    """The item's content (T, D) float16, moved towards that of another voice and back to its own: each half to the other half."""
    content, n = item["content"].float(), len(item["content"])
    voiced = torch.nn.functional.pad(item["f0"][: 2 * n : 2] > 0, (0, n))[:n]
    amounts = rng.uniform(LEAST_BACK, 1.0, 3).astype(np.float32).tolist()
    away = content + amounts[0] * map_step(content, other["content"].float(), voiced)
    halves = slice(0, n // 2), slice(n // 2, n)
    back = [
        away[here] + amount * map_step(away[here], content[there], voiced[here])
        for here, there, amount in zip(halves, reversed(halves), amounts[1:], strict=True)
    ]
    return torch.cat(back).half()


def add_mapped(groups: Sequence[list[Item]], seed: int) -> None:
    """Gives each item of each voice's content_mapped, by way of an item of some other voice."""
    rng = np.random.default_rng([seed, 2])
    for number, group in enumerate(groups):
        for item in group:
            others = groups[(number + int(rng.integers(1, len(groups)))) % len(groups)]
            item[MAPPED] = there_and_back(item, others[int(rng.integers(len(others)))], rng)


def moved_along(content: Tensor, reference: Tensor, f0: Tensor) -> Tensor:
    """content (n, T, D) on its way to what references (n, R, D) say; f0 (n, 2 T) in Hz, 0 = unvoiced.

    In float32 whatever surrounds it: systems of equations are not solved in less.
    """
    amounts = LEAST_ALONG + (1 - LEAST_ALONG) * torch.rand(len(content)).to(content.device)
    with torch.autocast(content.device.type, enabled=False):
        steps = [map_step(c, r, voiced) for c, r, voiced in zip(content, reference, f0[:, ::2] > 0, strict=True)]
    return content + amounts[:, None, None] * torch.stack(steps)
