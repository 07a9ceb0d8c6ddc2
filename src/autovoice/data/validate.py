"""Validation: what is wrong with each recording, before anything is made of it."""

from dataclasses import dataclass, field

import numpy as np
from rich.progress import track

from autovoice.audio.io import load_wav, probe
from autovoice.audio.loudness import SILENCE_DBFS, active_power_dbfs, estimate_snr_db, frame_power, gain_to
from autovoice.data.segment import trim
from autovoice.data.sources import Recording
from autovoice.errors import AudioError
from autovoice.files import sha256_file
from autovoice.librosa_alone import librosa
from autovoice.models.speaker import embed_speaker
from autovoice.processes import worker_pool

RATE = 16000
MIN_S = 1.0
SILENT_DBFS = -65.0
VERY_NOISY_DB, NOISY_DB = 8.0, 15.0  # clean readers: 22 to 80; the same with white noise at 10 dB SNR: under 8
BADLY_CLIPPED = 0.02  # share of samples at full scale
ODD_RATES = (16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000)
FINGERPRINT_BANDS, FINGERPRINT_FRAMES = 20, 64
DUPLICATE_CORRELATION = 0.97  # re-encoded copies: over .99; other recordings of one reader: under .9
DUPLICATE_DURATION_S = 0.25
OTHER_VOICE = 0.55  # cosine to the mean of the speaker's others; within one reader: over .7
OTHER_VOICE_MARGIN = 0.15  # or this much closer to another speaker


@dataclass
class Check:
    """The verdict on one recording. status: ok | warning | left out; envelope: peaks for a small picture."""

    recording: Recording
    status: str = "ok"
    reasons: list[str] = field(default_factory=list)
    duration_s: float = 0.0
    sample_rate: int = 0
    snr_db: float = 0.0
    level_dbfs: float = SILENCE_DBFS
    sha256: str = ""
    fingerprint: np.ndarray | None = None
    spk_emb: np.ndarray | None = None
    envelope: list[float] = field(default_factory=list)

    def leave_out(self, reason: str) -> "Check":
        self.status = "left out"
        self.reasons.append(reason)
        return self

    def warn(self, reason: str) -> None:
        self.status = "warning" if self.status == "ok" else self.status
        self.reasons.append(reason)


def fingerprint(wav: np.ndarray) -> np.ndarray:
    """wav (T,) at 16 kHz -> unit vector of its trimmed log-mel on a fixed grid: survives gain, resampling and codecs."""
    mel = librosa.feature.melspectrogram(y=wav, sr=RATE, n_fft=512, hop_length=256, n_mels=FINGERPRINT_BANDS, fmax=4000)
    log = librosa.power_to_db(mel, ref=np.max, top_db=50)
    at = np.linspace(0, log.shape[1] - 1, FINGERPRINT_FRAMES)
    grid = np.stack([np.interp(at, np.arange(log.shape[1]), band) for band in log])
    grid -= grid.mean()
    return (grid / (np.linalg.norm(grid) + 1e-9)).ravel().astype(np.float32)


def check_file(recording: Recording) -> Check:
    """All that can be said of one file by itself."""
    check = Check(recording)
    try:
        info = probe(recording.path)
        wav = load_wav(recording.path, RATE)
    except AudioError as error:
        return check.leave_out(error.what)
    check.duration_s, check.sample_rate, check.sha256 = info.duration_s, info.sample_rate, sha256_file(recording.path)
    check.envelope = [round(float(np.abs(part).max()), 3) for part in np.array_split(wav, 120) if len(part)]
    check.level_dbfs = active_power_dbfs(frame_power(wav, RATE))
    if info.duration_s < MIN_S:
        return check.leave_out(f"shorter than {MIN_S:.0f} s")
    if check.level_dbfs < SILENT_DBFS:
        return check.leave_out("silent")
    clipped = float((np.abs(wav) >= 0.999).mean())
    if clipped > BADLY_CLIPPED:
        return check.leave_out(f"clipped: {clipped:.1%} of the samples")
    check.snr_db = estimate_snr_db(wav - wav.mean(), RATE)
    if check.snr_db < VERY_NOISY_DB:
        return check.leave_out(f"very noisy: {check.snr_db:.0f} dB between loud and quiet")
    for warning in info.warnings:
        check.warn(warning)
    if check.snr_db < NOISY_DB:
        check.warn(f"noisy: {check.snr_db:.0f} dB between loud and quiet")
    if info.sample_rate not in ODD_RATES:
        check.warn(f"odd sample rate: {info.sample_rate} Hz")
    speech = trim(wav - wav.mean(), RATE, 40.0)[0]
    check.fingerprint = fingerprint(speech)
    check.spk_emb = embed_speaker(speech * gain_to(speech, RATE, -26.0))
    return check


def find_duplicates(checks: list[Check]) -> None:
    """Leaves out every later copy of a recording, exact or re-encoded."""
    first: dict[str, Check] = {}
    kept: list[Check] = []
    for check in checks:
        if check.fingerprint is None:
            continue
        twin = first.get(check.sha256)
        if twin is None and kept:
            scores = np.stack([np.asarray(other.fingerprint) for other in kept]) @ check.fingerprint
            near = [abs(other.duration_s - check.duration_s) <= DUPLICATE_DURATION_S for other in kept]
            best = int(np.argmax(np.where(near, scores, -1)))
            twin = kept[best] if near[best] and scores[best] > DUPLICATE_CORRELATION else None
        if twin is not None:
            check.leave_out(f"duplicate of {twin.recording.recording_id}")
        else:
            first[check.sha256] = check
            kept.append(check)


def find_other_voices(checks: list[Check]) -> None:
    """Leaves out recordings whose voice does not match the speaker's others (needs three or more)."""
    usable = [c for c in checks if c.status != "left out" and c.spk_emb is not None]
    speakers = sorted({c.recording.speaker for c in usable})
    sums = {s: np.sum([np.asarray(c.spk_emb) for c in usable if c.recording.speaker == s], 0) for s in speakers}
    counts = {s: sum(c.recording.speaker == s for c in usable) for s in speakers}
    for check in usable:
        own = check.recording.speaker
        if counts[own] < 3:
            continue
        rest = sums[own] - check.spk_emb
        similarity = float(check.spk_emb @ rest / np.linalg.norm(rest))
        others = {s: float(check.spk_emb @ sums[s] / np.linalg.norm(sums[s])) for s in speakers if s != own}
        nearest = max(others, key=lambda s: others[s], default=None)
        if similarity < OTHER_VOICE:
            check.leave_out(f"voice does not match the speaker's others (similarity {similarity:.2f})")
        elif nearest is not None and others[nearest] > similarity + OTHER_VOICE_MARGIN:
            check.leave_out(f"sounds like {nearest} ({others[nearest]:.2f}), not like its speaker ({similarity:.2f})")


def validate(recordings: list[Recording], num_workers: int = 2) -> list[Check]:
    """A Check a recording, in order."""
    if len(recordings) < 8:
        checks = [check_file(recording) for recording in recordings]
    else:
        with worker_pool(num_workers) as pool:
            results = pool.map(check_file, recordings, chunksize=4)
            checks = list(track(results, "validating", total=len(recordings), transient=True))
    find_duplicates(checks)
    find_other_voices(checks)
    return checks
