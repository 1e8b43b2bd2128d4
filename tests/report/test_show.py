"""How numbers become the text of a table."""

import pandas as pd
import pytest

from pnn.report import show


def test_cells_are_formatted_by_their_columns_and_what_is_missing_is_a_dash():
    numbers = pd.DataFrame({"n": [3, 4], "lost": [0, 2], "mean": [1.234, None]}, ["a", "b"])
    table = show.shown(show.formatted(numbers, {"pairs": show.pairs, "mean of n": "{mean:.1f} ({n})"}))
    assert list(table) == ["pairs", "mean of n"]
    assert table.to_numpy().tolist() == [["3", "1.2 (3)"], ["4 (2 lost)", "–"]]
    assert list(table.index) == ["a", "b"]
    assert numbers["mean"].dtype == float


def test_rows_may_be_chosen_before_they_are_shown():
    numbers = show.formatted(pd.DataFrame({"n": [3, 4]}), {"n": "{n}"})
    assert show.shown(numbers[numbers["n"] > 3])["n"].tolist() == ["4"]


def test_a_table_that_does_not_say_how_it_is_shown_is_an_error():
    with pytest.raises(ValueError, match="does not say how it is shown"):
        show.shown(pd.DataFrame({"n": [1]}))


@pytest.mark.parametrize(("seconds", "text"), [(3.4, "3 s"), (119.4, "119 s"), (120, "2.0 min"), (876, "14.6 min")])
def test_durations(seconds, text):
    assert show.duration({"seconds": seconds}) == text
