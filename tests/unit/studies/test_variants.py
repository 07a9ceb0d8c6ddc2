"""Studies of pretraining: who is drawn, where a variant lives, and what a reader sees of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from autovoice.config import compose, varied
from autovoice.errors import ConfigError
from autovoice.models.discriminator import Discriminators
from autovoice.models.generator import Generator, NoReference
from autovoice.studies.report import markdown, plot
from autovoice.studies.variants import Variant, features_of, folder_of, measured_of, n_parameters, row_of
from autovoice.training.corpus import Recording, pseudo_speakers, some_speakers
from autovoice.training.module import GeneratorTraining, save_weights
from autovoice.training.pretrain import schedule_of

RECORDINGS = [Recording(f"{i}.flac", f"s{i // 2}", "F", "train") for i in range(20)]
MEASURED = {"mean": 0.8, "low": 0.75, "high": 0.85}


def test_people_are_drawn_with_their_pseudo_speakers_and_the_same_again() -> None:
    both = RECORDINGS + pseudo_speakers(RECORDINGS)
    kept = some_speakers(both, 3, 0)
    names = {r.speaker for r in kept}
    assert len({name.rstrip("@") for name in names}) == 3
    assert {f"{name.rstrip('@')}@" for name in names} <= names
    assert kept == some_speakers(list(reversed(both)), 3, 0)[::-1]
    assert some_speakers(both, 0, 0) == some_speakers(both, 99, 0) == both


def test_fewer_people_are_among_the_more() -> None:
    few, more = ({r.speaker for r in some_speakers(RECORDINGS, n, 0)} for n in (3, 6))
    assert few < more


def test_a_variant_lives_where_its_settings_say_and_nowhere_else() -> None:
    base = compose()
    assert folder_of(varied(base, ["study.name=other", "pretrain.num_threads=1"]), RECORDINGS) == folder_of(
        base, RECORDINGS
    )
    changes = ("model.n_heads=0", "content.layer=2", "pretrain.perturb=0", "seed=1")
    assert folder_of(base, RECORDINGS[1:]) != folder_of(base, RECORDINGS)
    assert (
        len({folder_of(base, RECORDINGS), *(folder_of(varied(base, [change]), RECORDINGS) for change in changes)}) == 5
    )


def test_heads_of_any_frames_learn_from_the_same_features() -> None:
    base = compose()
    changes = ("audio.output_n_fft=1024", "content.layer=2", "audio.output_rate=16000", "pretrain.root=elsewhere")
    same, *others = (features_of(varied(base, [change])) for change in changes)
    assert same == features_of(base)
    assert len({same, *others}) == 4


def test_a_variant_lives_where_the_content_of_its_first_weights_says(tmp_path: Path) -> None:
    for name, content in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        (tmp_path / name).write_bytes(content)
    none, a, b, c = (
        folder_of(compose([f"pretrain.init={init}"]), RECORDINGS)
        for init in ("", *(tmp_path / name for name in ("a", "b", "c")))
    )
    assert a == b
    assert len({none, a, c}) == 3
    with pytest.raises(ConfigError, match="no such weights"):
        folder_of(compose([f"pretrain.init={tmp_path / 'missing'}"]), RECORDINGS)


def test_an_override_of_no_key_or_no_value_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match="no such configuration key"):
        varied(compose(), ["model.heads=0"])
    with pytest.raises(ConfigError, match=r"divisor of model\.dim"):
        varied(compose(), ["model.n_heads=7"])


@pytest.mark.parametrize("name", ["ablation", "people", "steps", "parameters"])
def test_variants_of_every_study_are_different_configurations(name: str) -> None:
    cfg = compose([f"study={name}"])
    made = [varied(cfg, [*cfg.study.common, *overrides]) for overrides in list(cfg.study.variants.values())[:6]]
    assert len({measured_of(variant, RECORDINGS) for variant in made}) == len(made) >= 4


def test_parameters_are_those_of_the_generator_alone(tmp_path: Path) -> None:
    cfg = varied(compose(), ["model.dim=16", "model.n_heads=0", "model.n_blocks=1", "model.n_content_blocks=1"])
    generator = Generator(cfg.model, cfg.audio, cfg.content)
    assert isinstance(generator.reference, NoReference)
    module = GeneratorTraining(generator, Discriminators(), schedule_of(cfg.pretrain), cfg.audio)
    save_weights(module, tmp_path / "w.safetensors", {})
    assert n_parameters(tmp_path / "w.safetensors") == sum(p.numel() for p in generator.parameters())


def test_the_table_shows_what_was_measured_and_the_plot_is_drawn(tmp_path: Path) -> None:
    summary = {"systems": {"zero-shot/balanced": {"secs": MEASURED, "cer": {"mean": None}}, "copy/balanced": {}}}
    variant = Variant("as it is", 2_100_000, 400, 300, summary)
    rows = [row_of(variant), row_of(replace(variant, name="smaller", parameters=1_000_000))]
    text = markdown(rows)
    assert "| as it is | 2.1 | 400 | 300 | 0.800 [0.750, 0.850] |" in text
    assert "CER" not in text  # nobody measured it
    for axis in ("", "parameters"):
        plot(rows, axis, tmp_path / f"{axis}.png")
        assert (tmp_path / f"{axis}.png").read_bytes()[:4] == b"\x89PNG"


def test_a_preset_changes_what_is_measured_and_not_what_is_trained() -> None:
    base = compose(["protocol.half=choose"])
    other = varied(base, ["presets.balanced.retrieval=0"])
    assert folder_of(other, RECORDINGS) == folder_of(base, RECORDINGS)
    assert measured_of(other, RECORDINGS) != measured_of(base, RECORDINGS)
