"""The WebSocket: what comes out of it is what the live converter makes, whatever a client sends."""

import json
import socket
import struct
import threading
import time
from collections import Counter
from contextlib import ExitStack
from random import Random

import httpx
import numpy as np
import pytest
from audio_files import RATE, speech
from serving import builtin_voice, configured, listening, running
from starlette.websockets import WebSocketDisconnect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from autovoice.audio.stream_resampler import StreamResampler
from autovoice.client import Client, ServerError
from autovoice.serving import streams
from autovoice.serving.app import open_socket
from autovoice.serving.routes import stream
from autovoice.serving.server import Server
from autovoice.serving.streaming import Backlog, LiveStream, delay_ms
from scripts.fuzz import clips, session, upload_all
from scripts.own_server import until

HELLO = {"rate": RATE, "voice": "carlo", "format": "f32le"}
BLOCK = RATE // 50


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stream")
    with running(folder / "data", builtin_voice(folder), "serve.max_streams=2", "serve.stream_queue_s=60") as made:
        yield made


def message(number: int, pcm: bytes) -> bytes:
    return struct.pack("<I", number) + pcm


def talk(ws) -> list[tuple[int, bytes]]:
    """What the server sends until it says bye: (sequence number, samples)."""
    got = []
    while True:
        answer = ws.receive()
        if answer.get("bytes"):
            got.append((struct.unpack_from("<I", answer["bytes"])[0], answer["bytes"][4:]))
        elif json.loads(answer["text"])["type"] == "bye":
            return got


def test_a_stream_is_what_the_live_converter_makes(client):
    wav = speech("allison", 1.0)
    with client.websocket_connect("/v1/stream") as ws:
        ws.send_json(HELLO)
        ready = ws.receive_json()
        assert (ready["type"], ready["rate"], ready["chunk_ms"]) == ("ready", RATE, 20)
        for number in range(len(wav) // BLOCK):
            ws.send_bytes(message(number, wav[number * BLOCK : (number + 1) * BLOCK].astype("<f4").tobytes()))
        ws.send_json({"type": "end"})
        got = talk(ws)
        with pytest.raises(WebSocketDisconnect) as left:
            ws.receive_json()
    assert left.value.code == 1000
    assert [number for number, _ in got] == list(range(len(got)))
    server = client.server
    alone = LiveStream(server.engine.live(server.voices.profile("carlo", "local"), None), RATE, RATE, "f32le")
    made = b"".join(alone.push(wav[i : i + BLOCK].astype("<f4").tobytes()) for i in range(0, len(wav), BLOCK))
    made += alone.finish()
    one, other = (np.frombuffer(pcm, "<f4") for pcm in (made, b"".join(pcm for _, pcm in got)))
    assert len(one) > len(wav)
    assert np.array_equal(one, other)


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_a_moment_comes_back_as_late_as_is_said(client, rate):
    live = client.server.engine.live(client.server.voices.profile("carlo", "local"), None)
    made = LiveStream(live, rate, rate, "f32le")
    n, n_out, late_ms = rate // 50, 0, []
    for number in range(1, 40):
        answer = made.push(np.zeros(n, "<f4").tobytes())
        if answer:
            late_ms.append(1000 * (number / 50 - n_out / rate + made.lag_s))
        n_out += len(answer) // 4
    back_ms = 1000 * StreamResampler(live.audio.output_rate, rate).late / rate
    assert max(late_ms) == pytest.approx(delay_ms(live.audio, rate) + back_ms, abs=0.2)


def test_a_block_does_not_wait_for_the_next_one_in_the_network():
    with open_socket("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ("not json", "bad_handshake"),
        ("{}", "bad_handshake"),
        (json.dumps(HELLO | {"rate": 1}), "bad_handshake"),
        (json.dumps(HELLO | {"voice": "nobody"}), "no_such_voice"),
        (json.dumps(HELLO | {"pitch": "high"}), "bad_pitch"),
        (json.dumps(HELLO | {"preset": "quality"}), "bad_handshake"),
        (json.dumps(HELLO | {"key": "av_00000000_x"}), "bad_key"),
        (b"\0\0\0\0", "bad_handshake"),
        (json.dumps(HELLO) + " " * stream.GREETING_CHARS, "bad_handshake"),
    ],
)
def test_a_bad_handshake_is_told_and_the_connection_closed(client, first, code):
    with client.websocket_connect("/v1/stream") as ws:
        (ws.send_bytes if isinstance(first, bytes) else ws.send_text)(first)
        told = ws.receive_json()
        assert (told["type"], told["code"]) == ("error", code)
        assert told["message"].endswith(".")
        with pytest.raises(WebSocketDisconnect) as left:
            ws.receive_json()
    assert (left.value.code, left.value.reason) == (1008, told["message"][: stream.REASON_BYTES])


