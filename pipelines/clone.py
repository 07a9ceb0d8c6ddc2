"""Stage clone: a voice profile of every speaker, from the segments of the train split."""

from collections import defaultdict

from rich.console import Console
from rich.table import Table
from safetensors.numpy import load_file

from autovoice.audio.io import load_wav
from autovoice.config import Config
from autovoice.data.manifest import read_manifest
from autovoice.data_layout import FEATURES, PREPARED, VOICES
from autovoice.stage import run_stage
from autovoice.voice import VoiceProfile, profile_from_features


def main(cfg: Config) -> dict[str, float]:
    groups = defaultdict(list)
    for segment in read_manifest(PREPARED / "manifest.csv"):
        if segment.split == "train":
            groups[segment.speaker].append(segment)
    table = Table("voice", "speech s", "median f0 Hz", "spread", "SNR dB", "verdict", title="Cloned voices")
    voices: list[VoiceProfile] = []
    for speaker, segments in sorted(groups.items()):
        items = [load_file(FEATURES / f"{segment.segment_id}.safetensors") for segment in segments]
        wavs = [load_wav(PREPARED / segment.path, cfg.audio.output_rate) for segment in segments]
        embs = [item.pop("spk_emb") for item in items]
        voice = profile_from_features(
            speaker, wavs, items, embs, cfg.audio, consent=f"dataset licence ({cfg.dataset.name})"
        )
        voice.save(VOICES / speaker, cfg.audio.output_rate)
        numbers = (f"{voice.speech_s:.1f}", f"{voice.f0_median_hz:.0f}", f"{voice.spread:.3f}", f"{voice.snr_db:.0f}")
        table.add_row(speaker, *numbers, "; ".join([voice.verdict, *voice.reasons]))
        voices.append(voice)
    Console().print(table)
    return {"voices": float(len(voices)), "mean_spread": sum(v.spread for v in voices) / len(voices)}


if __name__ == "__main__":
    run_stage("clone", main, uses=("audio", "dataset.name"))
