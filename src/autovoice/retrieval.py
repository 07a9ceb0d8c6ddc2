"""Retrieval: some of each content frame is replaced by the target's own nearest frames (after kNN-VC and RVC)."""

import torch
import torch.nn.functional as F
from torch import Tensor

UNVOICED_SHARE = 0.3  # consonants lose words first: they are replaced less


def retrieve(content: Tensor, reference: Tensor, voiced: Tensor, share: float, k: int) -> Tensor:
    """content (B, T, D), reference (R, D), voiced (B, T) at 20 ms -> blended content (B, T, D).

    share: 0 (as is) to 1 (only the target's frames). Weights are squared cosine similarities over the k nearest.
    """
    if share <= 0:
        return content
    similarity = F.normalize(content, dim=-1) @ F.normalize(reference, dim=-1).T
    best, index = similarity.topk(min(k, len(reference)), -1)
    weights = best.clamp(min=1e-3).square()
    nearest = (reference[index] * (weights / weights.sum(-1, keepdim=True))[..., None]).sum(-2)
    blend = share * torch.where(voiced, 1.0, UNVOICED_SHARE)[..., None]
    return torch.lerp(content, nearest, blend)
