"""Tables of timings: of the committed ones, and what is missing."""

import json

import pytest

from pnn.report import timings

RATIO = {"median": 1.2, "low": 1.1, "high": 1.3}


def test_what_was_not_timed_is_an_error_that_says_how_to(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no step_time-\*\.json in .*; run python benchmarks/step_time\.py"):
        timings.read("step_time", str(tmp_path))
    (tmp_path / "step_time-x.json").write_text(json.dumps({"a": 1}))
    assert timings.read("step_time", str(tmp_path)) == [{"a": 1}]


def test_steps_are_counted_where_the_range_is_on_one_side():
    row = {"size": "laptop", "layout": "channels_last", "compiled": True, "over standard": RATIO}
    low = {"median": 0.9, "low": 0.8, "high": 0.95}
    rows = [row | {"over three convolutions": low}, row | {"over three convolutions": RATIO}]
    own = {"device": "an abacus", "threads": 1, "torch": "2", "batch": 9, "rounds": 3, "rows": rows}
    ratios = ["1.20 (1.10 to 1.30)", "0.90 (0.80 to 0.95)"]
    assert timings.steps(own).text.iloc[0].tolist() == ["channels last", "yes", *ratios]
    assert timings.steps_counted(own).frame["above"].tolist() == [2, 1]
    assert timings.steps_counted(own).frame["below"].tolist() == [0, 1]


def test_a_neuron_without_a_width_of_equal_time_says_none():
    row = {"task": "higgs", "neuron": "kan", "standard width": 80, "equal parameters": 23, "match": None}
    own = {"device": "d", "threads": 2, "size": "laptop", "rows": [row | {"over standard": {"23": RATIO}}]}
    assert timings.neurons(own).text.iloc[0].tolist() == ["80", "23", "1.20 (1.10 to 1.30)", "none", "–"]


def test_an_activation_is_shown_over_silu_eager_and_compiled():
    row = {"input": "maps", "shape": [2, 3], "activation": "SiLU", "degree": None, "milliseconds": 1.0, "kept": 1.0}
    rows = [row | {"compiled": compiled, "over SiLU": RATIO} for compiled in (False, True)]
    of_degree = {"activation": "powers", "degree": 8, "milliseconds": 9.0, "kept": 10.0}
    rows += [other | of_degree for other in rows] + [rows[0] | {"input": "rows"}]
    timing = {"device": "an abacus", "threads": 1, "torch": "2", "rounds": 3, "rows": rows}
    table = timings.activations(timing, "maps")
    ratio = "1.20 (1.10 to 1.30)"
    assert table.text.loc["powers"].tolist() == ["8", ratio, ratio, "10.00"]
    assert table.text.loc["SiLU"].tolist() == ["–", ratio, ratio, "1.00"]
    assert "2 × 3, SiLU 1 ms, 1 ms compiled" in table.caption


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("step_time", timings.steps),
        ("step_time", timings.steps_counted),
        ("match_time", timings.matches),
        ("neuron_time", timings.neurons),
        ("kan_cost", timings.layers),
        ("kan_cost", timings.layers_ranged),
        ("activations", lambda timing: timings.activations(timing, "maps")),
        ("activations", lambda timing: timings.activations(timing, "rows")),
        ("side_by_side", timings.side_by_side),
        ("sweep_overhead", timings.overhead),
    ],
)
def test_every_committed_timing_has_its_table(name, table):
    for timing in timings.read(name):
        made = table(timing)
        assert len(made.text)
        assert timing["device"].replace("(R)", "") in made.caption
