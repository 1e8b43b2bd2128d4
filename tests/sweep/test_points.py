"""The points of a sweep: what texts and files mean, in which order, and what is refused."""

import collections

import pytest

from pnn import ParameterError
from pnn.sweep import points
from pnn.sweep.declared import declared_parameters


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


TAKES = {
    "text": "a: str = ''",
    "maybe": "a: str | None = None",
    "choice": "a: Literal['1', '2'] = '1'",
    "either": "a: int | str = 1",
    "number": "a: float = 1.0",
    "lists": "a: list[int] = []",
}


@pytest.mark.parametrize(
    ("kind", "text", "values"),
    [
        ("text", "1,2.50", ["1", "2.50"]),
        ("text", "0:10", ["0:10"]),
        ("text", "3:3", ["3:3"]),
        ("text", "True,None", ["True", "None"]),
        ("text", "'1,2','3'", ["1,2", "3"]),
        ("text", "1e-3", ["1e-3"]),
        ("text", "-1,+2", ["-1", "+2"]),
        ("text", "-" * 100_000, ["-" * 100_000]),
        ("maybe", "1,None", ["1", None]),
        ("choice", "1,2", ["1", "2"]),
        ("choice", "1,x", ["1", "x"]),  # which does not fit, as is told later
        ("either", "1,x", [1, "x"]),
        ("either", "0:2", [0, 1]),
        ("number", "-1,-2e-3", [-1, -2e-3]),
        ("number", "0:3", [0, 1, 2]),
        ("number", "x", ["x"]),
        ("lists", "[1,2],[3]", [[1, 2], [3]]),
        ("lists", "1,2", [1, 2]),
    ],
)
def test_values_are_read_as_their_parameter_takes_them(tmp_path, notebook_of, kind, text, values):
    notebook = notebook_of(tmp_path / "page.ipynb", parameters=TAKES[kind])
    found = points.parse_values(text, declared_parameters(notebook)["a"])
    assert found == values
    assert list(map(type, found)) == list(map(type, values))


MANY = [
    lambda: points.parse_values("0:1000000000"),
    lambda: points.parse_values(f"{10**30}:0:-1"),
    lambda: points.grid({"a": list(range(1000)), "b": list(range(1000))}),
    lambda: points.combine([[{"a": n} for n in range(1000)], [{"b": n} for n in range(1000)]]),
    lambda: points.draws(10**9, 0, OF),
]


@pytest.mark.parametrize("make", MANY, ids=["range", "long range", "grid", "parts", "draws"])
def test_points_are_counted_before_they_are_built(make):
    with pytest.raises(ParameterError, match=r"values, but a sweep has at most 100000 runs; give fewer"):
        make()


@pytest.mark.parametrize("text", ["-" * 100_000 + "1", "[" * 100_000, "{[]: 1}", "9" * 5000])
def test_what_no_literal_is_read_from_is_text(text):
    assert points.parse_values(text) == [text]


def test_a_range_of_too_many_digits_is_told_shortly():
    with pytest.raises(ParameterError, match=r"'0:9{70,80}\.\.\. is no range: "):
        points.parse_values("0:" + "9" * 5000)


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
        ("random: {draws: no, of: {a: [1]}}", "draws must be a whole number of at least 1, got 'no'"),
        ("random: {draws: 3, of: {a: {uniform: ['1e-4', 1]}}}", "a must be drawn from"),
        ("grid: {a: [1]}\nlist: [{a: 2}]", "a is given twice"),
        ("grid: {1: [2], b: [3]}", "a parameter's name is text, got 1; write it in quotes"),
        ("grid: {true: [2]}", "a parameter's name is text, got True"),
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


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-1", 0.1),
        ("1E3", 1000.0),
        ("-2.5e-3", -2.5e-3),
        (".5", 0.5),
        ("1.", 1.0),
        ("-7", -7),
        ("true", True),
        ("null", None),
        ("~", None),
        ("1:30", "1:30"),
        ("on", "on"),
        ("no", "no"),
        ("010", "010"),
        ("1_000", "1_000"),
        ("0x10", 16),
        ("2026-01-01", "2026-01-01"),
        ("=", "="),
        ("'1e-1'", "1e-1"),
    ],
)
def test_a_file_is_read_as_yaml_1_2(tmp_path, text, value):
    file = tmp_path / "sweep.yaml"
    file.write_text(f"list: [{{a: {text}}}]")
    ((found,),) = (point.values() for point in points.read_file(file))
    assert (type(found), found) == (type(value), value)


def test_a_range_in_a_file_needs_no_quotes_and_a_text_is_one(tmp_path, notebook_of):
    notebook = notebook_of(tmp_path / "page.ipynb", parameters="seed: int = 0\nname: str = ''")
    file = tmp_path / "sweep.yaml"
    file.write_text("grid: {seed: 1:3, name: 1:3}")
    found = points.read_file(file, declared_parameters(notebook))
    assert found == [{"seed": 1, "name": "1:3"}, {"seed": 2, "name": "1:3"}]


def test_a_file_may_refer_to_itself(tmp_path):
    path = tmp_path / "grid.yaml"
    path.write_text("list: [&first {a: 1, b: 2}, {<<: *first, b: 3}]")
    assert points.read_file(path) == [{"a": 1, "b": 2}, {"a": 1, "b": 3}]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ParameterError, match=r"nowhere\.yaml cannot be read as YAML: .*No such file"):
        points.read_file(tmp_path / "nowhere.yaml")


def test_whole_numbers_of_other_bases_are_those_of_yaml(tmp_path):
    path = tmp_path / "grid.yaml"
    path.write_text("list: [{a: 0x1F}, {a: 0o17}, {a: -5}, {a: 010}]")
    assert [point["a"] for point in points.read_file(path)] == [31, 15, -5, "010"]
