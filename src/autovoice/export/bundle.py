"""The bundle: one folder with all that conversion needs, a model card, and the SHA-256 of every file."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from autovoice import __version__
from autovoice.bundle import CONFIG, GRAPHS, MANIFEST, WEIGHTS
from autovoice.config import AudioConfig, ContentConfig, PresetConfig
from autovoice.files import read_json, sha256_file, write_json, write_text
from autovoice.weights import BASE_GENERATOR, CONTENT_ENCODER, CONTENT_STUDENT, load_generator_state

Format = Literal["weights", "bundle", "onnx"]


def write_bundle(
    out: Path,
    voices: dict[str, tuple[Path, Path | None]],
    audio: AudioConfig,
    content: ContentConfig,
    presets: dict[str, PresetConfig],
    summary: dict[str, Any],
    form: Format = "weights",
    fp16: bool = False,
) -> None:
    """Writes a bundle to `out`, replacing what is there.

    voices: name -> (profile folder, adapted weights or None); summary: evaluation's summary.json, quoted in the card, or empty.
    form: weights (safetensors), onnx (graphs; of the safetensors only the generators', by whose hash results are known) or
    bundle (both). fp16: graphs compute in float16, for a GPU; those of live streams and of the speaker encoder do not.
    """
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    shutil.copyfile(BASE_GENERATOR, out / WEIGHTS)
    if form != "onnx":
        shutil.copyfile(CONTENT_ENCODER, out / "content.safetensors")
        shutil.copyfile(CONTENT_STUDENT, out / "student.safetensors")
    for name, (profile, weights) in voices.items():
        _copy_voice(profile, weights, out / "voices" / name)
    if form != "weights":
        _write_graphs(out, audio, content, fp16)
    model, _ = load_generator_state(BASE_GENERATOR, audio)
    config: dict[str, Any] = {"audio": asdict(audio), "content": asdict(content), "model": asdict(model)}
    config |= {
        "presets": {name: asdict(preset) for name, preset in presets.items()},
        "autovoice": __version__,
        "fp16": fp16,
    }
    write_json(out / CONFIG, config)
    write_text(out / "MODEL_CARD.md", model_card(voices, summary))
    files = sorted(path for path in out.rglob("*") if path.is_file())
    write_json(out / MANIFEST, {path.relative_to(out).as_posix(): sha256_file(path) for path in files})


def _copy_voice(profile: Path, weights: Path | None, folder: Path) -> None:
    folder.mkdir(parents=True)
    for file in ("voice.json", "voice.safetensors"):
        shutil.copyfile(profile / file, folder / file)
    if weights:
        shutil.copyfile(weights, folder / "weights.safetensors")


def _write_graphs(out: Path, audio: AudioConfig, content: ContentConfig, fp16: bool) -> None:
    """Of the shipped networks below `out`/graphs, of adapted generators beside their weights."""
    from autovoice.export.graphs import export_encoders, export_generator
    from autovoice.export.live import export_live_generator, export_live_student
    from autovoice.models.torch_networks import TorchNetworks

    networks = TorchNetworks("cpu", out / WEIGHTS, audio=audio, content=content)
    export_encoders(networks, out / GRAPHS, fp16)
    export_live_student(networks.student, out / GRAPHS)
    for folder, weights in [
        (out / GRAPHS, None),
        *((w.parent, w) for w in sorted(out.glob("voices/*/weights.safetensors"))),
    ]:
        export_generator(networks.generator(weights), folder, audio.n_mels, fp16)
        export_live_generator(networks.generator(weights), folder, audio.n_mels)


def model_card(voices: dict[str, tuple[Path, Path | None]], summary: dict[str, Any]) -> str:
    """Markdown: what it is, whose voices, how it was measured (from summary.json), licences and limits."""
    khz = AudioConfig().output_rate // 1000
    lines = ["# AutoVoice bundle", "", f"AutoVoice {__version__}: voice conversion, {khz} kHz.", "", "## Voices", ""]
    for name, (profile, weights) in voices.items():
        facts = read_json(profile / "voice.json", "autovoice clone")
        kind = "adapted" if weights else "zero-shot"
        consent = facts["consent"] or "not stated"
        lines.append(f"- {name}: {facts['speech_s']:.0f} s of speech, {facts['verdict']}, {kind}. Consent: {consent}")
    lines += _measured(summary) if summary else [""]
    return "\n".join(lines + LICENCES_AND_LIMITS)


LICENCES_AND_LIMITS = [
    "## Licences",
    "",
    "- content: OpenAI Whisper base, encoder cut after layer 3, MIT.",
    "- student: this project, Apache-2.0; taught by the former on the recordings of the latter.",
    "- base: this project, Apache-2.0; trained on Mozilla Common Voice (CC0 1.0), LibriSpeech (CC BY 4.0), ",
    "  picovoice speech-to-intent (Apache-2.0) and GCompris voices (public domain).",
    "- graphs/speaker.onnx: the speaker encoder of Resemblyzer, Apache-2.0; other graphs: as the weights they are made of.",
    "",
    "## Limits",
    "",
    "One voice at a time, speech first; use it only on voices whose owners agreed.",
    "",
]


def _measured(summary: dict[str, Any]) -> list[str]:
    lines = ["", "## Measured", "", "Mean [95 % interval] (floor, ceiling), n pairs.", ""]
    for system, metrics in summary.get("systems", {}).items():
        lines += [
            f"### {system}",
            "",
            "| metric | mean | interval | floor | ceiling | n |",
            "|---|---|---|---|---|---|",
        ]
        for metric, value in metrics.items():
            if value.get("mean") is not None:
                cells = [
                    f"{value[key]:.4g}" if value.get(key) is not None else ""
                    for key in ("mean", "low", "high", "floor", "ceiling")
                ]
                lines.append(
                    f"| {metric} | {cells[0]} | {cells[1]} to {cells[2]} | {cells[3]} | {cells[4]} | {value['n']} |"
                )
        lines.append("")
    lines += [
        "Provenance:",
        "",
        "```json",
        json.dumps(summary.get("provenance", {}), indent=2, sort_keys=True),
        "```",
        "",
    ]
    return lines
