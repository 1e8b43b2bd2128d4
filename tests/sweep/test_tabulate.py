"""The table of a sweep: its columns, numbers as numbers, what is left out; and as files of other programs."""

import sys
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from pnn.sweep import SweepError, export, table, varied
from pnn.sweep.folder import Basis, Folder, Outcome

PARAMETERS = """
width: int = 8  # a number
mode: str = "fast"  # a text
rate: float = 0.5  # a number
flag: bool = False  # yes or no
"""
OWN = ["run seconds", "run started", "run host", "run device", "run trainings", "run notebook"]


@pytest.fixture
def notebook(tmp_path, notebook_of) -> Path:
    return notebook_of(tmp_path / "notebook.ipynb", parameters=PARAMETERS)


@pytest.fixture
def swept(tmp_path, notebook):
    """Make a folder of runs that ended so: pairs of parameters and an outcome, which is None for a run to be done."""

    def sweep(*runs: tuple[dict, Outcome | None]) -> Folder:
        folder = Folder(tmp_path / "sweep")
        keys = folder.begin(Basis.of(notebook), [point for point, _ in runs])
        for key, (_, outcome) in zip(keys, runs, strict=True):
            if outcome:
                folder.finish(key, outcome)
        return folder

    return sweep


def ok(**values) -> Outcome:
    return Outcome("ok", "", 1.5, "2026-11-01T10:00:00+00:00", "here", "0", values, {"ok": 2, "diverged": 1})


def test_a_row_is_a_run_and_columns_are_parameters_outcome_values_and_its_circumstances(swept):
    failed = Outcome("failed", "ValueError: no good", 2.0, "2026-11-01T11:00:00+00:00", "there", "", {"loss": 4})
    folder = swept(
        ({"width": 16, "mode": "slow"}, failed),
        ({"width": 8, "mode": "slow"}, ok(loss=2, score=0.5)),
        ({"width": 8, "mode": "fast"}, ok(loss=3, score=0.25)),
    )
    for key in folder.keys():  # noqa: SIM118
        (folder.run(key) / "notebook.ipynb").touch()
    frame = table(folder.path)
    assert list(frame.columns) == ["width", "mode", "outcome", "message", "loss", "score", *OWN]
    assert frame.index.name == "run"
    assert sorted(frame.index) == folder.keys()
    assert [tuple(row)[:5] for row in frame.itertuples(index=False)] == [  # in the order of the parameters
        (8, "fast", "ok", "", 3),
        (8, "slow", "ok", "", 2),
        (16, "slow", "failed", "ValueError: no good", 4),
    ]
    assert frame["score"].tolist()[:2] == [0.25, 0.5]
    assert frame["score"].isna().tolist() == [False, False, True]
    assert frame["run seconds"].tolist() == [1.5, 1.5, 2.0]
    assert frame["run started"].str[:13].tolist() == ["2026-11-01T10", "2026-11-01T10", "2026-11-01T11"]
    assert frame["run host"].tolist() == ["here", "here", "there"]
    assert frame["run device"].tolist() == ["0", "0", ""]
    assert frame["run trainings"].tolist() == [3, 3, 0]
    assert frame["run notebook"].tolist() == [f"runs/{key}/notebook.ipynb" for key in frame.index]
    assert frame.attrs["stale"] == 0


def test_what_is_not_done_is_a_row_too_and_harms_no_column(swept):
    folder = swept(({"width": 1}, None), ({"width": 2}, ok(score=1)), ({"width": 3}, None))
    frame = table(folder.path)
    assert list(frame.columns) == ["width", "outcome", "message", "score", *OWN]
    assert list(frame["outcome"]) == ["not done", "ok", "not done"]
    assert frame["score"].isna().tolist() == [True, False, True]
    assert frame["run seconds"].isna().tolist() == [True, False, True]
    nothing = table(swept(({"width": 9}, None)).path)
    assert list(nothing.columns) == list(frame.columns)


def test_numbers_are_numbers_and_texts_that_are_numbers_too(swept):
    folder = swept(
        ({"width": 1}, ok(exact=1 / 3, whole=3, text="+1.25", mixed="none", words="1 to 2", flag=True)),
        ({"width": 2}, ok(exact=2, whole=4, text="-0.50", mixed=1.5, words="3 to 4", flag=False)),
        ({"width": 3}, ok(exact=None, whole=5)),
    )
    frame = table(folder.path).set_index("width")
    assert frame["exact"].dtype == "float64"
    assert frame.loc[1, "exact"] == 1 / 3
    assert frame["whole"].dtype == "int64"
    assert frame["text"].dropna().tolist() == [1.25, -0.5]
    assert frame["mixed"].dropna().tolist() == ["none", "1.5"]  # not everywhere a number: a text
    assert frame["words"].dropna().tolist() == ["1 to 2", "3 to 4"]
    assert frame["flag"].dropna().astype(bool).tolist() == [True, False]


def test_parameters_keep_their_types(swept):
    folder = swept(
        ({"width": 10, "mode": "1", "rate": 1.0, "flag": True}, None),
        ({"width": 9, "mode": "2", "rate": 0.1, "flag": False}, None),
    )
    frame = table(folder.path)
    assert frame["width"].tolist() == [9, 10]  # ordered as numbers
    assert frame["width"].dtype == "int64"
    assert frame["rate"].dtype == "float64"
    assert frame["flag"].dtype == "bool"
    assert frame["mode"].tolist() == ["2", "1"]


