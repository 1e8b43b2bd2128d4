"""Record: every field is checked, on reading and on construction, and what is damaged is named."""

import base64
import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
from whole import whole_record

import pnn
from pnn.analysis.health import Health
from pnn.runs.record import Record, explosion
from pnn.runs.score import Hits

ROOT = Path(__file__).parents[2]
RUN = pnn.Run(pnn.Digits(), pnn.CNN("polynomial", 4), pnn.Recipe(2), 0, "smoke")
EARLY = dataclasses.replace(RUN, recipe=pnn.Recipe(4, patience=1))
BASELINE = pnn.Run(pnn.Digits(), pnn.Majority(), pnn.Recipe(1, source="scikit-learn"), 0, "smoke")
RIGHT = np.array([True, False, False, True, False, True, True, False, True, False])  # half of ten rows
RECORD = whole_record(RUN, 0.5, health=Health(0, 1, 2.5, 3.5), hits=Hits.of(RIGHT))
READ = dataclasses.replace(RECORD, readings={"1.beta": [[1.0], [0.5], [-2e-3]], "at-end": [[[1.0, 2.0]], [[3.0, 4.0]]]})
EXPLODED = dataclasses.replace(
    RECORD, outcome="exploded", message="why", final=RECORD.final | {"train": pnn.Score(24.0, 0.5)}
)


def damaged(change, record: Record = RECORD) -> str:
    form = record.to_dict()
    change(form)
    return json.dumps(form)


@pytest.mark.parametrize(
    "record", [RECORD, READ, EXPLODED, whole_record(EARLY), whole_record(BASELINE, hits=Hits.of(RIGHT))]
)
def test_a_whole_record_survives_json(record):
    assert Record.from_json(record.to_json()) == Record.from_json(record.to_json(indent=1)) == record


def test_an_older_record_lacks_the_later_fields_and_says_so():
    record = whole_record(RUN)
    assert record.health is record.hits is record.readings is None
    assert not {"health", "hits", "readings"} & record.to_dict().keys()


@pytest.mark.parametrize("rows", [1, 7, 8, 9, 10_000])
def test_hits_are_a_bit_a_row(rows):
    right = np.random.default_rng(rows).random(rows) < 0.5
    hits = Hits.of(right)
    assert (hits.array() == right).all()
    assert hits.array().dtype == bool
    byte = base64.b64decode(hits.bits)[0]
    assert bool(byte & 128) == right[0]  # the first row is the highest bit


