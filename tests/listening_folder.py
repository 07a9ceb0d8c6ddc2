"""A tiny evaluation of real speech for listening tests: eight sources and voices, two systems, WORLD for half, a copy."""

from pathlib import Path

import soundfile as sf
from audio_files import RATE, speech

from autovoice.evaluation.items import write_items
from autovoice.evaluation.pairs import Pair
from autovoice.evaluation.rows import Row

SYSTEMS = ("yak/loud", "zebra/quiet")
N_CASES = 8


def write_evaluation(folder: Path, seconds: float = 0.8) -> Path:
    """The folder, with pairs.csv and the audio that it names. yak is 26 dB louder than zebra."""

    def audio(name: str, speaker: str, place: int, gain: float = 1.0) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        sf.write(path, gain * speech(speaker, seconds, seconds * place), RATE)
        return path

    pairs = []
    for i in range(N_CASES):
        target = ("carlo", "nikolay")[i % 2]
        refs = tuple(audio(f"refs/{target}{k}.wav", target, k) for k in ((i // 2, 4) if i % 4 == 0 else (i // 2,)))
        who = {"source_speaker": "allison", "target_speaker": target}
        source = audio(f"sources/s{i}.wav", "allison", i)
        made = [(system, target, 10 + i, gain) for system, gain in zip(SYSTEMS, (1.0, 0.05), strict=True)]
        made += [("anchor/world", target, 20 + i, 1.0)] if i < N_CASES // 2 else []
        pairs += [Pair(0, source, refs, audio(f"{s}/{i}.wav", t, at, gain), system=s, **who) for s, t, at, gain in made]
        pairs.append(Pair(0, source, refs, source, system="anchor/source", **who))
    own = audio("refs/allison.wav", "allison", 30)
    pairs.append(Pair(0, pairs[0].source, (own,), audio("copy/0.wav", "allison", 0), system="copier", kind="copy"))
    write_items(folder / "pairs.csv", [Row(pair) for pair in pairs])
    return folder
