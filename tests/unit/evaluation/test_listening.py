"""The listening test: who hears what, what the page may know, what is kept, and what is made of it."""

import csv
import io
import json
import socket
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import soundfile as sf
from fastapi.testclient import TestClient
from listening_folder import N_CASES, SYSTEMS, write_evaluation

from autovoice.audio.loudness import active_power_dbfs, frame_power
from autovoice.cli import main
from autovoice.errors import DataError
from autovoice.evaluation.listening_cases import LOW_PASSED, SOURCE, TARGET, WORLD, read_cases, systems_of
from autovoice.evaluation.listening_clips import LEVEL_DBFS, RATE, clip_samples
from autovoice.evaluation.listening_results import (
    COLUMNS,
    Rating,
    append_rating,
    rating_of,
    read_ratings,
    start_results,
)
from autovoice.evaluation.listening_server import FILES, create_app
from autovoice.evaluation.listening_summary import screening, summarise_ratings
from autovoice.evaluation.listening_trials import check_name, clip_id, design, make_plan, n_checks

# Long enough not to stand in a clip's samples by chance.
SECRETS = (*SYSTEMS, "zebra", "anchor/", "world", "pairs.csv", "carlo", "nikolay", "s0.wav", "low-passed", '"role"')


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_evaluation(tmp_path_factory.mktemp("evaluation"))


@pytest.fixture(scope="module")
def cases(folder):
    return read_cases(folder)


def plan_of(cases, kind="mos", questions=(), systems=(), n=16, seed=0):
    return make_plan(cases, kind, questions, systems, n, seed)


@pytest.fixture
def client(cases, tmp_path):
    """client(kind) -> the real application on an empty table of ratings."""

    def opened(kind="mos", listeners=(), **more):
        app = create_app(cases, plan_of(cases, kind, **more), tmp_path / "ratings.csv", listeners)
        return TestClient(app, base_url="http://127.0.0.1")

    start_results(tmp_path / "ratings.csv")
    return opened


def session(client, listener="ada"):
    return client.get("/session", params={"listener": listener}).json()


def rate(client, trial, answer="3", listener="ada", listened_s=1.5):
    body = {"listener": listener, "trial": trial["id"], "answer": answer, "listened_s": listened_s}
    return client.post("/ratings", json=body)


# Who hears what.


def test_copies_and_missing_files_are_no_cases_and_every_case_has_its_anchors(cases, folder):
    assert len(cases) == N_CASES
    assert systems_of(cases) == [SOURCE, WORLD, *SYSTEMS]
    assert all({SOURCE, LOW_PASSED, TARGET} <= case.stimuli.keys() for case in cases)
    assert sum(WORLD in case.stimuli for case in cases) == N_CASES // 2


def test_the_real_recording_of_the_target_is_another_than_the_reference(cases):
    for case in cases:
        assert case.stimuli[TARGET].path.name[:5] == case.reference.path.name[:5]
        assert case.stimuli[TARGET].path.resolve() != case.reference.path.resolve()


@pytest.mark.parametrize("kind", ["mos", "abx"])
def test_seed_and_listener_decide_everything(kind, cases):
    plan = plan_of(cases, kind)
    assert design(cases, plan, "ada") == design(cases, plan, "ada")
    for other in (design(cases, plan, "bob"), design(cases, replace(plan, seed=1), "ada")):
        assert [t.systems for t in other] != [t.systems for t in design(cases, plan, "ada")]
        assert not {t.id for t in other} & {t.id for t in design(cases, plan, "ada")}


def test_a_longer_test_holds_the_shorter_one(cases):
    short, long = (design(cases, plan_of(cases, n=n), "ada") for n in (4, 12))
    assert {t.id for t in short} < {t.id for t in long}


def test_each_clip_of_a_rating_is_rated_once_and_systems_equally_often(cases):
    trials = design(cases, plan_of(cases), "ada")
    tests = [t for t in trials if t.role == "test"]
    assert Counter(t.systems[0] for t in tests) == dict.fromkeys(SYSTEMS, N_CASES)
    assert len({(t.systems, t.item) for t in tests}) == len(tests)