def set_to(*where):
    """A change of a form: the value at a path."""
    *path, name, value = where

    def change(form):
        for key in path:
            form = form[key]
        form[name] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_to("message", 3), r"Record\.message must be text; got 3"),
        (set_to("message", "why"), 'message must be empty for the outcome "ok"'),
        (set_to("outcome", "fine"), "outcome must be one of ok, failed, diverged, exploded, oom, timeout, killed, got"),
        (set_to("outcome", ["ok"]), "outcome must be one of"),
        (set_to("outcome", "exploded"), "message must say what made it"),
        (set_to("commit", None), "a Record has the fields|commit must be text"),
        (set_to("seconds", "1.0"), r"seconds must be a number; got '1\.0'"),
        (set_to("seconds", -1.0), "seconds must be finite and at least 0; got -1"),
        (set_to("seconds", True), "seconds must be a number; got True"),
        (set_to("seconds", 10**400), "seconds must be finite"),
        (set_to("sessions", 1.0), r"sessions must be a whole number of at least 0; got 1\.0"),
        (set_to("sessions", 0), 'sessions must be at least 1 for the outcome "ok"'),
        (set_to("sessions", True), "sessions must be a whole number"),
        (set_to("curves", []), "curves must be an object"),
        (set_to("curves", {}), "curves must have train_loss, .*, seconds"),
        (set_to("curves", "loss", [1.0, 2.0]), "curves may have train_loss, .* and norms; got 'loss'"),
        (set_to("curves", "activation_rms.0", [1.0, 2.0]), "curves may have"),
        (set_to("curves", "train_loss", 0.5), r"curves\.train_loss must be a list"),
        (set_to("curves", "train_loss", [0.5, "0.4"]), r"curves\.train_loss\[1\] must be a number; got '0\.4'"),
        (set_to("curves", "train_loss", [0.5, None]), r"curves\.train_loss\[1\] must be a number; got None"),
        (set_to("curves", "train_loss", [0.5, -0.1]), r"curves\.train_loss\[1\] must be finite and at least 0"),
        (set_to("curves", "train_accuracy", [0.5, 50.0]), r"curves\.train_accuracy\[1\] must be between 0 and 1"),
        (set_to("curves", "train_loss", [0.5]), "curves must all be of one length; got '1 .*2 "),
        (set_to("curves", "seconds", [0.5] * 3), r"curves\.seconds must have at most 2 entries, one an epoch; got 3"),
        (set_to("final", []), "final must be an object"),
        (set_to("final", {}), "final must have train, validation, test"),
        (lambda form: form["final"].pop("validation"), "final must have validation"),
        (
            set_to("final", "other", {"loss": 1.0, "accuracy": 0.5}),
            "final may have train, validation, test; got 'other'",
        ),
        (
            set_to("final", "test", 0.5),
            r"final\.test must be an object with loss and accuracy, or of numbers loss and r2, got 0\.5",
        ),
        (set_to("final", "test", {"loss": 1.0}), r"final\.test must be an object with loss and accuracy"),
        (set_to("final", "test", "accuracy", 1.5), r"final\.test\.accuracy must be between 0 and 1; got 1\.5"),
        (set_to("final", "test", "loss", -0.5), r"final\.test\.loss must be finite and at least 0"),
        (set_to("final", "test", "loss", "0.5"), r"final\.test\.loss must be a number; got '0\.5'"),
        (set_to("final", "test", "loss", 23.1), 'outcome must be "exploded" where a final loss is above 23.0258509'),
        (set_to("final", "test", "accuracy", 0.6), r"hits must be of the test accuracy, 0\.6; got 0\.5"),
        (set_to("health", {"dead": 0}), "health must be an object with nonfinite and dead and"),
        (set_to("health", "dead", -1), r"health\.dead must be a whole number of at least 0; got -1"),
        (set_to("health", "train_logit", None), r"health\.train_logit must be a number"),
        (
            set_to("health", "test_exploded", 1.5),
            r"health\.test_exploded must be a whole number of at least 0; got 1\.5",
        ),
        (set_to("health", "test_median", -1.0), r"health\.test_median must be finite and at least 0; got -1\.0"),
        (set_to("health", "scaled_median", [1.0]), r"health\.scaled_median must be a list of 5 numbers; got \[1\.0\]"),
        (set_to("health", "scaled_largest", [1.0] * 4 + [None]), r"health\.scaled_largest\[4\] must be a number"),
        (set_to("hits", "rows", 0), r"hits\.rows must be a whole number of at least 1; got 0"),
        (set_to("hits", "rows", 20), r"hits\.bits must be of 20 rows, 3 bytes; got 2"),
        (set_to("hits", "rows", 16), "hits must be of the test accuracy"),
        (set_to("hits", "bits", "%%%%"), r"hits\.bits must be base64"),
        (set_to("hits", "bits", "//8="), r"hits\.bits must be 0 after the last of 10 rows"),
        (set_to("hits", "bits", 5), r"hits\.bits must be text"),
        (set_to("readings", {}), "readings must be an object with arrays, or missing; got {}"),
        (set_to("readings", [[1.0]]), "readings must be an object with arrays, or missing"),
        (set_to("readings", {"a b": [1.0]}), "readings must have names of letters, digits, _, - and dots; got 'a b'"),
        (set_to("readings", {"": [1.0]}), "readings must have names of letters"),
        (set_to("readings", {"a": 1.0}), r"readings\.a must be a list that is not empty; got 1\.0"),
        (set_to("readings", {"a": []}), r"readings\.a must be a list that is not empty; got \[\]"),
        (set_to("readings", {"a": [[], []]}), r"readings\.a must be a list that is not empty; got \[\[\], \[\]\]"),
        (set_to("readings", {"a": [[1.0], [1.0, 2.0]]}), r"readings\.a must be an array, all parts of it of one shape"),
        (set_to("readings", {"a": [1.0, [2.0]]}), r"readings\.a must be an array, all parts of it of one shape"),
        (set_to("readings", {"a": [1.0, "2"]}), r"readings\.a\[1\] must be a number; got '2'"),
        (set_to("readings", {"a": [1.0, True]}), r"readings\.a\[1\] must be a number; got True"),
        (set_to("readings", {"a": [[0.0], [1.0, None]]}), r"readings\.a\[1\]\[1\] must be a number; got None"),
        (set_to("readings", {"a": [[-(10**400)]]}), r"readings\.a\[0\]\[0\] must be finite"),
        (lambda form: form["budget"].pop("macs"), "budget must have macs"),
        (set_to("budget", "macs", 1.5), r"budget\.macs must be a whole number"),
        (set_to("budget", "flops", 1), "budget may have .*; got 'flops'"),
        (set_to("used", {}), "used must have device"),
        (set_to("used", "threads", 0), r"used\.threads must be a whole number of at least 1; got 0"),
        (set_to("used", "compile", 0), r"used\.compile must be true or false; got 0"),
        (set_to("used", "device", 1), r"used\.device must be text; got 1"),
        (set_to("used", "colour", "red"), "used may have .*; got 'colour'"),
        (set_to("versions", "torch", 2.15), r"versions\.torch must be text; got 2\.15"),
        (set_to("versions", "numpy", "2"), "versions may have .*; got 'numpy'"),
        (set_to("data", {}), "data must have origin, fingerprint"),
        (set_to("data", "fingerprint", None), r"data\.fingerprint must be text"),
        (set_to("top5", 0.9), "a Record has the fields .*; got .*top5"),
        (lambda form: form.pop("data"), "a Record has the fields"),
        (set_to("run", None), "Run must be an object"),
        (set_to("run", "seed", "3"), r"Run\.seed must be of type int"),
    ],
)
def test_a_damaged_record_says_where(change, message):
    with pytest.raises(pnn.RunError, match=message):
        Record.from_json(damaged(change))


