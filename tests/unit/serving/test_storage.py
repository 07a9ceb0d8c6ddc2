"""Files that several servers share: each has a copy of its own, which is whole, and sees what the others keep."""

from pathlib import Path

import pytest
from stores import s3

from autovoice.serving.jobs import new_id
from autovoice.serving.storage import Storage


def voice_in(storage: Storage) -> str:
    """The name of a kept folder of two files."""
    name = f"voices/{new_id()}"
    folder = storage.path(name)
    folder.mkdir()
    for file in ("arrays.safetensors", "voice.json"):
        (folder / file).write_text(file)
    storage.keep(name)
    return name


def test_a_folder_is_fetched_whole_or_not_at_all(tmp_path, monkeypatch):
    shared = f"file://{tmp_path / 'shared'}"
    one, other = (Storage(tmp_path / name, shared) for name in ("one", "other"))
    name, fetch = voice_in(one), other.remote.get_file

    def dies_at_the_second(remote: str, local: str) -> None:
        if Path(remote).name == "voice.json":
            raise KeyboardInterrupt
        fetch(remote, local)

    with monkeypatch.context() as patch:
        patch.setattr(other.remote, "get_file", dies_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            other.fetch(name)
    assert not other.path(name).exists()
    assert {path.name for path in other.fetch(name).iterdir()} == {"arrays.safetensors", "voice.json"}
    assert list((other.local / "incoming").iterdir()) == []
    one.delete(name)
    with pytest.raises(FileNotFoundError):
        Storage(tmp_path / "third", shared).fetch(name)


def test_what_one_keeps_or_deletes_in_s3_is_so_for_the_other_though_it_has_looked_before(tmp_path):
    with s3() as make_bucket:
        import s3fs

        url = f"s3://{make_bucket()}/autovoice"
        one = Storage(tmp_path / "one", url)
        s3fs.S3FileSystem.clear_instance_cache()  # as in another process
        other, late = (Storage(tmp_path / name, url) for name in ("other", "late"))
        voice, result = voice_in(one), f"jobs/{new_id()}/result.wav"
        other.fetch(voice)
        with pytest.raises(FileNotFoundError):
            other.fetch(result)
        one.path(result).parent.mkdir()
        one.path(result).write_text("made")
        one.keep(result)
        assert other.fetch(result).read_text() == "made"
        one.delete(voice)
        assert not other.remote.exists(f"{other.root}/{voice}")
        with pytest.raises(FileNotFoundError):
            late.fetch(voice)
