"""The points of a sweep: what texts and files mean, in which order, and what is refused."""

import collections

import pytest

from pnn import ParameterError
from pnn.sweep import points


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("3", [3]),
        ("0.25,0.5,1", [0.25, 0.5, 1]),
        ("1e-3, 1e-2", [1e-3, 1e-2]),
        ("-1,+2", [-1, 2]),
        ("True,False", [True, False]),
        ("smoke", ["smoke"]),
        ("smoke, laptop", ["smoke", "laptop"]),
        ("relu,2", ["relu", 2]),
        ("data/a b.csv", ["data/a b.csv"]),
        ("'1,2','3,4'", ["1,2", "3,4"]),
        ("'3'", ["3"]),
        ("'0:3'", ["0:3"]),
        ("0:3", [0, 1, 2]),
        ("2:10:3", [2, 5, 8]),
        ("3:0:-1", [3, 2, 1]),
        ("-2:1", [-2, -1, 0]),
        ("007", ["007"]),
    ],
)
def test_values_of_the_command_line(text, values):
    found = points.parse_values(text)
    assert found == values
    assert list(map(type, found)) == list(map(type, values))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "needs at least one value, got ''"),
        ("a,,b", "needs at least one value, got 'a,,b'"),
        ("a,", "needs at least one value, got 'a,'"),
        ("3:3", "the range 3:3 is empty; its end is not part of it"),
        ("5:0", "the range 5:0 is empty"),
        ("0:5:0", "'0:5:0' is no range: .*zero"),
        ("'a,b',c", "'a is half a text; write every text of 'a,b',c in quotes, or none"),
    ],
)
def test_what_is_no_list_of_values_says_what_is(text, message):
    with pytest.raises(ParameterError, match=message):
        points.parse_values(text)


def test_a_grid_is_every_combination_the_last_parameter_changing_fastest():
    assert points.grid({"b": [2, 1], "a": ["x", "y"]}) == [
        {"b": 2, "a": "x"},
        {"b": 2, "a": "y"},
        {"b": 1, "a": "x"},
        {"b": 1, "a": "y"},
    ]


def test_parameters_in_step():
    assert points.in_step({"width": [16, 32], "epochs": [8, 4]}) == [
        {"width": 16, "epochs": 8},
        {"width": 32, "epochs": 4},
    ]
    with pytest.raises(ParameterError, match="as many values each, got width 2, epochs 3"):
        points.in_step({"width": [16, 32], "epochs": [8, 4, 2]})


OF = {
    "share": {"uniform": [-1, 0.5]},
    "rate": {"log-uniform": [1e-4, 1e-1]},
    "width": {"integer": [8, 11]},
    "mode": ["fast", "slow"],
    "seed": "0:3",
}


def test_draws_lie_within_their_bounds_and_reach_all_of_them():
    drawn = points.draws(2000, 0, OF)
    assert len(drawn) == 2000
    assert all(list(point) == list(OF) for point in drawn)
    columns = {name: [point[name] for point in drawn] for name in OF}
    assert -1 <= min(columns["share"]) < -0.99
    assert 0.49 < max(columns["share"]) <= 0.5
    assert min(columns["rate"]) >= 1e-4
    assert max(columns["rate"]) <= 1e-1
    per_decade = collections.Counter(len(str(int(1e-1 / rate))) for rate in columns["rate"])  # 1 to 3 digits
    assert all(550 < per_decade[digits] < 790 for digits in (1, 2, 3))  # of 667, with five deviations
    assert collections.Counter(columns["width"]).keys() == {8, 9, 10, 11}
    assert all(type(width) is int for width in columns["width"])
    assert set(columns["mode"]) == {"fast", "slow"}
    assert set(columns["seed"]) == {0, 1, 2}


def test_the_same_seed_draws_the_same_points():
    assert points.draws(5, 7, OF) == points.draws(5, 7, OF)
    assert points.draws(5, 7, OF) != points.draws(5, 8, OF)
    assert points.draws(5, 7, OF) == points.draws(9, 7, OF)[:5]  # more of them are the same and others


@pytest.mark.parametrize("number", [0, -1, True, 2.0, "3"])
def test_the_number_of_draws_is_a_whole_number(number):
    with pytest.raises(ParameterError, match="draws must be a whole number of at least 1, got"):
        points.draws(number, 0, OF)


@pytest.mark.parametrize("seed", [-1, 0.5, None])
def test_the_seed_is_a_whole_number(seed):
    with pytest.raises(ParameterError, match="seed must be a whole number of at least 0, got"):
        points.draws(1, seed, OF)


@pytest.mark.parametrize(
    "spec",
    [
        3,
        {"normal": [0, 1]},
        {"uniform": [1, 0]},
        {"uniform": [1, 1]},
        {"uniform": [0, float("nan")]},
        {"uniform": ["1e-4", "1e-1"]},
        {"uniform": [0, 1, 2]},
        {"uniform": 1},
        {"log-uniform": [0, 1]},
        {"integer": [0.0, 1.0]},
        {"integer": [False, True]},
        {"uniform": [0, 1], "integer": [0, 1]},
    ],
)
def test_what_cannot_be_drawn_from_says_what_can(spec):
    with pytest.raises(ParameterError, match=r'x must be drawn from a list, \{"uniform": \[a, b\]\}, .* a < b, got'):
        points.draws(1, 0, {"x": spec})


