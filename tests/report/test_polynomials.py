"""What held polynomial activations, counted by hand."""

import dataclasses

import numpy as np
import pytest
from whole import whole_record

import pnn
from pnn.analysis.health import Health
from pnn.experiments.polynomials import Arm
from pnn.experiments.rates import Tried
from pnn.report import polynomials

RUN = pnn.Run(pnn.Digits(), pnn.CNN("standard", 4), pnn.Recipe(2), 0, "smoke")
ROWS = 10


def record(seed: int, outside: float, exploded: int, worst: float) -> pnn.Record:
    health = Health(0, 0, 3.0, 4.0, outside, outside, 0, exploded, 1.0)
    hits = pnn.runs.score.Hits.of(np.arange(ROWS) % 2 == 0)
    found = whole_record(dataclasses.replace(RUN, seed=seed), health=health, hits=hits)
    own = {"validation_outside": [worst, 0.0], "validation_exploded": [0.5, worst], "clip_rate": [1.0, 0.5]}
    return dataclasses.replace(found, curves=found.curves | own)


def test_names_are_those_of_a_reader_and_one_rate_is_taken():
    arms = {Arm("relu"): [], Arm("powers", 8): [], Arm("chebyshev", 22): [], Arm("powers", 8, "published"): []}
    assert list(polynomials.named(arms)) == ["ReLU", "powers, degree 8", "Chebyshev, degree 22"]
    assert list(polynomials.named(arms, "published")) == ["powers, degree 8"]


def test_what_lay_outside_is_that_of_the_worst_run_and_epoch():
    lost = pnn.Record.of_failure(dataclasses.replace(RUN, seed=2), "diverged", "step 1")
    arms = {"ReLU": [whole_record(RUN)], "held": [record(0, 0.01, 1, 0.2), record(1, 0.02, 2, 0.1), lost]}
    table = polynomials.held(arms)
    held = table.frame.loc["held"]
    assert (held["n"], held["lost"]) == (3, 1)
    assert held["share"] == pytest.approx(100 / 3)
    shares = [held[name] for name in ("outside", "worst_outside", "exploded", "worst", "clipped")]
    assert shares == pytest.approx([2, 20, 200 / ROWS, 50, 75])
    assert table.text.loc["ReLU"].tolist()[2:] == ["–"] * 5
    assert table.text.loc["held"].tolist()[0] == "1\xa0of\xa03"


def test_a_table_of_the_tuning_shows_every_rate_and_what_was_lost_there():
    def runs(*accuracies: float | None) -> list[pnn.Record]:
        at = [dataclasses.replace(RUN, seed=1000 + place) for place in range(len(accuracies))]
        return [
            whole_record(run, found) if found else pnn.Record.of_failure(run, "diverged", "step 1")
            for run, found in zip(at, accuracies, strict=True)
        ]

    arm = Arm("powers", 8)
    tuning = {Tried(arm, 0.001): runs(0.5, 0.7), Tried(arm, 0.003): runs(0.9, None), Tried(arm, 0.01): runs(None, None)}
    table = polynomials.tuned(tuning)
    assert table.text.loc["powers, degree 8"].tolist() == ["0.001", "60.00", "90.00 (1 lost)", "– (2 lost)"]