@pytest.mark.parametrize("question", ["naturalness", "similarity"])
def test_hidden_anchors_are_mixed_in(question, cases):
    trials = design(cases, plan_of(cases, questions=[question]), "ada")
    high, low = ({t.item: t.systems[0] for t in trials if t.role == role} for role in ("high", "low"))
    assert high.keys() == low.keys()
    assert len(high) == n_checks(16) == 4
    with_world = {case.name for case in cases if WORLD in case.stimuli}
    for item in high:
        natural_low = WORLD if item in with_world else LOW_PASSED
        assert (high[item], low[item]) == {
            "naturalness": (SOURCE, natural_low),
            "similarity": (TARGET, SOURCE),
        }[question]
    places = [i for i, t in enumerate(trials) if t.role != "test"]
    assert places not in (list(range(8)), list(range(16, 24)))  # not all at one end


def test_two_questions_come_one_after_the_other_and_only_one_has_a_reference(cases):
    trials = design(cases, plan_of(cases, questions=["naturalness", "similarity"], n=4), "ada")
    assert [t.question for t in trials] == ["naturalness"] * 8 + ["similarity"] * 8
    assert all(("reference" in t.clips) == (t.question == "similarity") for t in trials)


@pytest.mark.parametrize("listener", ["ada", "bob", "eve"])
def test_a_system_stands_on_either_side_equally_often(listener, cases):
    trials = design(cases, plan_of(cases, "abx", systems=[*SYSTEMS, WORLD], n=14), listener)
    for role in ("test", "catch"):
        sides = Counter(t.systems for t in trials if t.role == role)
        for first, second in sides:
            assert abs(sides[first, second] - sides[second, first]) <= 1
    assert sum(t.role == "test" for t in trials) == 14
    assert {frozenset(t.systems) for t in trials if t.role == "catch"} == {frozenset((TARGET, SOURCE))}


def test_the_sides_differ_between_trials_of_one_pair(cases):
    tests = [t for t in design(cases, plan_of(cases, "abx"), "ada") if t.role == "test"]
    assert Counter(t.systems for t in tests) == {SYSTEMS: 4, SYSTEMS[::-1]: 4}


def test_one_system_alone_is_compared_with_the_source_as_it_is(cases):
    assert plan_of(cases, "abx", systems=SYSTEMS[:1]).systems == (SOURCE, SYSTEMS[0])


# What is played.


def test_every_clip_has_one_level_and_one_rate(cases):
    stimuli = [s for case in cases for s in (case.reference, *case.stimuli.values())]
    levels = [active_power_dbfs(frame_power(clip_samples(s), RATE)) for s in stimuli]
    assert np.ptp([active_power_dbfs(frame_power(sf.read(s.path)[0], 16000)) for s in stimuli]) > 20
    assert levels == pytest.approx([LEVEL_DBFS] * len(levels), abs=0.1)


def test_the_low_anchor_lacks_what_lies_above_three_and_a_half_kilohertz(cases):
    def above(stimulus):
        power = np.abs(np.fft.rfft(clip_samples(stimulus))) ** 2
        return power[np.fft.rfftfreq(len(clip_samples(stimulus)), 1 / RATE) > 3600].sum() / power.sum()

    assert above(cases[0].stimuli[LOW_PASSED]) < 1e-6 < above(cases[0].stimuli[SOURCE])


# What the page may know.


@pytest.mark.parametrize(("kind", "answers"), [("mos", "12345"), ("abx", "ab")])
def test_no_answer_of_the_server_names_a_system_from_the_first_page_to_the_last(kind, answers, client, folder):
    app = client(kind)
    heard = [app.get(path) for path in (*FILES, "/test")]
    heard.append(app.get("/session", params={"listener": "ada"}))
    for i, trial in enumerate(heard[-1].json()["trials"]):
        heard += [app.get(url) for url in trial["clips"].values()]
        heard.append(rate(app, trial, answers[i % len(answers)]))
    heard.append(app.get("/session", params={"listener": "ada"}))
    assert heard[-1].json()["trials"] == []
    for response in heard:
        assert response.status_code == 200
        text = response.content.decode("latin-1").lower() + str(response.headers).lower()
        assert not [secret for secret in (*SECRETS, str(folder).lower()) if secret in text], response.url