def test_parts_are_combined():
    parts = [[{"a": 1}, {"a": 2}], [{"b": "x"}, {"b": "y", "c": 0}]]
    assert points.combine(parts) == [
        {"a": 1, "b": "x"},
        {"a": 1, "b": "y", "c": 0},
        {"a": 2, "b": "x"},
        {"a": 2, "b": "y", "c": 0},
    ]


def test_a_parameter_of_two_parts_is_refused():
    with pytest.raises(ParameterError, match="seed, width is given twice"):
        points.combine([[{"width": 1, "seed": 0}], [{"rate": 1.0}], [{"seed": 1, "width": 2}]])


def test_the_same_point_is_kept_once_and_types_tell_values_apart():
    parts = [[{"a": 1}, {"a": True}, {"a": 1}, {"a": "1"}, {"a": 1.0}]]
    assert list(map(repr, points.combine(parts))) == ["{'a': 1}", "{'a': True}", "{'a': '1'}", "{'a': 1.0}"]
    assert points.combine([[{"a": 1, "b": 2}, {"b": 2, "a": 1}]]) == [{"a": 1, "b": 2}]


def test_a_file_with_every_part(tmp_path):
    file = tmp_path / "sweep.yaml"
    file.write_text(
        """
        grid: {task: [higgs, cifar10], seed: "0:2", size: smoke}
        zip: {width: [16, 32], epochs: "8,4"}
        list: [{device: cpu}, {device: cuda}]
        random: {draws: 3, seed: 1, of: {rate: {log-uniform: [1.0e-4, 1.0e-1]}}}
        """
    )
    found = points.read_file(file)
    assert len(found) == 4 * 2 * 2 * 3
    first = {"task": "higgs", "seed": 0, "size": "smoke", "width": 16, "epochs": 8, "device": "cpu"}
    assert {name: value for name, value in found[0].items() if name != "rate"} == first
    assert {(point["width"], point["epochs"]) for point in found} == {(16, 8), (32, 4)}
    assert len({point["rate"] for point in found}) == 3
    assert points.read_file(str(file)) == found


def test_a_file_may_be_json(tmp_path):
    file = tmp_path / "sweep.json"
    file.write_text('{"grid": {"seed": [0, 1], "flag": [true]}}')
    assert points.read_file(file) == [{"seed": 0, "flag": True}, {"seed": 1, "flag": True}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("grid: [", "cannot be read as YAML"),
        (b"\xff\xfe\x00x", "cannot be read as YAML"),
        ("grid: {day: 2026-13-01}", "cannot be read as YAML: month must be in 1..12"),
        ("", r"must hold some of grid, zip, list, random at its top, got None"),
        ("[1, 2]", r"must hold some of .*, got \[1, 2\]"),
        ("seed: [0, 1]", r"must hold some of .*, got \{'seed': \[0, 1\]\}"),
        ("grid: {a: [1]}\nseeds: 3", "must hold some of"),
        ("grid: 3", "grid must hold parameters by name, got 3"),
        ("zip: {}", r"zip must hold parameters by name, got \{\}"),
        ("grid: {a: []}", "a parameter needs at least one value, got 'a'"),
        ("grid: {a: '2:2'}", "the range 2:2 is empty"),
        ("zip: {a: [1, 2], b: [1]}", "as many values each, got a 2, b 1"),
        ("list: {a: 1}", r"list must hold points such as \{width: 8, seed: 0\}, got"),
        ("list: [3]", "list must hold points"),
        ("list: []", "list must hold points"),
        ("random: {draws: 3}", "random must hold draws, of .* and, if not 0, seed, got"),
        ("random: {draws: 3, of: {a: [1]}, number: 3}", "random must hold draws"),
        ("random: {draws: 3, of: [a]}", "random must hold draws"),
        ("random: {draws: no, of: {a: [1]}}", "draws must be a whole number of at least 1, got False"),
        ("random: {draws: 3, of: {a: {uniform: [1e-4, 1]}}}", "a must be drawn from"),
        ("grid: {a: [1]}\nlist: [{a: 2}]", "a is given twice"),
        ("grid: {1: [2], b: [3]}", "a parameter's name is text, got 1; write it in quotes"),
        ("grid: {on: [2]}", "a parameter's name is text, got True"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_allowed(tmp_path, content, message):
    file = tmp_path / "sweep.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ParameterError, match=f"^{file}.*{message}"):
        points.read_file(file)


@pytest.mark.parametrize("text", ["grid: {a: 1, b: 2, a: 3}", "grid: {a: 1}\ngrid: {b: 1}"])
def test_what_is_given_twice_in_a_file_is_told(tmp_path, text):
    path = tmp_path / "grid.yaml"
    path.write_text(text)
    with pytest.raises(ParameterError, match=r"grid.yaml .*(a|grid) is given twice"):
        points.read_file(path)


def test_a_file_may_refer_to_itself(tmp_path):
    path = tmp_path / "grid.yaml"
    path.write_text("list: [&first {a: 1, b: 2}, {<<: *first, b: 3}]")
    assert points.read_file(path) == [{"a": 1, "b": 2}, {"a": 1, "b": 3}]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ParameterError, match=r"nowhere\.yaml cannot be read as YAML: .*No such file"):
        points.read_file(tmp_path / "nowhere.yaml")
