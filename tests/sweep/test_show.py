"""What the page that reads a sweep shows, on tables written by hand."""

import itertools

import pandas as pd
import pytest

import pnn.sweep
from pnn.sweep import show


@pytest.fixture
def table() -> pd.DataFrame:
    rows = [
        {"width": w, "rate": r, "seed": seed, "outcome": "ok", "message": "", "score": w * r + 0.01 * seed}
        for w, r, seed in itertools.product((1, 2), (1.0, 3.0), range(3))
    ]
    return pd.DataFrame(rows)


def test_the_overview_counts_runs_and_names_parameters(table):
    table.loc[0, "outcome"] = "failed"
    table.loc[1, "score"] = float("nan")
    settings = pnn.sweep.settings(table, "score", ["width", "rate"])
    facts = show.overview(table, settings, "score", ["width", "rate"], ["seed"])
    facts = facts.frame["fact"]
    assert facts[["runs", "settings", "outcomes", "varied", "repeated over"]].tolist() == [
        12,
        4,
        "11 ok, 1 failed",
        "width, rate",
        "seed",
    ]
    assert facts["runs that ended well and have it"] == 10
    assert facts["every combination has one"] == "yes"
    assert show.without_number(table, "score") == 1


def test_the_pair_that_adds_up_least_has_its_means(table):
    settings = pnn.sweep.settings(table, "score", ["width", "rate"])
    assert show.pairs(table, "score", ["width", "rate"]).frame.index.tolist() == ["width, rate"]
    assert show.least_additive(table, settings, "score", ["width", "rate"]).text.to_numpy().tolist() == [
        ["1.01", "3.01"],
        ["2.01", "6.01"],
    ]
    assert show.least_additive(table, settings, "score", ["width"]).text.empty
    assert show.pairs(table, "score", ["width"]).text.empty


def test_settings_are_ranked_with_how_far_the_first_is_ahead(table):
    settings = pnn.sweep.settings(table, "score", ["width", "rate"])
    ranked = show.ranked(table, settings, "score", ["width", "rate"], lowest=False)
    text = ranked.text
    assert text["mean"].tolist() == ["6.01", "3.01", "2.01", "1.01"]
    assert text.iloc[0][["first less this, 95 %, paired", "p, corrected"]].tolist() == ["–", "–"]
    assert text.iloc[1]["first less this, 95 %, paired"] == "3 to 3"
    found = show.told_apart(ranked)
    assert found.frame["fact"].tolist() == [4, 3, 3, 6, 0]
