"""The pages that want a corpus of many speakers: their commands as they stand, on a tiny corpus and a tiny model.

Their settings are composed by default in a tiny copy of the project; a training that names its own number of steps takes two.
The encoder of a model hub is a HuBERT of that width and depth with random weights. A command must leave what MADE has of it.
"""

from pathlib import Path

import pytest
from doc_blocks import of, pages_taken_by
from tiny_corpus import SETTINGS, write_corpus
from tiny_project import in_project, make_project

from autovoice import torchaudio_compat  # noqa: F401  transformers loads torchaudio
from autovoice.assets import asset_path

LESS = {"python -m pipelines.pretrain ": " pretrain.max_steps=2"}
MADE = {
    "python -m pipelines.pretraining.gather": ".pretrain/gathered",
    "python -m pipelines.pretraining.recipe": ".pretrain/recipe.json",
    "python -m pipelines.pretraining.features": ".pretrain/features",
    "python -m pipelines.pretrain ": ".pretrain/base.safetensors",
    "python -m pipelines.pretraining.verify": ".pretrain/verify/choose/metrics/summary.json",
    "python -m pipelines.protocol protocol=seedvc": ".protocols/seedvc/metrics/summary.json",
    "python -m pipelines.protocol protocol=speak": ".protocols/speak/metrics/summary.json",
    "dvc repro protocols/dvc.yaml": ".protocols/zero-shot/metrics/summary.json",
}
PAGES = pages_taken_by(__file__)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A tiny project with corpus/manifest.csv and models/contentvec."""
    project = make_project(tmp_path, SETTINGS)
    write_corpus(project / "corpus")
    return project


def write_encoder(folder: Path) -> None:
    """A HuBERT of nine layers, 768 wide, as a model hub has it."""
    transformers = pytest.importorskip("transformers", reason="needs transformers: pip install -e .[hub]")
    config = transformers.HubertConfig(
        hidden_size=768, num_hidden_layers=9, num_attention_heads=4, intermediate_size=64, conv_dim=[16] * 7
    )
    transformers.HubertModel(config).save_pretrained(folder)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_work(page: str, project: Path) -> None:
    commands = [command for block in PAGES[page] for command in block.commands()]
    if "hf:models/contentvec" in " ".join(commands):
        write_encoder(project / "models/contentvec")
    for command in commands:
        if command.startswith("dvc repro protocols"):
            asset_path("spleeter")  # whole songs are among them
        in_project(project, command.partition("  #")[0] + of(LESS, command))
        made = project / of(MADE, command)
        assert of(MADE, command)
        assert made.is_file() or any(made.iterdir()), command