def test_clips_differ_in_nothing_but_their_sound(client):
    app = client()
    trials = session(app)["trials"]
    names = [url for trial in trials for url in trial["clips"].values()]
    assert len(set(names)) == len(names) == len(trials)
    answers = [app.get(name) for name in names]
    assert len({a.content[:40] for a in answers if len(a.content) == len(answers[0].content)}) == 1
    assert {sf.info(io.BytesIO(a.content)).samplerate for a in answers} == {RATE}
    assert {a.headers["cache-control"] for a in answers} == {"no-store"}


def test_a_listener_finds_the_same_test_again_after_a_restart(client):
    assert session(client()) == session(client())


# What is kept.


def test_who_comes_back_continues_with_what_is_left(client):
    app = client(n=4)
    first = session(app)
    assert (first["total"], first["done"]) == (8, 0)
    for trial in first["trials"][:3]:
        assert rate(app, trial).json()["new"]
    again = session(client(n=4))
    assert again["done"] == 3
    assert [t["id"] for t in again["trials"]] == [t["id"] for t in first["trials"][3:]]
    assert session(client(n=4), "bob")["done"] == 0


def test_an_answer_sent_twice_counts_once_and_the_first_stays(client, tmp_path):
    app = client()
    trial = session(app)["trials"][0]
    assert rate(app, trial, "4").json()["new"]
    second = rate(app, trial, "1").json()
    assert (second["new"], second["done"]) == (False, 1)
    assert [r.answer for r in read_ratings(tmp_path / "ratings.csv")] == ["4"]


def test_a_row_says_what_was_heard(client, cases, tmp_path):
    app = client("abx")
    trial = session(app)["trials"][0]
    rate(app, trial, "b", listened_s=3.25)
    (row,) = csv.DictReader((tmp_path / "ratings.csv").open(encoding="utf-8"))
    planned = design(cases, plan_of(cases, "abx"), "ada")[0]
    assert (row["system_a"], row["system_b"], row["item"], row["role"]) == (
        *planned.systems,
        planned.item,
        planned.role,
    )
    assert (row["listener"], row["trial"], row["kind"], row["question"]) == ("ada", trial["id"], "abx", "nearer")
    assert (row["answer"], row["listened_s"]) == ("b", "3.25")
    assert row["time"].endswith("+00:00")


def ratings(listener="ada", n=3):
    return [Rating(listener, f"t{i}", "mos", "naturalness", "test", "s", "", f"i{i}", "3", 1.0, "") for i in range(n)]


def test_a_line_that_a_crash_tore_is_dropped_and_the_others_stay(tmp_path):
    path = tmp_path / "r.csv"
    one, two, three = ratings()
    assert append_rating(path, one)
    assert append_rating(path, two)
    path.write_bytes(path.read_bytes()[:-9])
    assert read_ratings(path) == [one]
    assert append_rating(path, three)
    assert append_rating(path, two)
    assert read_ratings(path) == [one, three, two]


def test_several_writers_of_one_file_lose_nothing(tmp_path):
    jobs = [r for name in "abcd" for r in ratings(name, 10)]
    with ThreadPoolExecutor(8) as pool:
        new = list(pool.map(lambda r: append_rating(tmp_path / "r.csv", r), jobs * 2))
    assert sum(new) == len(jobs)
    assert set(read_ratings(tmp_path / "r.csv")) == set(jobs)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("speaker,path\na,b\n", "no table of ratings"),
        (",".join(COLUMNS) + "\na,b\n", "line 2 is no rating"),
        (",".join(COLUMNS) + "\nada,t,mos,naturalness,test,s,,i,6,1.0,\n", "line 2 has the answer '6'"),
        (",".join(COLUMNS) + "\nada,t,abx,nearer,test,s,r,i,3,1.0,\n", "line 2 has the answer '3'"),
    ],
)
def test_a_file_that_is_another_table_is_refused_and_left_alone(text, says, tmp_path):
    path = tmp_path / "r.csv"
    path.write_text(text, encoding="utf-8")
    for action in (read_ratings, start_results, lambda p: append_rating(p, ratings()[0])):
        with pytest.raises(DataError, match=says):
            action(path)
    assert path.read_text(encoding="utf-8") == text


# Bad input.


