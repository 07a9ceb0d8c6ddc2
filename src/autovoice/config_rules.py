"""What a wrong configuration is told: unknown keys with near matches, and values that types cannot rule out."""

import dataclasses
import difflib
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

from autovoice.errors import ConfigError

CHOICES = {
    "dataset.name": ("demo", "folder", "librispeech", "vctk", "libritts", "manifest"),
    "trainer.accelerator": ("cpu", "gpu", "cuda", "auto"),
    "trainer.trainable": ("all", "adaln_head", "low_rank"),
    "trainer.precision": ("auto", "32-true", "bf16-mixed", "16-mixed"),
    "pretrain.accelerator": ("cpu", "gpu", "auto"),
    "pretrain.strategy": ("auto", "ddp"),
    "pretrain.precision": ("32-true", "bf16-mixed"),
    "evaluate.engine": ("local", "ray"),
    "protocol.name": ("zero-shot", "seedvc", "fewshot", "copy", "singing", "seen", "speak"),
    "protocol.half": ("choose", "measure", "all"),
    "protocol.target_kind": ("speech", "singing"),
    "song.separator": ("spleeter", "demucs"),
}
POSITIVE = {
    "audio": ("sample_rate", "hop_length", "n_fft", "n_mels", "output_rate", "output_n_fft", "f0_min_hz"),
    "dataset": ("segment_min_s",),
    "content": ("dim",),
    "model": ("dim", "n_content_blocks", "n_blocks", "bottleneck"),
    "optim": ("lr", "grad_clip"),
    "trainer": ("devices", "max_steps", "batch_size", "segment_s", "val_every_steps", "rank", "num_threads"),
    "evaluate": ("n_bootstrap",),
    "pretrain": (
        "max_steps",
        "checkpoint_every_steps",
        "batch_size",
        "segment_s",
        "lr",
        "lr_half_life_steps",
        "num_nodes",
        "accumulate",
    ),
    "distill": ("max_steps", "checkpoint_every_steps", "batch_size", "segment_s", "lr"),
    "protocol": ("n_pairs", "n_sources", "n_references"),
    "adaptation_study": ("n_sources", "n_mix_people"),
    "song": ("max_songs",),
    "serve": (
        "workers",
        "batch",
        "queue",
        "stream_queue_s",
        "stream_idle_s",
        "sync_s",
        "sync_chars",
        "text_chars",
        "upload_bytes",
        "upload_s",
        "upload_channels",
        "voice_files",
        "voices_per_key",
        "job_timeout_s",
        "drain_s",
        "lease_s",
        "retention_s",
        "requests_per_minute",
        "audio_s_per_day",
    ),
}
UNIT_INTERVAL = (
    "trainer.perturb",
    "pretrain.perturb",
    "optim.beta1",
    "optim.beta2",
    "trainer.max_cer",
    "evaluate.confidence",
    "serve.quality_sample",
)
PRESET_POSITIVE = ("reference_s", "retrieval_k", "chunk_s")
MIN_REFERENCE_S = 3.0  # a voice is cloned from no less


