"""The trials of trust see what is broken: each is given something that breaks its word."""

import dataclasses
import importlib
import json
import random
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional as F
from whole import whole_record

import pnn
from pnn.report import trust

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def load(monkeypatch):
    """Import a trial as the script does, from its own folder."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


@pytest.fixture
def careless(load, monkeypatch):
    """A file that is written in place, and read without a check."""
    disk = load("disk_faults")

    def write(folder: Path, version: int) -> Path:
        folder.mkdir(exist_ok=True)
        path = folder / "careless.json"
        path.write_text(json.dumps({"version": version, "values": [0.25] * 100}))
        return path

    kept = disk.Kept("a careless file", write, lambda path: json.loads(path.read_bytes()))
    monkeypatch.setattr(disk, "all_kept", lambda record: [kept])
    return disk


def test_a_file_that_is_written_in_place_is_found_on_a_full_disk(careless, load):
    full, calls = careless.of_writes(None)
    assert len(full.faults) > full.tried / 2
    assert "neither the old nor the new" in full.faults[1]
    assert calls.faults == []  # It does not bring anything to the disk, so that none of its calls can fail.


def test_a_flipped_bit_that_is_believed_is_found(careless):
    (trial,) = careless.of_flips(None, 50, random.Random(0))
    assert any("read as something else" in fault for fault in trial.faults)


def test_what_pnn_writes_is_whole_and_names_its_file(load):
    disk = load("disk_faults")
    for trial in disk.of_writes(whole_record(disk.run_of(0))):
        assert trial.tried > 3
        assert trial.faults == []


def test_what_pnn_writes_and_reads_tells_a_flipped_bit(load):
    disk = load("disk_faults")
    for trial in disk.of_flips(whole_record(disk.run_of(0)), 200, random.Random(0)):
        assert trial.faults == [], trial.what


@dataclasses.dataclass(frozen=True)
class Careless:
    """Looks a field up, and says nothing of it; accepts another that JSON does not know."""

    looked_up: str = "a"
    unchecked: object = None

    def __post_init__(self):
        {"a": 1}[self.looked_up]


def test_a_choice_that_does_not_check_its_fields_is_found(load):
    inputs = load("bad_inputs")
    assert inputs.fault_of(Careless(), "looked_up", "b") == "KeyError: 'b'"
    assert inputs.fault_of(Careless(), "unchecked", object()).startswith("accepted, but TypeError")
    assert inputs.fault_of(pnn.CNN("polynomial", 4), "width", -1) == ""
    assert inputs.fault_of(pnn.CNN("polynomial", 4), "width", 5) == ""


def test_no_wrong_value_of_a_choice_passes_for_another(load):
    trial = load("bad_inputs").of_choices()
    assert trial.tried > 3000
    assert trial.faults == []


def test_no_wrong_value_in_the_json_of_a_run_or_a_record_passes_for_another(load):
    inputs, disk = load("bad_inputs"), load("disk_faults")
    for trial in inputs.of_forms(whole_record(disk.run_of(0))):
        assert trial.tried > 200
        assert trial.faults == []


@pytest.mark.slow
def test_wrong_command_lines_end_with_the_status_of_wrong_input(load):
    assert load("bad_inputs").of_commands().faults == []


def test_bits_that_differ_are_counted(load):
    bits = load("kills")._bits
    assert bits(torch.tensor([1, 2]), torch.tensor([1, 2])) == 0
    assert bits(torch.tensor([0, 7]), torch.tensor([1, 2])) == 3
    assert bits(torch.tensor([0.0]), torch.tensor([-0.0])) == 1


@pytest.mark.slow
def test_kills_are_counted_and_change_nothing(load):
    kills = load("kills")
    found = [
        *kills.of_trainings(1, random.Random(0)),
        kills.of_studies(1, random.Random(0)),
        kills.of_sweeps(1, random.Random(0)),
    ]
    assert sum(trial.tried for trial in found) >= 5
    assert [fault for trial in found for fault in trial.faults] == []


def test_the_page_counts_cases_by_kind_and_names_what_broke():
    rows = [
        {"kind": "kills", "what": "a training", "tried": 3, "faults": []},
        {"kind": "kills", "what": "a study", "tried": 2, "faults": ["a child lived on"]},
        {"kind": "bits", "what": "a Record", "tried": 1000, "faults": [f"bit {i}" for i in range(9)]},
    ]
    found = {"device": "an abacus", "threads": 2, "torch": "2", "rows": rows}
    assert trust.kinds(found).text.to_numpy().tolist() == [["5", "1"], ["1,000", "9"]]
    assert trust.trials(found, "kills").text.loc["a study"].tolist() == ["2", "1"]
    named = trust.faults(found)
    assert named.text["what came of it"].tolist() == ["a child lived on", *(f"bit {i}" for i in range(5))]
    assert "an abacus, 2 threads" in named.caption


def test_a_page_without_a_fault_says_so_by_an_empty_table():
    found = {"device": "an abacus", "threads": 2, "torch": "2", "rows": []}
    assert trust.faults(found).text.empty


def test_a_layer_that_passes_its_child_by_is_found(load, monkeypatch):
    drop_in = load("drop_in")

    class Careless(pnn.PolyLinear):
        def forward(self, x):
            return self._combine(*F.linear(x, self.maps.weight, self.maps.bias).chunk(3, -1))

    names = {"__all__": ("PolyLinear", "Careless"), "PolyLinear": pnn.PolyLinear, "Careless": Careless}
    monkeypatch.setattr(drop_in, "collection", SimpleNamespace(**names))
    found = {trial.what: trial for trial in drop_in.of_layers()}
    assert found["deep copy"].tried == found["hooks"].tried == 2
    assert found["deep copy"].faults == []
    (fault,) = found["hooks"].faults
    assert fault.startswith("Careless: ")