@pytest.mark.parametrize(
    ("record", "change", "message"),
    [
        (EXPLODED, set_to("message", ""), 'message must say what made it "exploded"'),
        (EXPLODED, set_to("final", "train", "loss", 23.0), "and nowhere else"),
        (EXPLODED, set_to("outcome", "diverged"), 'final must be empty for the outcome "diverged"'),
        (whole_record(EARLY), lambda form: form["used"].pop("best_epoch"), "used must have best_epoch"),
        (whole_record(EARLY), set_to("used", "best_epoch", 5), "best_epoch must be one of the 4 epochs; got 5"),
        (whole_record(BASELINE), set_to("curves", "train_loss", [0.1]), "curves must be empty for a baseline"),
        (Record.of_failure(RUN, "killed", "why"), set_to("message", ""), 'message must say what made it "killed"'),
        (
            Record.of_failure(RUN, "killed", "why"),
            set_to("health", {"nonfinite": 0, "dead": 0, "train_logit": 1.0, "test_logit": 1.0}),
            "health must be empty",
        ),
    ],
)
def test_what_does_not_go_with_its_outcome_is_an_error(record, change, message):
    with pytest.raises(pnn.RunError, match=message):
        Record.from_json(damaged(change, record))


def test_a_training_that_was_not_stopped_early_has_all_epochs():
    text = damaged(lambda form: form["curves"].update({name: [0.5] for name in form["curves"]}))
    with pytest.raises(pnn.RunError, match='curves must have 2 entries for the outcome "ok"; got 1'):
        Record.from_json(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RECORD.to_json()[:-1] + ', "seconds": 2.0}', "'seconds' stands there twice"),
        (
            RECORD.to_json().replace('"device": "an abacus"', '"device": "a", "device": "b"'),
            "'device' stands there twice",
        ),
        (RECORD.to_json().replace('"seconds": 1.0', '"seconds": NaN'), "must be finite, got NaN"),
        (RECORD.to_json().replace('"seconds": 1.0', '"seconds": Infinity'), "must be finite, got Infinity"),
        (RECORD.to_json().replace('"seconds": 1.0', '"seconds": 1e999'), "seconds must be finite"),
        ("[]", "a Record has the fields"),
        ("null", "a Record has the fields"),
    ],
)
def test_json_that_means_two_things_or_no_number_is_an_error(text, message):
    with pytest.raises(pnn.RunError, match=message):
        Record.from_json(text)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seconds": math.nan}, "seconds must be finite"),
        ({"final": RECORD.final | {"test": (0.5, 0.5)}}, r"final\.test must be a Score"),
        ({"health": (0, 0, 1.0, 1.0)}, "health must be a Health"),
        ({"hits": RIGHT}, "hits must be a Hits"),
        ({"run": "cifar10"}, "run must be a Run"),
    ],
)
def test_a_record_is_checked_when_it_is_made(changes, message):
    with pytest.raises(pnn.RunError, match=message):
        dataclasses.replace(RECORD, **changes)


