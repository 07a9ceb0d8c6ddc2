"""Lists of other tools become tables of pairs that evaluation reads."""

import numpy as np
import pytest
import soundfile as sf

from autovoice.cli import main
from autovoice.errors import DataError
from autovoice.evaluation.importers import import_pairs
from autovoice.evaluation.pairs import read_pairs


@pytest.fixture
def corpus(tmp_path):
    for name in ("prompt", "second", "real", "gt", "out/u1"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        sf.write(tmp_path / f"{name}.wav", np.zeros(16000), 16000)
    return tmp_path


def test_a_seed_tts_eval_list(corpus):
    (corpus / "meta.lst").write_text("u1|said before|prompt.wav|to be said|real.wav\nu2.wav|x|prompt.wav|y|real.wav\n")
    table = import_pairs("seed-tts-eval", corpus / "meta.lst", corpus / "out", "theirs", corpus / "run")
    first, second = read_pairs(table)
    assert (first.source, first.converted) == (corpus / "real.wav", corpus / "out" / "u1.wav")
    assert first.target_refs == (corpus / "prompt.wav",)
    assert (first.text, first.system, first.target_speaker) == ("to be said", "theirs", "prompt")
    assert second.converted == corpus / "out" / "u2.wav"  # missing: measured as failed


def test_versa_lists(corpus):
    (corpus / "pred.scp").write_text("a out/u1.wav\n")
    (corpus / "src.scp").write_text("a real.wav\nunused real.wav\n")
    (corpus / "ref.scp").write_text("a prompt.wav\na second.wav\n")
    (corpus / "gt.scp").write_text("a gt.wav\n")
    (corpus / "text").write_text("a what was said\n")
    (corpus / "utt2tgt").write_text("a ann\n")
    (pair,) = read_pairs(import_pairs("versa", corpus, None, "theirs", corpus / "run"))
    assert pair.target_refs == (corpus / "prompt.wav", corpus / "second.wav")
    assert (pair.parallel, pair.text, pair.target_speaker) == (corpus / "gt.wav", "what was said", "ann")


@pytest.mark.parametrize(
    ("files", "style", "message"),
    [
        ({"meta.lst": "u1|a|prompt.wav|b\n"}, "seed-tts-eval", "line 1 has 4 fields"),
        ({"meta.lst": "../u1|a|prompt.wav|b|real.wav\n"}, "seed-tts-eval", "is a path"),
        ({"meta.lst": "\n"}, "seed-tts-eval", "has no rows"),
        ({}, "seed-tts-eval", "no such list"),
        ({"pred.scp": "a x.wav\n", "src.scp": "b y.wav\n", "ref.scp": "a z.wav\n"}, "versa", "lacks 'a'"),
        ({"pred.scp": "a\n"}, "versa", "a key and nothing else"),
        ({"pred.scp": "a sox x.wav -t wav - |\n"}, "versa", "is a command"),
        ({}, "versa", "no such list"),
        ({}, "espnet", "no style 'espnet'"),
    ],
)
def test_a_wrong_list_is_one_sentence_and_nothing_is_written(corpus, files, style, message):
    for name, text in files.items():
        (corpus / name).write_text(text)
    listed = corpus if style == "versa" else corpus / "meta.lst"
    with pytest.raises(DataError, match=message):
        import_pairs(style, listed, None if style == "versa" else corpus / "out", "theirs", corpus / "run")
    assert not (corpus / "run").exists()


def test_the_command_says_what_it_lacks(corpus, capsys):
    (corpus / "meta.lst").write_text("u1|said before|prompt.wav|to be said|real.wav\n")
    command = ["evaluate", str(corpus / "meta.lst"), "-o", str(corpus / "run")]
    assert main([*command, "--from", "seed-tts-eval"]) == 2
    assert "add --converted DIR" in capsys.readouterr().err
    assert main([*command, "--converted", str(corpus / "out")]) == 2
    assert "belongs to --from" in capsys.readouterr().err
    command += ["--from", "seed-tts-eval", "--converted", str(corpus / "out"), "--metrics", "duration"]
    assert main(command) == 0
    assert (corpus / "run" / "summary.json").is_file()
