"""Mapping: what a source says is moved to where the target's own content lies, by one linear map for all of its frames.

What content keeps of the voice that said it is, for the most part, the same linear change in every sound (LinearVC, Kamper et
al. 2025). Retrieval moves each frame by itself, to neighbours that may be other sounds; a map that one source's frames have
to agree on moves them alike, and leaves apart what tells its words apart.
"""

import numpy as np

from autovoice.retrieval import UNVOICED_SHARE, retrieve
from autovoice.spans import stage

N_NEAREST = 8  # of the target's frames, whose mean stands for what a source's frame is in the target's voice
SURE_FRAMES = 1000.0  # as much as so many frames of 20 ms say for no change: with less, mistaken neighbours cost words


@stage("mapping")
def content_map(content: np.ndarray, reference: np.ndarray, voiced: np.ndarray) -> np.ndarray:
    """The linear map from a source's content to a target's, as what it adds: (D, D), content @ it is the way to go.

    content (T, D) and reference (R, D), both float32, voiced (T,) at 20 ms. Ridge regression of the difference between
    each frame and the mean of its nearest of the target; what few frames show stays near no change at all.
    """
    weight = np.where(voiced, np.float32(1), np.float32(UNVOICED_SHARE))[:, None]
    nearest = retrieve(content, reference, np.ones_like(voiced, bool), 1.0, N_NEAREST)
    energy = content.T @ (weight * content)
    mean_energy = np.trace(energy) / max(float(weight.sum()), 1.0) / len(energy)  # of a frame, a dimension
    energy[np.diag_indices_from(energy)] += max(SURE_FRAMES * mean_energy, 1e-6)
    return np.linalg.solve(energy, content.T @ (weight * (nearest - content)))