@pytest.mark.parametrize("answer", ["0", "6", "3.5", "a", "", "-1", "55"])
def test_a_rating_out_of_range_is_refused_and_not_kept(answer, client, tmp_path):
    app = client()
    assert rate(app, session(app)["trials"][0], answer).status_code == 422
    assert read_ratings(tmp_path / "ratings.csv") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"listener": "../ada"},
        {"listener": ""},
        {"listened_s": -1},
        {"listened_s": "nan"},
        {"answer": 3},
        {"trial": "x" * 65},
    ],
)
def test_a_malformed_answer_is_refused_and_not_kept(wrong, client, tmp_path):
    app = client()
    good = {"listener": "ada", "trial": session(app)["trials"][0]["id"], "answer": "3", "listened_s": 1.0}
    assert app.post("/ratings", json=good | wrong).status_code == 422
    assert read_ratings(tmp_path / "ratings.csv") == []
    assert app.post("/ratings", json=good).status_code == 200


def test_another_listeners_trial_and_an_unknown_one_are_not_found(client):
    app = client()
    assert rate(app, session(app, "bob")["trials"][0], listener="ada").status_code == 404
    assert rate(app, {"id": "0123456789abcdef"}).status_code == 404


@pytest.mark.parametrize("listener", ["a/b", "../x", "a b", "<b>", "", "x" * 41, "a\n"])
def test_names_of_listeners_that_are_no_plain_names_are_refused(listener, client):
    assert client().get("/session", params={"listener": listener}).status_code == 422
    with pytest.raises(DataError, match="not a listener's name"):
        check_name(listener)


def test_only_who_was_invited_takes_part(client):
    app = client(listeners=["ada"])
    assert app.get("/test").json()["listeners"] == ["ada"]
    assert app.get("/session", params={"listener": "eve"}).status_code == 404
    assert session(app, "ada")["done"] == 0


@pytest.mark.parametrize(
    "path",
    [
        "/clips/0123",
        "/clips/..%2f..%2fpairs.csv",
        "/clips/%2fetc%2fpasswd",
        "/pairs.csv",
        "/page/listen.html",
        "/docs",
        "/openapi.json",
    ],
)
def test_no_path_reaches_the_disk(path, client):
    app = client()
    session(app)
    assert app.get(path).status_code == 404


def test_another_host_name_is_refused(client):
    assert client().get("/test", headers={"Host": "evil.example"}).status_code == 400


def test_a_clip_that_went_bad_is_a_fault_without_its_path(tmp_path):
    cases = read_cases(write_evaluation(tmp_path / "yak"))
    start_results(tmp_path / "r.csv")
    app = TestClient(
        create_app(cases, plan_of(cases, systems=SYSTEMS[:1], n=1), tmp_path / "r.csv"), "http://localhost"
    )
    trials = {trial.id: trial for trial in design(cases, plan_of(cases, systems=SYSTEMS[:1], n=1), "ada")}
    shown = next(t for t in session(app)["trials"] if trials[t["id"]].role == "test")
    trials[shown["id"]].clips["clip"].path.write_text("this is not audio")
    answer = app.get(f"/clips/{clip_id(trials[shown['id']], 'clip')}")
    assert (answer.status_code, answer.json()) == (500, {"detail": "This clip cannot be read."})


def test_each_misuse_of_the_command_is_exit_2_and_one_sentence(folder, tmp_path, capsys):
    empty = tmp_path / "empty"
    empty.mkdir()
    only_copies = tmp_path / "copies"
    only_copies.mkdir()
    head, *lines = (folder / "pairs.csv").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("copier")]
    (only_copies / "pairs.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    (tmp_path / "other.csv").write_text("a,b\n", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        uses = {
            "no such folder": [tmp_path / "nowhere"],
            "no such file": [empty],
            "holds no conversions": [only_copies],
            "is not this computer": [folder, "--host", "0.0.0.0"],
            "no system 'rvc'": [folder, "--system", "rvc"],
            "not a listener's name": [folder, "--listener", "a/b"],
            "with --kind mos only": [folder, "--kind", "abx", "--ask", "similarity"],
            "is no table of ratings": [folder, "--results", tmp_path / "other.csv"],
            "cannot listen on port": [folder, "--port", taken.getsockname()[1], "--results", tmp_path / "new.csv"],
            "autovoice evaluate": [empty / "x.csv", "--summarise"],
            "no such file; let somebody": [empty, "--summarise"],
            "no ratings yet": [folder, "--summarise", "--results", tmp_path / "new.csv"],
        }
        for says, argv in uses.items():
            assert main(["listen", *map(str, argv), "--no-browser"]) == 2, says
            out, err = capsys.readouterr()
            assert says in err
            assert (out, err.count("\n")) == ("", 1)


