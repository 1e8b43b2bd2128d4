"""What a sweep shows: lines where there is no terminal, on one a table with the time that is left."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from pnn.sweep import progress
from pnn.sweep.folder import Outcome
from pnn.sweep.progress import Progress, clock, words


@pytest.fixture
def at(monkeypatch):
    """Set the clock."""
    now = SimpleNamespace(seconds=1000.0)
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: now.seconds, strftime=lambda _: "12:00:00"))

    def set_to(seconds: float) -> None:
        now.seconds = 1000.0 + seconds

    return set_to


def test_lines_tell_what_happens(at, capsys):
    with Progress(4, {"a": Outcome("ok")}, True) as shown:
        shown.started("b", {"seed": 1, "rate": 0.5})
        shown.started("c", {"seed": 2})
        shown.started("d", {"seed": 3})
        at(90)
        shown.ended("b", Outcome("ok"))
        shown.ended("c", Outcome("failed", "no good", seconds=60.0))  # it waited for its worker before
        shown.gone("d", "killed, once more")
        shown.show(1, 2)
    assert capsys.readouterr().err.splitlines() == [
        "12:00:00 1 of 4 runs are done already",
        "12:00:00 started  b seed=1, rate=0.5",
        "12:00:00 started  c seed=2",
        "12:00:00 started  d seed=3",
        "12:00:00 ok       b seed=1, rate=0.5 in 90.0 s",
        "12:00:00 failed   c seed=2 in 60.0 s: no good",
        "12:00:00 left     d: killed, once more",
    ]


def test_a_run_of_another_sweep_is_told_once_however_often_it_is_looked_at(at, capsys):
    with Progress(1, {}, True) as shown:
        for _ in range(3):
            shown.started("a", {"seed": 1})
            shown.elsewhere("a", "another sweep works on it")
        for _ in range(2):
            shown.started("a", {"seed": 1})
            shown.elsewhere("a", "the cluster lost it")
        shown.started("a", {"seed": 1})
        shown.ended("a", Outcome("ok"))
    assert capsys.readouterr().err.splitlines() == [
        "12:00:00 started  a seed=1",
        "12:00:00 left     a: another sweep works on it",
        "12:00:00 left     a: the cluster lost it",
        "12:00:00 ok       a seed=1 in 0.0 s",
    ]


def test_what_keeps_runs_from_going_on_is_said_once(at, capsys):
    with Progress(2, {}, True) as shown:
        for note in ("", "no worker", "no worker", "", "no worker", "no scheduler"):
            shown.show(1, 1, note)
    assert capsys.readouterr().err.splitlines() == [
        "12:00:00 no worker",
        "12:00:00 no worker",
        "12:00:00 no scheduler",
    ]


def test_nothing_is_said_if_nothing_is_wanted(at, capsys):
    with Progress(1, {}, False) as shown:
        shown.started("a", {})
        shown.show(0, 1)
        shown.ended("a", Outcome("failed", "why"))
    assert capsys.readouterr() == ("", "")


def test_the_time_that_is_left(at):
    with Progress(6, {}, False) as shown:
        for key in "abc":
            shown.started(key, {})
        at(10)
        shown.ended("a", Outcome("ok"))
        shown.started("d", {})
        at(20)
        shown.ended("b", Outcome("ok"))  # 15 s a run on average; c is beyond, d needs 5 more
        assert shown.remaining(2, 1) == 2 * 15 + 0 + 5
        assert shown.remaining(2, 2) == (2 * 15 + 0 + 5) / 2


def test_a_terminal_shows_a_table(at, monkeypatch):
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=100)
    monkeypatch.setattr(progress, "Console", lambda **_: console)
    with Progress(30, {"z": Outcome("failed", "before")}, True) as shown:
        for number in range(25):
            shown.started(f"run{number}", {"seed": number})
        at(3700)
        shown.ended("run0", Outcome("diverged", "of 1 trainings: 1 diverged"))
        shown.show(4, 24, "no worker")
        console.print(shown._picture(4, 24))
    text = " ".join(file.getvalue().split())
    assert "2 of 30 runs ended (1 failed, 1 diverged), 24 go on, about 10:17 left; no worker" in text
    assert "run1 seed=1 1:01:40" in text
    assert "run20 seed=20" in text
    assert "run21 seed=21" not in text  # a screenful
    assert "diverged run0 seed=0 in 3700.0 s: of 1 trainings: 1 diverged" in text


def test_parameters_with_brackets_are_no_markup(at, monkeypatch):
    file = io.StringIO()
    monkeypatch.setattr(progress, "Console", lambda **_: Console(file=file, force_terminal=True, width=100))
    with Progress(1, {}, True) as shown:
        shown.started("a", {"pattern": "[/x] [red]"})
        shown.show(0, 1)
        shown.live.refresh()
    assert "pattern=[/x] [red]" in " ".join(file.getvalue().split())


def test_words_and_clock():
    assert words({"a": 1, "b": "x"}) == "a=1, b=x"
    assert [clock(seconds) for seconds in (0, 59.4, 61, 3599.6, 36061)] == [
        "0:00",
        "0:59",
        "1:01",
        "1:00:00",
        "10:01:01",
    ]
