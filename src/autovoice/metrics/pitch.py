"""Pitch: does the converted voice sing the source's melody?

All functions take f0 tracks (n,) in Hz on one 10 ms frame grid, 0 = unvoiced. `f0_ref` is the source's track after the
intended key shift (see `shifted`), `f0_conv` the converted one's. Tracks are compared frame by frame from time 0 and
cut to the shorter one; nothing is warped, so a result that runs late is judged late. Voiced frames are those voiced in
both.

f0_rmse_hz    Hz, 0 upward: root mean square difference over voiced frames; gross errors count.
f0_rmse_cents cents, 0 upward: the same in 1200 log2; 100 cents are a semitone.
f0_corr       -1 to 1: Pearson correlation of f0 in Hz over voiced frames; 1 means the same contour.
gpe           0 to 1: share of voiced frames that are more than 20 % off (Rabiner et al. 1976).
octave        0 to 1: share of voiced frames that are an octave (within half a semitone) up or down: a tracker's or a
              converter's octave jumps.
vde           0 to 1: share of all frames whose voicing decision differs (Nakatani et al. 2008).
shift_st      semitones: median over voiced frames of 12 log2(converted / source), whatever was intended.
Papers: Rabiner et al. 1976, "A comparative performance study of several pitch detection algorithms"; Nakatani et al.
2008, "A method for fundamental frequency estimation and voicing decision". Failure: NaN, never 0, when nothing
overlaps.
"""

import numpy as np

GROSS_ERROR = 0.2
OCTAVE_WIDTH_ST = 0.5
MIN_SHIFT_FRAMES = 10  # 0.1 s voiced in both: fewer do not tell a shift


def shifted(f0: np.ndarray, semitones: float) -> np.ndarray:
    """f0 (n,) in Hz moved by `semitones`; unvoiced frames stay 0."""
    return np.asarray(f0, np.float64) * 2 ** (semitones / 12)


def _voiced_pair(f0_ref: np.ndarray, f0_conv: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n = min(len(f0_ref), len(f0_conv))
    ref, conv = np.asarray(f0_ref[:n], np.float64), np.asarray(f0_conv[:n], np.float64)
    both = (ref > 0) & (conv > 0)
    return ref[both], conv[both]


def f0_rmse_hz(f0_ref: np.ndarray, f0_conv: np.ndarray) -> float:
    """Root mean square difference in Hz over frames voiced in both; NaN if there is none."""
    ref, conv = _voiced_pair(f0_ref, f0_conv)
    return float(np.sqrt(np.mean((ref - conv) ** 2))) if len(ref) else float("nan")


def f0_rmse_cents(f0_ref: np.ndarray, f0_conv: np.ndarray) -> float:
    """Root mean square difference in cents over frames voiced in both; NaN if there is none."""
    ref, conv = _voiced_pair(f0_ref, f0_conv)
    return float(np.sqrt(np.mean((1200 * np.log2(conv / ref)) ** 2))) if len(ref) else float("nan")


def f0_corr(f0_ref: np.ndarray, f0_conv: np.ndarray) -> float:
    """Pearson correlation of f0 in Hz over frames voiced in both; NaN if either is constant or fewer than 2 frames."""
    ref, conv = _voiced_pair(f0_ref, f0_conv)
    if len(ref) < 2 or np.ptp(ref) < 1e-9 or np.ptp(conv) < 1e-9:
        return float("nan")
    return float(np.clip(np.corrcoef(ref, conv)[0, 1], -1.0, 1.0))


def gpe(f0_ref: np.ndarray, f0_conv: np.ndarray) -> float:
    """Gross pitch error: share of frames voiced in both that are more than 20 % off; NaN if there is none."""
    ref, conv = _voiced_pair(f0_ref, f0_conv)
    return float(np.mean(np.abs(conv / ref - 1) > GROSS_ERROR)) if len(ref) else float("nan")


def octave(f0_ref: np.ndarray, f0_conv: np.ndarray) -> float:
    """Share of frames voiced in both that are 12 +- 0.5 semitones off; NaN if there is none."""
    ref, conv = _voiced_pair(f0_ref, f0_conv)
    off = np.abs(12 * np.log2(conv / ref))
    return float(np.mean(np.abs(off - 12) < OCTAVE_WIDTH_ST)) if len(ref) else float("nan")


def vde(f0_ref: np.ndarray, f0_conv: np.ndarray) -> float:
    """Voicing decision error: share of frames voiced in one track only; NaN if no frame of either is voiced."""
    n = min(len(f0_ref), len(f0_conv))
    ref, conv = np.asarray(f0_ref[:n]) > 0, np.asarray(f0_conv[:n]) > 0
    return float(np.mean(ref != conv)) if (ref | conv).any() else float("nan")


def estimate_shift_st(f0_source: np.ndarray, f0_conv: np.ndarray) -> float:
    """Key shift in semitones from the source's to the converted track; NaN under 0.1 s voiced in both.

    A median over frames, so that octave errors in less than half of them do not move it.
    """
    source, conv = _voiced_pair(f0_source, f0_conv)
    return float(np.median(12 * np.log2(conv / source))) if len(source) >= MIN_SHIFT_FRAMES else float("nan")