@pytest.mark.parametrize(
    "option", [("--n", "0"), ("--port", "70000"), ("--seed", "-1"), ("--kind", "ab"), ("--n", "x")]
)
def test_numbers_out_of_range_are_bad_use(option, folder):
    with pytest.raises(SystemExit, match="2"):
        main(["listen", str(folder), *option])


def test_without_the_serve_extra_one_sentence_says_what_to_install(folder):
    script = "import sys; sys.modules['fastapi'] = None; from autovoice.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", script, "listen", str(folder), "--no-browser"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "autovoice listen: the package fastapi is missing; pip install 'autovoice[serve]'.\n"


# What is made of it.


def opinion(listener, system, item, answer, role="test"):
    trial = f"{system} {item} {role}"
    return Rating(listener, trial, "mos", "naturalness", role, system, "", item, str(answer), 1.0, "")


def choice(listener, first, second, item, answer, role="test"):
    return Rating(listener, f"{item} {role}", "abx", "nearer", role, first, second, item, answer, 1.0, "")


LISTENERS = ("ada", "bob", "eve", "tom")


def matrix(listeners=LISTENERS):
    """Listener i rates item j of `ours` with 1 + (i + j) % 4: each of 1 to 4 equally often, the mean is 2.5."""
    return [opinion(name, "ours", f"i{j}", 1 + (i + j) % 4) for i, name in enumerate(listeners) for j in range(4)]


def test_mean_opinions_are_the_hand_computed_ones():
    found = summarise_ratings([*matrix(), *(opinion(n, "theirs", f"i{j}", 5) for n in LISTENERS for j in range(4))])
    ours, theirs = found["opinions"]
    assert (ours["system"], ours["kept"]["mean"], ours["kept"]["n"], ours["kept"]["listeners"]) == ("ours", 2.5, 16, 4)
    assert 1.0 <= ours["kept"]["low"] < 2.5 < ours["kept"]["high"] <= 4.0
    assert (theirs["kept"]["low"], theirs["kept"]["mean"], theirs["kept"]["high"]) == (5.0, 5.0, 5.0)
    assert ours["kept"] == ours["everyone"]


@pytest.mark.parametrize("few", [matrix(LISTENERS[:3]), [r for r in matrix() if r.item in ("i0", "i1", "i2")]])
def test_few_listeners_or_items_are_not_enough_data(few):
    (row,) = summarise_ratings(few)["opinions"]
    assert (row["kept"]["enough"], row["kept"]["low"], row["kept"]["high"]) == (False, None, None)
    assert row["kept"]["n"] == 12


def test_preferences_count_for_the_system_whatever_its_side():
    sides = [("x", "y"), ("y", "x")]
    rated = []
    for i, name in enumerate(LISTENERS):
        for j in range(4):
            first, second = sides[(i + j) % 2]
            winner = "x" if i < 3 else "y"  # three listeners of four
            rated.append(choice(name, first, second, f"i{j}", "a" if first == winner else "b"))
    (row,) = summarise_ratings(rated)["preferences"]
    assert row["systems"] == ["x", "y"]
    assert row["kept"]["mean"] == 0.75
    by_hand = 2 * (1 + 16 + 120 + 560 + 1820) / 2**16  # 4 or fewer of 16 fair tosses, two-sided
    assert row["kept"]["p"] >= by_hand
    assert row["kept"]["low"] < 0.5  # one listener in four thinks otherwise: 12 of 16 is not 12 independent answers
    assert row["kept"]["p_holm"] == row["kept"]["p"]


