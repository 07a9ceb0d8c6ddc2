"""The REST API over the real model: what is asked for is done, and what cannot be is said in one sentence."""

import csv
import gc
import io
import json
import traceback
import weakref
import zipfile

import numpy as np
import pytest
from audio_files import speech
from fastapi.testclient import TestClient
from serving import builtin_voice, ended, file_bytes, heard, running, wav_bytes
from sqlalchemy import select

from autovoice.audio.io import load_wav
from autovoice.cli import main
from autovoice.config import compose
from autovoice.serving.database import KEYS
from autovoice.serving.engine import Engine
from autovoice.serving.faults import ApiError
from autovoice.serving.keys import LOCAL
from autovoice.watermark import detect

OUT_RATE = 24000
SHORT = wav_bytes(4.0)


@pytest.fixture(scope="module")
def voices(tmp_path_factory):
    return builtin_voice(tmp_path_factory.mktemp("builtin"))


@pytest.fixture(scope="module")
def engine():
    """Loaded once for all servers of this file."""
    made = Engine(compose())
    made.load()
    return made


@pytest.fixture(scope="module")
def client(voices, engine, stores, tmp_path_factory):
    with running(tmp_path_factory.mktemp("data"), voices, *stores(), engine=engine) as made:
        yield made


def convert(client: TestClient, content: bytes | None = None, headers: dict | None = None, **fields):
    sent = {"voice": "carlo", "preset": "fast"} | fields
    return client.post(
        "/v1/convert", files={"file": ("talk.wav", content or wav_bytes())}, data=sent, headers=headers or {}
    )


def code_of(answer) -> str:
    """The error's code; its sentence must be one."""
    error = answer.json()["error"]
    assert error["message"].endswith(".")
    assert error["request_id"] == answer.headers["x-request-id"]
    assert "/tmp" not in error["message"]
    return error["code"]


def test_a_short_recording_is_converted_at_once_as_the_command_line_does(client, voices, tmp_path):
    answer = convert(client, seed=3)
    wav, rate = heard(answer.content)
    assert (answer.status_code, answer.headers["content-type"], rate, len(wav)) == (
        200,
        "audio/wav",
        OUT_RATE,
        OUT_RATE,
    )
    (tmp_path / "talk.wav").write_bytes(wav_bytes())
    command = ["convert", str(tmp_path / "talk.wav"), "--voice", "carlo", "--voices", str(voices), "--seed", "3"]
    assert main([*command, "--preset", "fast", "-o", str(tmp_path / "out.wav")]) == 0
    difference = wav - load_wav(tmp_path / "out.wav", OUT_RATE)  # the command computes in torch, the server in graphs
    assert np.square(difference).sum() < 1e-5 * np.square(wav).sum()
    assert float(answer.headers["x-autovoice-duration"]) == 1.0
    assert answer.headers["x-autovoice-shift-st"]


def test_a_voice_is_cloned_used_and_deleted(client):
    asked = {"name": "Nikolay", "consent": "by his licence"}
    files = [
        ("files", ("a.wav", wav_bytes(4.0, reader="nikolay"))),
        ("files", ("b.wav", wav_bytes(2.0, 5.0, "nikolay"))),
    ]
    made = client.post("/v1/voices", data=asked, files=files)
    voice = made.json()
    assert (made.status_code, voice["name"], voice["consent"], voice["builtin"]) == (201, *asked.values(), False)
    assert [v["id"] for v in client.get("/v1/voices").json()["voices"]] == ["carlo", voice["id"]]
    result = convert(client, wav_bytes(3.0), voice=voice["id"], preset="balanced")
    found = detect(heard(result.content)[0].astype(np.float32), OUT_RATE)
    assert found is not None
    assert f"{found.payload:08x}" == voice["consent_id"]
    folder = client.server.data / "voices" / voice["id"]
    assert folder.is_dir()
    in_memory = weakref.ref(client.server.voices.profile(voice["id"], LOCAL))
    networks = client.server.engine.converter.networks
    assert networks.networks._heard.cache_info().currsize > 0
    assert client.delete(f"/v1/voices/{voice['id']}").status_code == 204
    gc.collect()
    assert in_memory() is None
    assert networks.networks._heard.cache_info().currsize == 0
    assert not folder.exists()
    assert code_of(convert(client, voice=voice["id"])) == "no_such_voice"
    assert code_of(client.delete("/v1/voices/carlo")) == "builtin_voice"