def test_who_does_not_greet_holds_no_place_and_is_sent_away(client, monkeypatch):
    monkeypatch.setattr(stream, "GREETING_S", 0.5)
    with ExitStack() as stack:
        silent = [stack.enter_context(client.websocket_connect("/v1/stream")) for _ in range(3)]
        with client.websocket_connect("/v1/stream") as ws:
            ws.send_json(HELLO)
            assert ws.receive_json()["type"] == "ready"
        assert [ws.receive_json()["code"] for ws in silent] == ["no_handshake"] * 3
    until(lambda: client.server.streams.taken == 0)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\0\0", "bad_block"),
        (message(0, b"\0\0\0"), "bad_block"),
        (message(0, bytes(4 * RATE * 2)), "bad_block"),
        (message(0, np.full(BLOCK, np.nan, "<f4").tobytes()), "bad_block"),
        ('{"type": "hello"}', "bad_message"),
    ],
)
def test_a_bad_block_ends_the_stream_in_a_sentence(client, sent, code):
    with client.websocket_connect("/v1/stream") as ws:
        ws.send_json(HELLO)
        assert ws.receive_json()["type"] == "ready"
        (ws.send_bytes if isinstance(sent, bytes) else ws.send_text)(sent)
        while (answer := ws.receive()).get("bytes"):
            pass
        assert json.loads(answer["text"])["code"] == code


def test_no_more_streams_than_allowed_and_a_place_is_free_again(client):
    with client.websocket_connect("/v1/stream") as one, client.websocket_connect("/v1/stream") as two:
        for ws in (one, two):
            ws.send_json(HELLO)
            assert ws.receive_json()["type"] == "ready"
        with client.websocket_connect("/v1/stream") as three:
            three.send_json(HELLO)
            assert three.receive_json()["code"] == "busy"
            with pytest.raises(WebSocketDisconnect) as left:
                three.receive_json()
            assert left.value.code == 1013
    until(lambda: client.server.streams.taken == 0)


def test_what_comes_too_late_is_left_out_oldest_first_and_counted():
    backlog = Backlog(0.1, 1000, 2)
    for number in range(8):
        backlog.put(number, bytes([number]) * 40)  # 20 ms each
    assert (backlog.late, len(backlog), backlog.queue_ms) == (3, 5, 100)
    assert backlog.take().pcm[0] == 3
    backlog.put(9, bytes([9]) * 40)  # 8 was lost on the way: silence in its place
    assert [backlog.take().pcm[0] for _ in range(len(backlog))] == [5, 6, 7, 0, 9]
    with pytest.raises(ValueError, match="sequence number 3 after 9"):
        backlog.put(3, b"")


@pytest.fixture
def at_a_port(client, tmp_path):
    """As serving.listening, with the models of `client`."""
    config = configured(tmp_path, client.server.voices.builtin, "serve.stream_queue_s=60")
    with listening(Server(config, client.server.engine)) as made:
        yield made


def socket_to(address: str):
    return connect(f"ws{address.removeprefix('http')}/v1/stream")


def test_messages_are_never_compressed_and_have_a_largest_size(at_a_port):
    address, _ = at_a_port
    with socket_to(address) as ws:
        assert ws.protocol.extensions == [], "the client offered compression"
        ws.send(json.dumps(HELLO))
        assert json.loads(ws.recv())["type"] == "ready"
        ws.send(bytes(stream.MAX_MESSAGE_BYTES + 1))
        with pytest.raises(ConnectionClosed) as left:
            ws.recv()
    assert left.value.rcvd.code == 1009


