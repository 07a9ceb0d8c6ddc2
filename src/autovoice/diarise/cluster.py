"""How many people there are, and what each sounds like: average-linkage clustering of their d-vectors by cosine."""

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

MAX_DISTANCE = 0.42  # mean cosine distance within one voice; derived in docs/speakers.md
MIN_SHARE, MIN_WINDOWS = 0.03, 4  # smaller clusters are no person: laughter, two at once, noise
MAX_CLUSTERED = 6000  # windows, some 40 minutes of speech: of more, evenly chosen ones are clustered
ROUNDS = 5


def find_voices(embs: np.ndarray, n_speakers: int | None = None, max_distance: float = MAX_DISTANCE) -> np.ndarray:
    """embs: unit vectors (n, D) -> centres (K, D), unit vectors; n_speakers: K, found by max_distance if None.

    K is at most the number of different windows there are.
    """
    chosen = embs[:: -(-len(embs) // MAX_CLUSTERED)]
    if len(chosen) < 2:
        return chosen
    tree = linkage(chosen, "average", metric="cosine")
    labels = _cut(tree, max_distance) if n_speakers is None else _cut_to(tree, n_speakers)
    centres = _centres(chosen, labels)
    for _ in range(ROUNDS):  # spherical k-means: windows that were of no person go to the nearest
        centres = _centres(chosen, (chosen @ centres.T).argmax(1))
    return centres


def _cut(tree: np.ndarray, max_distance: float) -> np.ndarray:
    """Labels (n,) from 0, -1 in clusters that are too small for a person."""
    return _large(fcluster(tree, max_distance, "distance"))


def _cut_to(tree: np.ndarray, n_speakers: int) -> np.ndarray:
    """The fewest clusters among which n_speakers are large; where there never are, n_speakers of whatever size."""
    for n in range(n_speakers, min(len(tree) + 1, 10 * n_speakers) + 1):
        labels = _large(fcluster(tree, n, "maxclust"))
        if labels.max() + 1 == n_speakers:
            return labels
    return fcluster(tree, n_speakers, "maxclust") - 1


def _large(labels: np.ndarray) -> np.ndarray:
    names, sizes = np.unique(labels, return_counts=True)
    kept = names[sizes >= max(MIN_WINDOWS, MIN_SHARE * len(labels))]
    if not len(kept):
        kept = names[[sizes.argmax()]]
    return np.array([np.searchsorted(kept, label) if label in kept else -1 for label in labels])


def _centres(embs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    means = np.stack([embs[labels == label].mean(0) for label in np.unique(labels[labels >= 0])])
    return means / np.linalg.norm(means, axis=1, keepdims=True)