def test_a_job_says_how_far_it_is_and_keeps_its_files_until_it_is_deleted(client):
    queued = convert(client, wav_bytes(2.0), wait="false")
    assert (queued.status_code, queued.headers["location"]) == (202, f"/v1/jobs/{queued.json()['id']}")
    job = queued.json()
    with client.stream("GET", f"/v1/jobs/{job['id']}/events") as events:
        lines = [line for line in events.iter_lines() if line]
    assert lines[-2] == "event: done"
    last = json.loads(lines[-1].removeprefix("data: "))
    assert (last["status"], last["progress"], last["name"], last["duration_s"]) == ("done", 1.0, "talk.wav", 2.0)
    whole = client.get(last["result"])
    part = client.get(last["result"], headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    assert client.get(f"/v1/jobs/{job['id']}/source").content == wav_bytes(2.0)
    pitch = client.get(f"/v1/jobs/{job['id']}/pitch").json()
    assert len(pitch["source"]) == len(pitch["result"]) == 200
    assert job["id"] in [row["id"] for row in client.get("/v1/jobs").json()["jobs"]]
    folder = client.server.data / "jobs" / job["id"]
    assert (folder / "source").is_file()
    assert client.delete(f"/v1/jobs/{job['id']}").status_code == 204
    assert not folder.exists()
    assert code_of(client.get(f"/v1/jobs/{job['id']}")) == "no_such_job"


def test_the_same_idempotency_key_is_the_same_job(client):
    first = convert(client, wait="false", headers={"Idempotency-Key": "one"}).json()
    again = convert(client, wait="false", headers={"Idempotency-Key": "one"}).json()
    other = convert(client, wait="false", headers={"Idempotency-Key": "one"}, seed=7)
    assert first["id"] == again["id"]
    assert (other.status_code, code_of(other)) == (409, "token_reused")


def test_text_is_spoken_by_our_form_and_by_openais(client):
    asked = {"text": "Good morning.", "voice": "carlo", "preset": "fast"}
    wav, rate = heard(client.post("/v1/speech", json=asked).content)
    assert rate == OUT_RATE
    assert 0.4 < len(wav) / rate < 3
    openai = {"model": "tts-1", "input": "Good morning.", "voice": "carlo"}
    kinds = {"mp3": "audio/mpeg", "flac": "audio/flac", "pcm": "audio/pcm"}
    for form, kind in kinds.items():
        answer = client.post("/v1/audio/speech", json=openai | {"response_format": form})
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    assert 0.4 < len(answer.content) / 2 / OUT_RATE < 3
    assert client.post("/v1/speech", json=asked | {"text": "日本語"}).status_code == 422
    assert code_of(client.post("/v1/speech", json=asked | {"text": "x" * 20001})) == "too_long"


def test_a_conversion_is_measured_and_rated(client):
    job = ended(client, convert(client, wav_bytes(3.0), wait="false", preset="balanced").json())
    done = ended(client, client.post("/v1/evaluate", json={"job": job["id"]}).json())
    measured = client.get(done["result"]).json()
    metrics, anchors = measured["metrics"], measured["anchors"]["secs"]
    assert anchors["floor"] < metrics["secs"]  # no ceiling: the voice was cloned from one recording
    assert 0.3 < metrics["secs"] < 1
    assert metrics["f0_rmse_hz"] < 30
    rated = client.post("/v1/ratings", json={"job": job["id"], "stars": 4, "comment": "=SUM(A1)"})
    assert rated.status_code == 201
    (row,) = csv.DictReader(io.StringIO(client.get("/v1/ratings.csv").text))
    assert (row["stars"], row["preset"]) == ("4", "balanced")
    assert not row["comment"].startswith("=")  # a spreadsheet would compute it
    assert 'autovoice_ratings_total{preset="balanced",stars="4"} 1.0' in client.get("/metrics").text


def promising_days() -> bytes:
    """A second of speech, as 16 bit at 8 kHz, below a header that claims a day and a half."""
    head = b"RIFF\xff\xff\xff\x7fWAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\xf0\xff\xff\x7f"
    return head + (speech("allison", 1.0)[::2] * 32767).astype("<i2").tobytes()


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.wav", wav_bytes())
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"no audio", 422, "bad_audio"),
        (b"\0", 422, "bad_audio"),
        (zipped(), 422, "bad_audio"),
        (b"#EXTM3U\nfile:///etc/passwd\n", 422, "bad_audio"),
        (b"<svg onload=alert(1)>", 422, "bad_audio"),
        (file_bytes(np.full(1600, np.nan, np.float32), subtype="FLOAT"), 422, "bad_audio"),
    ],
)
def test_what_is_no_audio_is_refused(client, content, status, code):
    answer = convert(client, content)
    assert answer.status_code == status
    assert code_of(answer) == code
    assert list((client.server.data / "incoming").iterdir()) == []


