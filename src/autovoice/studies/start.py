"""Where variants of a study begin: the weights of pretrain.init, as far as they fit a generator that differs in a part.

Blocks that are left out are taken from all over the stack; a bottleneck of another width keeps what it can of the old one; other
tensors that do not fit begin anew, and are named.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from autovoice.config import Config
from autovoice.files import replacing
from autovoice.models.generator import Generator
from autovoice.training.widen import widened
from autovoice.weights import model_metadata, output_of, output_pair

State = dict[str, Tensor]
N_CONTENTS = 64  # recordings whose content says which directions of the bottleneck to keep


@dataclass
class Start:
    """A generator's state; the modules of it that begin anew or were made narrower or broader; those that it leaves out."""

    state: State
    anew: list[str]
    resized: list[str]
    left_out: list[str]

    @property
    def sentence(self) -> str:
        """What became of the weights."""
        parts = [("begins anew", self.anew), ("is resized", self.resized), ("is left out", self.left_out)]
        return "; ".join(f"{what}: {', '.join(names)}" for what, names in parts if names) or "all weights are loaded"


def begin(cfg: Config, features: Sequence[Path], out: Path, say: Callable[[str], None]) -> None:
    """Writes the start of cfg's generator as weights that training loads strictly, and says what is not the old weights'.

    features: of the corpus, with cfg.content. The discriminators stay as they are.
    """
    init, now = Path(cfg.pretrain.init), output_pair(cfg.audio)
    was = output_of(init)
    state, prefix = load_file(init), "generator."
    old = {name.removeprefix(prefix): value.float() for name, value in state.items() if name.startswith(prefix)}
    if was != now:
        old = widened(old, was, now)
    torch.manual_seed(cfg.seed)
    fresh = Generator(cfg.model, cfg.audio, cfg.content).state_dict()
    start = fitted(
        old, fresh, lambda: torch.cat([load_file(path)["content"] for path in features[:N_CONTENTS]]).float()
    )
    head = "" if was == now else f"; filters are made of those for {was[1]} points at {was[0]} Hz"
    say(f"from {init.name}: {start.sentence}{head}")
    kept = {name: value for name, value in state.items() if not name.startswith(prefix)}
    kept |= {f"{prefix}{name}": value.half().contiguous() for name, value in start.state.items()}
    out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(out) as temporary:
        save_file(kept, temporary, model_metadata(cfg.model, cfg.audio))


def fitted(old: State, fresh: State, contents: Callable[[], Tensor]) -> Start:
    """`old` weights where they fit the names and shapes of `fresh`, which stand in for the rest.

    contents: gives features (N, D) as the generator hears them.
    """
    moved = spread(spread(old, fresh, "content_blocks"), fresh, "blocks")
    width, weight = len(fresh["bottleneck.bias"]), moved["bottleneck.weight"]
    resized = len(weight) != width and weight.shape[1] == fresh["bottleneck.weight"].shape[1]
    if resized:
        moved = narrowed(moved, width, contents()) if width < len(weight) else broadened(moved, fresh)
    fits = {name: value for name, value in moved.items() if name in fresh and value.shape == fresh[name].shape}
    anew = groups(name for name in fresh if name not in fits)
    return Start(fresh | fits, anew, ["bottleneck"] if resized else [], left_out(old, fresh))


def left_out(old: State, fresh: State) -> list[str]:
    """Modules of `old` that nothing in `fresh` begins with."""
    dropped = [
        f"{stack}.{place}"
        for stack in ("content_blocks", "blocks")
        for place in sorted(set(range(depth(old, stack))) - set(places(depth(old, stack), depth(fresh, stack))))
    ]
    modules = {name.partition(".")[0] for name in old} - {name.partition(".")[0] for name in fresh}
    return sorted(modules) + dropped


def groups(names: Iterable[str]) -> list[str]:
    """Names of tensors -> of the modules that a reader knows: blocks.3, reference, bottleneck."""
    parts = [name.split(".") for name in names]
    return sorted({".".join(part[: 2 if part[0].endswith("blocks") else 1]) for part in parts})


def places(was: int, n: int) -> list[int]:
    """Which n of `was` blocks to keep, spread evenly; all of them where n is not fewer."""
    return [int((i + 0.5) * was / n) for i in range(n)] if n < was else list(range(was))


def depth(state: State, stack: str) -> int:
    """How many blocks a stack has."""
    return len({name.split(".")[1] for name in state if name.startswith(f"{stack}.")})


def spread(state: State, fresh: State, stack: str) -> State:
    """The state with as many blocks of a stack as `fresh` has, from all over it."""
    kept = {str(place): str(i) for i, place in enumerate(places(depth(state, stack), depth(fresh, stack)))}
    found = {}
    for name, value in state.items():
        top, _, rest = name.partition(".")
        place, _, part = rest.partition(".")
        if top != stack:
            found[name] = value
        elif place in kept:
            found[f"{stack}.{kept[place]}.{part}"] = value
    return found


def _consumers(state: State, width: int) -> dict[str, slice]:
    """Weights that read the bottleneck, and which of their columns do."""
    every = {
        "inp.weight": slice(0, width),
        "reference.key.weight": slice(None),
        "reference.value.weight": slice(-width, None),
    }
    return {name: columns for name, columns in every.items() if name in state}


def narrowed(state: State, width: int, contents: Tensor) -> State:
    """The state with the `width` directions of its bottleneck along which contents (N, D) vary most; the rest as its mean."""
    weight, bias = state["bottleneck.weight"], state["bottleneck.bias"]
    z = contents @ weight.T + bias
    kept = torch.linalg.svd(z - z.mean(0), full_matrices=False).Vh[:width]  # (width, as wide as it was)
    lost = z.mean(0) - kept.T @ (kept @ z.mean(0))
    new = state | {"bottleneck.weight": kept @ weight, "bottleneck.bias": kept @ bias}
    for name, columns in _consumers(state, len(weight)).items():
        read, biased = state[name][:, columns], name.replace("weight", "bias")
        new[name] = _replaced(state[name], columns, read @ kept.T)
        new[biased] = state[biased] + read @ lost
    return new


def broadened(state: State, fresh: State) -> State:
    """The state with further rows of the bottleneck, those of `fresh`, which nothing listens to yet."""
    width, new = len(state["bottleneck.bias"]), dict(state)
    n_more = len(fresh["bottleneck.bias"]) - width
    for name in ("bottleneck.weight", "bottleneck.bias"):
        new[name] = torch.cat([state[name], fresh[name][width:]])
    for name, columns in _consumers(state, width).items():
        read = state[name][:, columns]
        new[name] = _replaced(state[name], columns, torch.cat([read, read.new_zeros(len(read), n_more)], 1))
    return new


def _replaced(weight: Tensor, columns: slice, by: Tensor) -> Tensor:
    """weight (R, C) with other columns in the place of `columns`."""
    first, last, _ = columns.indices(weight.shape[1])
    return torch.cat([weight[:, :first], by, weight[:, last:]], 1)