def test_a_server_that_ends_sends_the_rest_and_says_so(at_a_port, monkeypatch):
    monkeypatch.setattr(streams, "FAREWELL_S", 60.0)  # however busy the machine is
    address, end = at_a_port
    wav, sent = (speech("allison", 1.0) * 32767).astype("<i2"), threading.Event()

    def microphone():
        yield from (wav[start : start + BLOCK].tobytes() for start in range(0, len(wav), BLOCK))
        sent.set()
        time.sleep(60)

    with socket_to(address) as silent:
        talk = Client(address).stream(microphone(), "carlo", RATE)
        heard = [next(talk)]
        assert sent.wait(60)
        end()
        with pytest.raises(ServerError, match="about to end") as told:
            heard.extend(talk)
        assert told.value.code == "going"
        assert len(b"".join(heard)) >= wav.nbytes
        assert json.loads(silent.recv())["code"] == "going"
        with pytest.raises(ConnectionClosed) as left:
            silent.recv()
    assert (left.value.rcvd.code, left.value.rcvd.reason) == (1001, "The server is about to end; connect again.")


def test_a_client_that_had_ended_before_the_server_does_is_told_bye(at_a_port, monkeypatch):
    monkeypatch.setattr(streams, "FAREWELL_S", 60.0)
    address, end = at_a_port
    pcm = (speech("allison", 1.0) * 32767).astype("<i2").tobytes()
    with socket_to(address) as ws:
        ws.send(json.dumps(HELLO | {"format": "s16le"}))
        assert json.loads(ws.recv())["type"] == "ready"
        for number, start in enumerate(range(0, len(pcm), 2 * BLOCK)):
            ws.send(message(number, pcm[start : start + 2 * BLOCK]))
        ws.send(json.dumps({"type": "end"}))
        blocks = [ws.recv()]
        end()
        while not isinstance(answer := ws.recv(), str) or json.loads(answer)["type"] == "stats":
            blocks.append(answer)
        assert json.loads(answer)["type"] == "bye"
        with pytest.raises(ConnectionClosed) as left:
            ws.recv()
    assert left.value.rcvd.code == 1000
    assert sum(len(block) - 4 for block in blocks if isinstance(block, bytes)) >= len(pcm)


def test_a_client_whose_recording_fails_is_told_of_that(at_a_port):
    def broken():
        yield bytes(2 * BLOCK)
        raise OSError("the microphone is gone")

    with pytest.raises(OSError, match="the microphone is gone"):
        list(Client(at_a_port[0]).stream(broken(), "carlo", RATE))


def test_a_refused_client_hears_why(at_a_port):
    with pytest.raises(ServerError, match="no such voice"):
        next(Client(at_a_port[0]).stream([], "nobody", RATE))


def test_damaged_recordings_are_converted_as_far_as_they_go_or_refused_in_a_sentence(client, at_a_port, tmp_path):
    """A small part of scripts/fuzz.py, as what follows."""
    seeds = clips(client.server.voices.builtin.parent / "carlo.wav")
    with httpx.Client(base_url=at_a_port[0], timeout=120) as asking:
        statuses = upload_all(asking, "carlo", 20, Random(0), seeds)
    assert statuses.keys() == {"200", "422"}
    assert list((tmp_path / "incoming").iterdir()) == []


def test_after_malformed_sessions_a_good_one_is_served(at_a_port):
    address, _ = at_a_port
    rng = Random(0)
    ended = Counter(session(rng, address, "carlo") for _ in range(12))
    assert {"1008", "1007", "left"} <= ended.keys()
    assert not ended.keys() & {"1011", "TimeoutError"}
    pcm = (speech("allison", 0.5) * 32767).astype("<i2").tobytes()
    assert len(b"".join(Client(address).stream([pcm], "carlo", RATE))) >= len(pcm)