def test_a_value_that_is_named_as_another_column_is_told_apart(swept):
    folder = swept(
        ({"width": 8}, Outcome("ok", seconds=1.0, values={"width": 2.5, "outcome": "good", "run seconds": 7, "run": 3}))
    )
    (row,) = (row for _, row in table(folder.path).iterrows())
    assert (row["width"], row["outcome"], row["run seconds"]) == (8, "ok", 1.0)
    assert (row["width (value)"], row["outcome (value)"], row["run seconds (value)"]) == (2.5, "good", 7)
    assert row["run (value)"] == 3


def test_a_list_is_a_value_like_others(swept):
    frame = table(swept(({"layers": [8, 4], "seed": 0}, ok()), ({"layers": [8], "seed": 0}, ok())).path)
    assert frame["layers"].tolist() == ["[8, 4]", "[8]"]
    assert varied(frame) == ["layers"]


def test_runs_with_different_parameters_have_all_columns(swept):
    frame = table(swept(({"width": 8}, ok()), ({"rate": 0.1}, ok()), ({"mode": "fast", "width": 4}, ok())).path)
    assert set(frame.columns[:3]) == {"width", "rate", "mode"}
    assert frame["width"].dropna().tolist() == [4, 8]
    assert frame["rate"].dropna().tolist() == [0.1]


def test_runs_of_an_earlier_state_are_left_out_and_counted(swept, notebook, notebook_of):
    swept(({"width": 1}, ok()), ({"width": 2}, ok()))
    notebook_of(notebook, "print(width)", parameters=PARAMETERS)
    frame = table(swept(({"width": 2}, ok(score=1))).path)
    assert frame["width"].tolist() == [2]
    assert frame.attrs["stale"] == 2


@pytest.mark.parametrize("name", ["outcome.json", "run.json"])
def test_a_damaged_file_is_named(swept, name):
    folder = swept(({"width": 1}, ok()), ({"width": 2}, ok()))
    path = folder.run(folder.keys()[1]) / name
    path.write_text(path.read_text()[:-5])
    with pytest.raises(SweepError, match=rf"^{path} cannot be read: .* delete it"):
        table(folder.path)


def test_a_damaged_plan_is_named(swept):
    folder = swept(({"width": 1}, ok()))
    (folder.path / "sweep.json").write_text("{")
    with pytest.raises(SweepError, match=r"sweep\.json cannot be read"):
        table(folder.path)


def test_a_folder_without_a_sweep_is_named(tmp_path):
    with pytest.raises(SweepError, match=rf"^{tmp_path} is no sweep's folder: it has no sweep\.json"):
        table(tmp_path)


# --- files of other programs -----------------------------------------------------------------------------------------


@pytest.fixture
def frame(swept):
    return table(
        swept(
            ({"width": 8, "mode": "None", "rate": 0.1 + 0.2, "flag": True}, ok(score=1 / 3, note='a, "b"\nc')),
            ({"width": 9, "mode": "NA", "rate": 1e-300, "flag": False}, ok(score="+0.1", mixed=1)),
            ({"width": 10, "mode": "ü", "rate": 1.0, "flag": False}, Outcome("failed", "why", 1.0)),
            ({"width": 11, "mode": "x", "rate": 1.0, "flag": True}, None),
            ({"width": 12, "mode": "x", "rate": 1.0, "flag": True}, ok(mixed="none")),
        ).path
    )


@pytest.mark.parametrize(("suffix", "exact"), [(".parquet", True), (".csv", False)])
def test_a_table_is_read_as_it_was_written(frame, tmp_path, suffix, exact):
    path = export(frame, tmp_path / "new" / f"table{suffix}")
    read = table(path)
    assert_frame_equal(read, frame, check_exact=exact, rtol=1e-15)
    assert table(str(path)).equals(read)


def test_ids_and_empty_texts_stay_text_in_csv(tmp_path, frame):
    """Even where every id looks like a number."""
    plain = frame.iloc[[0]].rename(index=lambda _: "1234567890123456").rename_axis("run").drop(columns="note")
    read = table(export(plain, tmp_path / "table.csv"))
    assert list(read.index) == ["1234567890123456"]
    assert read["message"].tolist() == [""]
    assert read["run notebook"].tolist() == [""]


def test_another_suffix_is_refused_and_nothing_is_written(frame, tmp_path):
    with pytest.raises(
        SweepError, match=r"written as \.csv, \.parquet or a folder for TensorBoard .*, got .*table\.xlsx"
    ):
        export(frame, tmp_path / "new" / "table.xlsx")
    assert not (tmp_path / "new").exists()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_shows_parameters_and_numbers(frame, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    assert export(frame.assign(score=-1.0), tmp_path / "board") == export(frame, tmp_path / "board")  # in its place
    path = tmp_path / "board"
    done = frame[frame["outcome"] != "not done"]
    assert sorted(child.name for child in path.iterdir()) == sorted(done.index)
    for key, row in done.iterrows():
        events = EventAccumulator(str(path / key))
        events.Reload()
        scalars = {tag: [event.value for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
        numbers = {name: row[name] for name in ("score", "run seconds", "run trainings") if pd.notna(row[name])}
        assert scalars.keys() == numbers.keys()
        assert all(scalars[name] == [pytest.approx(number, rel=1e-6)] for name, number in numbers.items())
        content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
        told = HParamsPluginData.FromString(content).session_start_info.hparams
        assert {name: told[name].number_value for name in ("width", "rate")} == {
            "width": row["width"],
            "rate": row["rate"],
        }
        assert (told["mode"].string_value, told["outcome"].string_value) == (row["mode"], row["outcome"])
        assert told["flag"].number_value == row["flag"]  # torch writes 1 or 0
        assert set(told) == {"width", "mode", "rate", "flag", "outcome"}


def test_without_tensorboard_it_is_said_how_to_get_it(frame, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(SweepError, match=r"TensorBoard is not installed: pip install tensorboard, or write \.csv or"):
        export(frame, tmp_path / "board")
