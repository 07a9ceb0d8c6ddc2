"""Published figures of other systems: what was said of them, by whom, and what of it can be compared with ours."""

import csv
from dataclasses import dataclass, field, replace
from pathlib import Path

TABLE = Path(__file__).parent / "peers.csv"
COLUMNS = {  # column of peers.csv -> heading
    "n": "n", "secs": "SECS", "campp": "CAM++", "share": "share %", "wer": "WER %", "cer": "CER %",
    "f0_rmse_hz": "f0 RMSE Hz", "f0_corr": "f0 corr", "sig": "SIG", "bak": "BAK", "ovrl": "OVRL", "dmos": "D-MOS",
    "closer": "nearer target %",
}  # fmt: skip

OTHER_RECOGNISER = "another recogniser"
MEASURED_HERE = ("secs", "campp", "share", "cer", "f0_rmse_hz", "f0_corr", "ovrl", "dmos", "closer")


@dataclass(frozen=True)
class Group:
    """Figures of one source.

    comparable: what may be set beside ours, and what may not; same: the columns that are measured as ours are; differs: why
    another one is not; less_source: columns that are given minus the source's; kind: of the pairs that ours are the mean of.
    """

    name: str
    title: str
    source: str
    comparable: str
    same: tuple[str, ...] = ()
    differs: dict[str, str] = field(default_factory=dict)
    less_source: tuple[str, ...] = ()
    kind: str = "conversion"
    rows: list[dict[str, str]] = field(default_factory=list)

    @property
    def columns(self) -> list[str]:
        """The columns in which any row says something."""
        return [name for name in COLUMNS if any(row[name] for row in self.rows)]


GROUPS = (
    Group(
        "seedvc",
        "Speech, zero-shot: 100 LibriTTS test-clean sources, 12 references",
        "Seed-VC, EVAL.md of Plachtaa/seed-vc",
        "SECS: the same encoder, other voices. WER and CER: another recogniser (HuBERT large), whose level the first row "
        "shows; ours are Whisper's. SIG, BAK, OVRL: the same measure on other sources.",
        ("secs", "sig", "bak", "ovrl"),
        {"wer": OTHER_RECOGNISER, "cer": OTHER_RECOGNISER},
    ),
    Group(
        "pitchvc",
        "Speech: SECS on VCTK and on LibriTTS",
        "PitchVC (OlaWod/PitchVC)",
        "The same encoder, other voices and other lengths of reference: a level, not a ranking.",
        ("secs",),
    ),
    Group(
        "knnvc",
        "Speech: LibriSpeech dev-clean, all recordings of the target as reference",
        "kNN-VC, Baas, van Niekerk and Kamper 2023; its speaker verification EER is 35.7 % (50 is best)",
        "Another recogniser and minutes of reference: intelligibility as a level. Its EER is that of converted against real "
        "speech, ours (calibration) is that of real speech only.",
        (),
        {"wer": OTHER_RECOGNISER, "cer": OTHER_RECOGNISER},
    ),
    Group(
        "singing",
        "Singing: M4Singer to four target voices",
        "Seed-VC, EVAL.md of Plachtaa/seed-vc",
        "SECS there is the mean over all recordings of the target, ours against the references. CER by another recogniser, "
        "in Chinese. f0 RMSE after shifts of whole octaves.",
        ("f0_corr", "sig", "bak", "ovrl"),
        {"secs": "over all recordings", "cer": OTHER_RECOGNISER, "f0_rmse_hz": "octave shifts"},
        kind="singing",
    ),
    Group(
        "samples",
        "Speech: the peers' own published samples, measured by this project",
        "demo pages of the named systems; measured once, the recordings are not kept here",
        "The same measures as ours (SECS, CAM++, CER against the source, f0 after the median shift; OVRL and D-MOS minus "
        "the source's), on few pairs that their authors chose. share: the way of CAM++ from the source (0) to 0.83, two "
        "recordings of one reader (100). Levels to beat, not a ranking; this repository cannot make them again.",
        MEASURED_HERE,
        less_source=("ovrl", "dmos"),
    ),
    Group(
        "samples_singing",
        "Singing: the peers' own published samples, measured by this project",
        "demo pages of the named systems; measured once, the recordings are not kept here",
        "As above.",
        MEASURED_HERE,
        less_source=("ovrl", "dmos"),
        kind="singing",
    ),
)


def peers() -> list[Group]:
    """The groups with their rows, as peers.csv has them; figures are text, as they were published."""
    with TABLE.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [replace(group, rows=[row for row in rows if row["group"] == group.name]) for group in GROUPS]
