"""python -m pnn records: pack and checksums from the command line."""

import subprocess

import pytest
from whole import whole_record

import pnn
from pnn.__main__ import main
from pnn.runs.store import load_record, save_record

RUN = pnn.Run(pnn.Digits(), pnn.CNN("polynomial", 4), pnn.Recipe(1), 0, "laptop")


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("PNN_RESULTS", str(tmp_path / "results"))
    save_record(whole_record(RUN), tmp_path / "results")
    return tmp_path / "results"


def test_records_are_packed(results, capsys):
    assert main(["records", "--pack", "digits", "laptop"]) == 0
    assert capsys.readouterr().out == f"1 Records packed in {results}/digits/laptop.parquet\n"
    assert not list(results.rglob("*.json"))
    assert load_record(RUN, results) == whole_record(RUN)


def test_sums_are_written_as_sha256sum_checks_them(results, capsys):
    assert main(["records", "--sums", "--results", str(results)]) == 0
    assert capsys.readouterr().out == f"1 files in {results}/SHA256SUMS\n"
    check = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    assert subprocess.run(check, cwd=results, capture_output=True).returncode == 0
    (path,) = results.rglob("*.json")
    path.write_text(path.read_text().replace("0.5", "0.6"))
    assert subprocess.run(check, cwd=results, capture_output=True).returncode == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--pack", "digits", "large"], "a size is one of smoke, laptop, paper, got 'large'"),
        (["--pack", "cifar10", "laptop"], "no single Record of 'cifar10' and size 'laptop'"),
    ],
)
def test_what_cannot_be_packed_says_why(results, capsys, words, message):
    assert main(["records", *words]) == 2
    assert message in capsys.readouterr().err


def test_a_table_of_records_is_not_written_over_records(results, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(results / "digits")
    before = {path: path.read_bytes() for path in results.rglob("*") if path.is_file()}
    for name in ("laptop.parquet", "../table.csv", str(results / "digits/laptop.parquet")):
        assert main(["records", "--export", name]) == 2
        assert f"error: {name} lies among the Records of {results}; give a file elsewhere" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in results.rglob("*") if path.is_file()} == before
    assert main(["records", "--export", str(tmp_path / "table.csv")]) == 0