@pytest.mark.parametrize("thing", [RECORD, RECORD.final["test"], RECORD.health, RECORD.hits])
def test_nothing_of_a_record_can_be_changed(thing):
    for field in dataclasses.fields(thing):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(thing, field.name, None)


@pytest.mark.parametrize(("loss", "exploded"), [(23.02, False), (23.03, True)])
def test_a_loss_of_ten_uniform_guesses_is_an_explosion(loss, exploded):
    final = RECORD.final | {"validation": pnn.Score(loss, 0.1)}  # ten classes: 10 ln 10 = 23.026
    message = explosion(RUN, final)
    assert bool(message) == exploded
    if exploded:
        assert message == "the validation loss is 23.03, above 23.03: ten times that of a uniform guess"
    assert explosion(BASELINE, final) == ""


@pytest.mark.parametrize(
    ("buffers", "optimiser", "outcome"),
    [(0, 0, "ok"), (2, 0, "exploded"), (0, 3, "exploded"), (2, None, "ok")],  # None: a Record from before it was judged
)
def test_what_is_not_finite_is_an_explosion_though_the_loss_is_small(buffers, optimiser, outcome):
    health = dataclasses.replace(RECORD.health, nonfinite=buffers, nonfinite_optimiser=optimiser)
    message = explosion(RUN, RECORD.final, health)
    assert ("exploded" if message else "ok") == outcome
    record = dataclasses.replace(RECORD, health=health, outcome=outcome, message=message)
    assert pnn.Record.from_json(record.to_json()) == record
    with pytest.raises(pnn.RunError, match=r"Record\.outcome must be"):
        dataclasses.replace(record, outcome="ok" if message else "exploded", message="" if message else "why")


# --- the committed ones ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def committed() -> dict[Path, dict]:
    return {path: json.loads(path.read_text()) for path in ROOT.glob("results/*/*/*.json")}


def test_the_committed_records_are_whole_and_lie_under_their_names(committed):
    assert committed
    for path, form in committed.items():
        record = Record.from_json(path.read_text())
        assert record.to_json(indent=1) + "\n" == path.read_text()
        run = form["run"]
        assert path.relative_to(ROOT / "results").parts[:2] == (run["task"]["name"], run["size"])
        assert path.stem == record.run.name


def test_the_committed_outcomes_follow_from_the_losses(committed):
    classes = {"cifar10": 10, "cifar100": 100, "boolq": 2, "boolq-words": 2, "higgs": 2}
    for path, form in committed.items():
        limit = 10 * math.log(classes[form["run"]["task"]["name"]])
        exploded = any(score["loss"] > limit for score in form["final"].values())
        assert (form["outcome"] == "exploded") == exploded, path