def check_overrides(overrides: Sequence[str], folder: Path, schema: type) -> None:
    """Raises ConfigError unless each Hydra override names a key of `schema`, or a group of `folder` and its choice."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    for text in overrides:
        try:
            override = OverridesParser.create().parse_override(text)
        except HydraException as error:
            raise ConfigError("is not KEY=VALUE", text, "write it as optim.lr=1e-4") from error
        key = override.key_or_group.split("@")[0]
        if override.is_delete():
            raise ConfigError("cannot be removed", text, "set another value instead")
        if (folder / key).is_dir() and not isinstance(override.value(), dict):
            choices = sorted(p.stem for p in (folder / key).glob("*.yaml") if not p.stem.startswith("_"))
            _check_choice(key, str(override.value()), choices)
        elif not (folder / key).is_dir():
            _check_key(key, schema)


def check_keys(raw: Mapping[str, Any], schema: type) -> None:
    """Raises ConfigError at the first key of a nested mapping that `schema` does not know."""
    for key in _leaves(raw):
        _check_key(key, schema)


def check_values(config: Any) -> None:
    """Raises ConfigError at the first value that is out of its range."""
    for key, choices in CHOICES.items():
        _check_choice(key, _get(config, key), choices)
    for group, names in POSITIVE.items():
        for name in names:
            value = _get(config, f"{group}.{name}")
            _require(0 < value < math.inf, f"{group}.{name}", value, "finite and more than 0")
    for key in UNIT_INTERVAL:
        _require(0 <= _get(config, key) <= 1, key, _get(config, key), "from 0 to 1")
    _require(config.dataset.segment_max_s > config.dataset.segment_min_s, "dataset.segment_max_s",
             config.dataset.segment_max_s, "more than dataset.segment_min_s")  # fmt: skip
    p = config.pretrain
    _require(p.num_workers >= 0, "pretrain.num_workers", p.num_workers, "0 or more")
    _require(p.devices == -1 or p.devices > 0, "pretrain.devices", p.devices, "1 or more, or -1 for all")
    _require(0 <= p.n_conversions <= p.batch_size, "pretrain.n_conversions", p.n_conversions,
             "from 0 to pretrain.batch_size")  # fmt: skip
    n_heads = config.model.n_heads
    divides = n_heads >= 0 and (n_heads == 0 or config.model.dim % n_heads == 0)
    _require(divides, "model.n_heads", n_heads, "a divisor of model.dim, or 0")
    _check_presets(config.presets)
    _check_choice("serve.preset", config.serve.preset, list(config.presets) or [config.serve.preset])
    _require(0 <= config.serve.port < 65536, "serve.port", config.serve.port, "from 0 to 65535")
    _require(config.serve.max_streams >= 0, "serve.max_streams", config.serve.max_streams, "0 or more")
    _require(0 <= config.trainer.mix < 1, "trainer.mix", config.trainer.mix, "from 0 to less than 1")
    _check_frames(config.audio)
    _check_protocol(config)
    _check_study(config)
    if config.dataset.name in ("folder", "manifest") and not config.dataset.path:
        raise ConfigError("is empty", "dataset.path", f"dataset={config.dataset.name} needs dataset.path=...")


def _check_presets(presets: Mapping[str, Any]) -> None:
    for name, preset in presets.items():
        _check_choice(f"presets.{name}.encoder", preset.encoder, ("large", "student"))
        for field in ("feedback", "voice_feedback", "guidance", "sharpening"):
            value = getattr(preset, field)
            _require(0 <= value <= 2, f"presets.{name}.{field}", value, "from 0 to 2")
        for field in ("mapping", "retrieval"):
            share = getattr(preset, field)
            _require(0 <= share <= 1, f"presets.{name}.{field}", share, "from 0 to 1")
        for field in PRESET_POSITIVE:
            value = getattr(preset, field)
            _require(0 < value < math.inf, f"presets.{name}.{field}", value, "finite and more than 0")


def _check_frames(audio: Any) -> None:
    """Frames that an inverse STFT can join."""
    n_fft, least = audio.output_n_fft, 2 * audio.output_hop
    _require(n_fft % 2 == 0 and n_fft >= least, "audio.output_n_fft", n_fft, f"even, and {least} or more")


def _check_protocol(config: Any) -> None:
    protocol = config.protocol
    for name in protocol.presets:
        _check_choice("protocol.presets", name, list(config.presets))
    lengths = protocol.reference_s
    one_each = len(set(lengths)) == len(lengths) and (len(lengths) == 1 or protocol.name == "fewshot")
    _require(bool(protocol.presets), "protocol.presets", "[]", "a list of presets")
    _require(bool(lengths) and one_each, "protocol.reference_s", lengths, "one number (fewshot: several)")
    for seconds in lengths:
        _require(MIN_REFERENCE_S <= seconds < math.inf, "protocol.reference_s", seconds, f"{MIN_REFERENCE_S:g} or more")


def _check_study(config: Any) -> None:
    study, group = config.adaptation_study, "adaptation_study"
    _check_choice(f"{group}.preset", study.preset, list(config.presets))
    for name in study.only:
        _check_choice(f"{group}.only", name, list(study.variants))
    for name, settings in study.variants.items():
        for key, value in settings.items():
            where = f"{group}.variants.{name}.{key}"
            _check_choice(where, key, [field.name for field in dataclasses.fields(config.trainer)])
            kind = type(getattr(config.trainer, key))
            if not isinstance(value, (int, float) if kind is float else kind):
                raise ConfigError(f"{value!r} is no {kind.__name__}", where, f"give a value as of trainer.{key}")
    _require(bool(study.readers), f"{group}.readers", "[]", "a list of speakers")
    _require(bool(study.seconds), f"{group}.seconds", "[]", "a list of seconds")
    for seconds in study.seconds:
        _require(MIN_REFERENCE_S <= seconds < math.inf, f"{group}.seconds", seconds, f"{MIN_REFERENCE_S:g} or more")


def _require(holds: bool, key: str, value: Any, bound: str) -> None:
    if not holds:
        raise ConfigError(f"{value} is out of range", key, f"give a value that is {bound}")


def _check_choice(key: str, value: Any, choices: Sequence[str]) -> None:
    if value not in choices:
        near = difflib.get_close_matches(str(value), choices, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ConfigError(f"'{value}' is not a choice", key, f"{hint}choose from {', '.join(choices)}")


def _check_key(key: str, schema: type) -> None:
    """`key` is dotted; dictionaries of the schema accept any name."""
    kind: Any = schema
    for position, name in enumerate(key.split(".")):
        if get_origin(kind) is dict:
            kind = get_args(kind)[1]
        elif dataclasses.is_dataclass(kind):
            kinds = {f.name: f.type for f in dataclasses.fields(kind)}
            if name not in kinds:
                raise _unknown(key, list(key.split(".")[:position]), name, schema)
            kind = kinds[name]
        else:
            raise ConfigError(
                f"has nothing below it called '{name}'", ".".join(key.split(".")[:position]), "drop that part"
            )


def _unknown(key: str, parents: list[str], name: str, schema: type) -> ConfigError:
    known = list(_keys(schema))
    siblings = [k for k in known if k.split(".")[:-1] == parents]
    near = difflib.get_close_matches(".".join([*parents, name]), siblings, 3, 0.5) or difflib.get_close_matches(
        key, known, 3, 0.5
    )
    if not near:
        near = [k for k in known if k.split(".")[-1] == key.split(".")[-1]][:3]
    remedy = f"did you mean {' or '.join(near)}?" if near else f"known there: {', '.join(siblings)}"
    return ConfigError("no such configuration key", key, remedy.rstrip("?"))


def _keys(kind: Any, prefix: str = "") -> Iterator[str]:
    for field in dataclasses.fields(kind):
        yield prefix + field.name
        if dataclasses.is_dataclass(field.type):
            yield from _keys(field.type, f"{prefix}{field.name}.")


def _leaves(raw: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in raw.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def _get(config: Any, key: str) -> Any:
    for name in key.split("."):
        config = getattr(config, name)
    return config
