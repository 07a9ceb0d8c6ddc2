"""Adapt the model to a cloned voice, so that conversions sound more like it (minutes on a CPU).

example:
  autovoice adapt ada trainer.max_steps=400
"""

from argparse import ArgumentParser, Namespace
from dataclasses import asdict

from autovoice.commands.console import Console, add_voices


def add_arguments(parser: ArgumentParser) -> None:
    """adapt NAME [HYDRA OVERRIDES]."""
    parser.add_argument("name", metavar="NAME", help="a voice made by `autovoice clone`")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="settings of conf/, such as optim.lr=1e-4")
    add_voices(parser)
    parser.set_defaults(collects=("overrides", str))


def run(args: Namespace) -> int:
    """Trains on the recordings that clone kept; an interrupted run continues where it stopped."""
    from autovoice.config import compose
    from autovoice.voice import VoiceProfile, voice_dir

    console = Console(args)
    config = compose(args.overrides)  # wrong keys and names are said before anything heavy loads
    folder = voice_dir(args.voices, args.name)
    VoiceProfile.load(folder)

    from autovoice.models.content import load_content_encoder
    from autovoice.reproducibility import seed_all
    from autovoice.training.adapt import adapt_voice

    seed_all(config.seed)
    with console.progress(f"adapting {args.name}") as on_progress:

        def on_row(row: dict[str, float], step: int) -> None:
            on_progress(step / config.trainer.max_steps)

        result = adapt_voice(folder, config, load_content_encoder(config.content), on_row=on_row)
    console.say(
        f"{folder}: step {result.step} of {result.steps_run} chosen, d-vector similarity {result.similarity:.3f}, "
        f"CER {result.cer:.3f} on the probe sentences"
    )
    console.result({"voice": str(folder), **asdict(result)})
    return 0