def test_p_of_a_unanimous_pair_is_the_bootstrap_floor_or_the_binomials_and_holm_counts_the_pairs():
    pairs = [("x", "y"), ("x", "z")]
    rated = [choice(n, *pair, f"{pair[1]}{j}", "a") for pair in pairs for n in LISTENERS for j in range(4)]
    for row in summarise_ratings(rated)["preferences"]:
        assert row["kept"]["mean"] == 1.0
        assert row["kept"]["p"] == pytest.approx(2 / 2**16)
        assert row["kept"]["p_holm"] == pytest.approx(4 / 2**16)


def test_who_mixes_up_the_anchors_is_named_and_numbers_are_given_with_and_without():
    def anchors(name, wrong):
        answers = [(2, 4) if j < wrong else (4, 2) for j in range(7)]
        return [
            opinion(name, s, f"i{j}", a, s)
            for j, pair in enumerate(answers)
            for s, a in zip(("high", "low"), pair, strict=True)
        ]

    names = (*LISTENERS, "eva", "max")
    wrong = dict.fromkeys(names, 0) | {"bob": 1, "max": 2}  # 1 of 7 is 14 %, 2 of 7 are 29 %
    rated = [r for name in names for r in anchors(name, wrong[name])]
    rated += [*matrix(LISTENERS), *(opinion("max", "ours", f"i{j}", 5) for j in range(4))]
    found = summarise_ratings(rated)
    assert {n: (v["checks"], v["wrong"], v["failed"]) for n, v in found["listeners"]["mos"].items()} == {
        n: (7, wrong[n], n == "max") for n in names
    }
    ours = next(o for o in found["opinions"] if o["system"] == "ours")
    assert (ours["kept"]["mean"], ours["kept"]["n"]) == (2.5, 16)
    assert (ours["everyone"]["mean"], ours["everyone"]["n"]) == (3.0, 20)


def test_equal_anchors_are_not_mixed_up_and_one_of_a_pair_is_no_check():
    rated = [opinion("ada", s, "i0", 3, s) for s in ("high", "low")] + [opinion("ada", "low", "i1", 5, "low")]
    assert screening(rated)["ada"] == {"ratings": 3, "checks": 1, "wrong": 0, "failed": None}


def test_catch_trials_are_failed_by_who_does_not_find_the_target():
    def caught(name, right):
        return [
            choice(name, *((TARGET, SOURCE) if j % 2 else (SOURCE, TARGET)), f"i{j}", "ab"[(j % 2) ^ right], "catch")
            for j in range(4)
        ]

    found = screening([*caught("ada", True), *caught("bob", False)])
    assert {n: (v["wrong"], v["failed"]) for n, v in found.items()} == {"ada": (0, False), "bob": (4, True)}
    assert summarise_ratings(caught("ada", True))["preferences"] == []


def test_the_command_prints_the_summary_of_a_whole_test(folder, client, cases, tmp_path, capsys):
    app = client("abx")
    planned = {name: {t.id: t for t in design(cases, plan_of(cases, "abx"), name)} for name in LISTENERS}
    for name in LISTENERS:
        for trial in session(app, name)["trials"]:
            systems = planned[name][trial["id"]].systems
            wanted = TARGET if TARGET in systems else SYSTEMS[0]
            assert rate(app, trial, "ab"[systems.index(wanted)], name).json()["new"]
    argv = ["listen", str(folder), "--summarise", "--results", str(tmp_path / "ratings.csv")]
    assert main([*argv, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ratings"] == 4 * (8 + 4)
    (row,) = found["preferences"]
    assert (row["systems"], row["kept"]["mean"], row["kept"]["n"]) == (list(SYSTEMS), 1.0, 32)
    assert {v["failed"] for v in found["listeners"]["abx"].values()} == {False}
    assert main(argv) == 0
    text = capsys.readouterr().out
    assert "passed" in text
    assert "1.00 [1.00, 1.00] n=32" in text


def test_a_rating_of_one_system_leaves_the_second_place_empty(cases):
    mos, abx = (design(cases, plan_of(cases, kind), "ada")[0] for kind in ("mos", "abx"))
    assert rating_of(mos, "ada", "3", 1.0).system_b == ""
    assert (rating_of(abx, "ada", "a", 1.0).system_a, rating_of(abx, "ada", "a", 1.0).system_b) == abx.systems
