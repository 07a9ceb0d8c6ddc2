"""Retrieval: some of each content frame is replaced by the target's own nearest frames (after kNN-VC and RVC)."""

import numpy as np

UNVOICED_SHARE = 0.3  # consonants lose words first: they are replaced less


def _unit(x: np.ndarray) -> np.ndarray:
    return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12)


def retrieve(content: np.ndarray, reference: np.ndarray, voiced: np.ndarray, share: float, k: int) -> np.ndarray:
    """content (T, D), reference (R, D), both float32, voiced (T,) at 20 ms -> blended content (T, D).

    share: 0 (as is) to 1 (only the target's frames). Weights are squared cosine similarities over the k nearest.
    """
    if share <= 0:
        return content
    similarity = _unit(content) @ _unit(reference).T
    k, rows = min(k, len(reference)), np.arange(len(content))
    total, nearest = np.zeros((len(content), 1), np.float32), np.zeros_like(content)
    for _ in range(k):  # each pass takes the best that is left
        best = similarity.argmax(1)
        weight = np.square(np.maximum(similarity[rows, best], 1e-3))[:, None]
        total += weight
        nearest += weight * reference[best]
        similarity[rows, best] = -np.inf
    blend = share * np.where(voiced, np.float32(1), np.float32(UNVOICED_SHARE))[:, None]
    return content + blend * (nearest / total - content)