def test_a_header_that_promises_days_costs_nothing_and_what_is_there_is_converted(client):
    answer = convert(client, promising_days())
    wav, _ = heard(answer.content)
    assert (answer.status_code, len(wav)) == (200, OUT_RATE)
    warning = client.get(f"/v1/jobs/{answer.headers['x-autovoice-job']}").json()["warnings"][0]
    assert warning == "truncated: only 1.0 s of the 134217.7 s that its header promises can be read"
    assert list((client.server.data / "incoming").iterdir()) == []


@pytest.mark.parametrize(
    "name", ["../../../etc/cron.d/x", "..\\..\\x.wav", "/etc/passwd", "a\0b.wav", "con\r\nSet-Cookie: a=b"]
)
def test_a_clients_path_is_only_ever_shown(client, name):
    answer = client.post(
        "/v1/convert", files={"file": (name, wav_bytes(0.3))}, data={"voice": "carlo", "wait": "false"}
    )
    shown = answer.json()["name"]
    assert not set(shown) & set("/\\\0\r\n")
    ended(client, answer.json())
    known = {"incoming", "jobs", "voices", "serve.db", "serve.db-wal", "serve.db-shm"}
    assert {path.name for path in client.server.data.iterdir()} <= known


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"voice": "nobody"}, "no_such_voice"),
        ({"voice": "../carlo"}, "no_such_voice"),
        ({"preset": "best"}, "no_such_preset"),
        ({"pitch": "high"}, "bad_pitch"),
        ({"pitch": "nan"}, "bad_pitch"),
        ({"seed": "-1"}, "bad_request"),
    ],
)
def test_a_wrong_field_is_named(client, fields, code):
    answer = convert(client, **fields)
    assert (answer.status_code // 100, code_of(answer)) == (4, code)


def test_a_nul_is_refused_in_a_sentence_wherever_it_is_sent(client):
    job = convert(client, wav_bytes(0.3)).headers["x-autovoice-job"]
    clone = {"data": {"name": "a\0", "consent": "yes"}, "files": {"files": ("a.wav", SHORT)}}
    for answer in (
        client.get("/v1/jobs/a%00"),
        client.get("/v1/voices/a%00"),
        client.delete("/v1/jobs/a%00"),
        convert(client, voice="a\0"),
        convert(client, headers={"Idempotency-Key": "a\0"}),
        client.post("/v1/ratings", json={"job": job, "stars": 4, "comment": "a\0"}),
        client.post("/v1/ratings", json={"job": "a\0", "stars": 4}),
        client.post("/v1/speech", json={"text": "Good morning.", "voice": "a\0"}),
        client.get("/v1/models", headers={"X-API-Key": "av_\0_x"}),
    ):
        assert (answer.status_code, code_of(answer)) == (422, "bad_request")
        assert "NUL" in answer.json()["error"]["message"]
    assert code_of(client.post("/v1/voices", **clone)) == "bad_input"
    with client.websocket_connect("/v1/stream") as ws:
        ws.send_json({"rate": 16000, "voice": "a\0"})
        assert ws.receive_json()["code"] == "bad_request"


def test_a_cancelled_job_keeps_no_file_though_a_copy_lies_about(voices, engine, stores, tmp_path):
    with running(tmp_path, voices, *stores(), engine=engine) as client:
        client.server.worker.stop(0)  # what is queued stays
        job = convert(client, wait="false").json()["id"]
        assert client.get(f"/v1/jobs/{job}/source").status_code == 200
        client.delete(f"/v1/jobs/{job}")
        copy = client.server.storage.path(f"jobs/{job}/source")
        copy.parent.mkdir()
        copy.write_bytes(SHORT)  # as on the disk of another process
        assert code_of(client.get(f"/v1/jobs/{job}/source")) == "no_file"
        assert job not in client.server.jobs.ids()


def test_a_voice_needs_consent_a_name_and_speech(client):
    def clone(name="x", consent="yes", content=SHORT):
        return client.post("/v1/voices", data={"name": name, "consent": consent}, files={"files": ("a.wav", content)})

    assert code_of(clone(consent="  ")) == "no_consent"
    assert code_of(clone(name="../x")) == "bad_input"
    assert code_of(clone(content=file_bytes(np.zeros(80000)))) == "bad_input"
    assert [voice["id"] for voice in client.get("/v1/voices").json()["voices"]] == ["carlo"]


def test_what_stands_around_every_answer(client):
    answer = client.get("/v1/models")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in client.get("/v1/models", headers={"Origin": "http://evil"}).headers
    assert client.get("/v1/models", headers={"Host": "evil.example"}).status_code == 421  # DNS rebinding
    schema = client.get("/openapi.json").json()
    results = schema["paths"]["/v1/jobs/{job}/result"]["get"]["responses"]["200"]["content"]
    assert {"audio/wav", "audio/mpeg", "application/json"} <= results.keys()
    assert schema["openapi"].startswith("3.1")
    documented = {
        "/v1/voices",
        "/v1/convert",
        "/v1/songs",
        "/v1/speech",
        "/v1/audio/speech",
        "/v1/evaluate",
        "/v1/jobs/{job}",
    }
    assert (
        documented | {"/v1/jobs/{job}/events", "/v1/models", "/healthz", "/readyz", "/metrics"}
        <= schema["paths"].keys()
    )


def test_limits_of_bytes_seconds_queue_and_requests(voices, engine, stores, tmp_path):
    limits = ("upload_bytes=200000", "upload_s=2", "queue=1", "sync_s=0.5", "requests_per_minute=12")
    with running(tmp_path, voices, *stores(), *(f"serve.{limit}" for limit in limits), engine=engine) as client:
        client.server.worker.stop(0)  # what is queued stays
        assert code_of(convert(client, bytes(2_000_000))) == "too_large"
        assert code_of(convert(client, wav_bytes(2.5))) == "too_long"
        assert convert(client).status_code == 202  # longer than sync_s
        full = convert(client)
        assert (full.status_code, code_of(full)) == (429, "busy")
        assert int(full.headers["retry-after"]) > 0
        answers = [client.get("/v1/models") for _ in range(12)]
        assert (answers[-1].status_code, code_of(answers[-1])) == (429, "too_many_requests")
        assert len(list((tmp_path / "jobs").iterdir())) == 1


def test_keys_have_scopes_and_see_only_their_own(voices, engine, stores, tmp_path, capsys):
    kept = stores()
    where = ["--data", str(tmp_path), *(part for override in kept for part in ("--set", override))]

    def key(name: str, *scopes: str) -> dict[str, str]:
        options = [part for scope in scopes for part in ("--scope", scope)]
        assert main(["keys", "add", name, *options, *where]) == 0
        return {"Authorization": f"Bearer {capsys.readouterr().out.strip()}"}

    one, two, boss = key("one"), key("two", "convert"), key("boss", "admin")
    with running(tmp_path, voices, *kept, "serve.require_key=true", engine=engine) as client:
        with client.server.database.connect() as connection:
            rows = str(connection.execute(select(KEYS)).all())
        assert not any(header["Authorization"][20:] in rows for header in (one, two))
        assert code_of(client.get("/v1/models")) == "no_key"
        assert code_of(client.get("/v1/models", headers={"X-API-Key": "av_00000000_x"})) == "bad_key"
        assert code_of(client.get("/metrics", headers=one)) == "forbidden"
        assert client.get("/metrics", headers=boss).status_code == client.get("/healthz").status_code == 200
        job = convert(client, headers=one).headers["x-autovoice-job"]
        assert client.get(f"/v1/jobs/{job}", headers=one).status_code == 200
        for path in (f"/v1/jobs/{job}", f"/v1/jobs/{job}/result", f"/v1/jobs/{job}/source"):
            assert code_of(client.get(path, headers=two)) == "no_such_job"
        files = {"files": ("a.wav", wav_bytes(4.0))}
        cloned = client.post("/v1/voices", data={"name": "x", "consent": "yes"}, files=files, headers=one).json()
        assert code_of(client.delete(f"/v1/voices/{cloned['id']}", headers=two)) == "forbidden"
        assert code_of(client.get(f"/v1/voices/{cloned['id']}", headers=two)) == "no_such_voice"
        assert main(["keys", "remove", "one", *where]) == 0
        assert code_of(client.get("/v1/models", headers=one)) == "bad_key"


def test_a_refused_key_is_not_kept_by_the_next_refusal(client):
    def refused(call) -> str:
        with pytest.raises(ApiError) as caught:
            call()
        return str([frame.f_locals for frame, _ in traceback.walk_tb(caught.value.__traceback__)])

    keys, jobs = client.server.keys, client.server.jobs
    assert "first-secret" in refused(lambda: keys.caller("av_00000000_first-secret"))
    assert "first-secret" not in refused(lambda: keys.caller("av_00000000_second"))
    convert(client, wait="false", headers={"Idempotency-Key": "kept"})
    assert "first-body" in refused(lambda: jobs.known("local", "kept", "first-body"))
    assert "first-body" not in refused(lambda: jobs.known("local", "kept", "second-body"))
