"""The tables of the page of verdicts."""

import dataclasses
import math

import pytest

import pnn
from pnn.report import claim_tables
from pnn.report.claim_file import Claim
from pnn.report.claims import AllOf, Answer, Computed

QUERY = {"experiment": "higgs", "arm": "parameters", "measure": "accuracy", "rule": "gain", "value": 3.0}
C = pnn.compare([1.0, 2.0, 3.0], [2.0, 4.0, 6.0], lost=1)
LOST = dataclasses.replace(C, n=0, difference=math.nan, low=-math.inf, high=math.inf)
CLAIMS = [
    Claim("s-a", "s", "More < better", "85 → 88 %", page="notebooks/datasets/higgs.ipynb", **QUERY),
    Claim("s-b", "s", "Again", "85 → 88 %", **QUERY),
    Claim("s-lost", "s", "Lost", "x", **QUERY),
    Claim("t-c", "t", "Unasked", "2 ×"),
]


@pytest.fixture
def answers() -> dict[str, Answer]:
    found = [Answer(CLAIMS[0], "laptop", C, ("a(R) b",), 0.5), Answer(CLAIMS[1], "paper", C, (), 0.5)]
    return {one.claim.id: one for one in [*found, Answer(CLAIMS[2], "laptop", LOST, (), 1.0)]}


def test_verdicts_are_counted_for_the_prose(answers):
    assert claim_tables.counts(CLAIMS, answers) == {
        "claims": "4",
        "sources": "2",
        "answers": "“cannot tell” for 3",
        "unmeasured": "1",
        "measured": "1 at size paper and 2 at size laptop",
    }
    assert claim_tables.counts(CLAIMS, {})["measured"] == "none"


def test_a_row_leads_to_its_page_and_has_the_comparison(answers):
    table = claim_tables.table(CLAIMS, answers)
    text = table.text
    assert table.frame["page"].tolist() == ["../datasets/higgs.html", "", "", ""]
    assert '<a href="../datasets/higgs.html">More &lt; better</a>' in table._repr_html_()
    assert 'href="../notebooks/datasets/higgs.html"' in claim_tables.table(CLAIMS, answers, "book")._repr_html_()
    assert "a b" in table.caption
    measured = f"{C.difference:+.2f} ({C.low:+.2f} to {C.high:+.2f})"
    assert text.loc["More < better"].tolist() == [
        "85 → 88 %",
        "cannot tell",
        measured,
        "3 (1 lost)",
        "–",  # of three pairs p cannot be small
        "2.00",
        "4.00",
        "laptop",
    ]
    assert text.loc["Lost"].tolist()[1:4] == ["cannot tell", "–", "0 (1 lost)"]
    assert text.loc["Unasked"].tolist() == ["2 ×", "not measured yet", *["–"] * 6]
    assert list(claim_tables.table(CLAIMS[3:], answers).text) == ["claimed", "answer"]


def test_p_is_shown_where_it_could_be_small(answers):
    six = dataclasses.replace(answers["s-a"], comparison=dataclasses.replace(C, n=6))
    shares = dataclasses.replace(CLAIMS[1], measure="collapse")
    asked = {"s-a": six, "s-b": dataclasses.replace(answers["s-b"], claim=shares)}
    rows = claim_tables.table([CLAIMS[0], shares], asked).text
    assert rows["p (Holm)"].tolist() == ["0.500", "0.500"]


@pytest.fixture
def whole(answers) -> AllOf:
    claim = Claim("s-all", "s", "All", "always", all_of=("s-a", "s-b"))
    return AllOf(claim, (answers["s-a"], answers["s-b"]))


def test_a_claim_of_all_has_the_smallest_size_and_the_largest_p_of_its_parts(whole):
    table = claim_tables.table([whole.claim], {"s-all": whole})
    assert table.text.loc["All"].tolist() == ["always", "cannot tell: of 2, 2 cannot tell", "–", "–", *"–––", "laptop"]
    six = dataclasses.replace(C, n=6)
    parts = [
        dataclasses.replace(part, comparison=six, p_holm=p) for part, p in zip(whole.parts, (0.3, 0.2), strict=True)
    ]
    tested = dataclasses.replace(whole, parts=tuple(parts))
    assert claim_tables.table([whole.claim], {"s-all": tested}).text.loc["All", "p (Holm)"] == "0.300"
    assert claim_tables.accuracies({"s-all": whole}) == ({}, {})


def test_what_is_computed_has_a_table_of_its_own(answers):
    claim = Claim("s-w", "s", "Narrower", "~", computed="width rule")
    given = answers | {"s-w": Computed(claim, "0.9 to 1.1 times")}
    tables = claim_tables.by_size([*CLAIMS, claim], given)
    assert [table.text.index.tolist() for table in tables][2:] == [["Narrower"], ["Unasked"]]
    assert tables[2].text.loc["Narrower"].tolist() == ["~", "computed: 0.9 to 1.1 times"]
    assert tables[2].caption == "Claims that numbers of networks answer."
    assert claim_tables.counts([*CLAIMS, claim], given)["answers"] == "“cannot tell” for 3, “computed” for 1"


def test_why_an_experiment_cannot_see_stands_beside_the_answer(answers):
    blind = {"s-a": dataclasses.replace(answers["s-a"], blind="2 of 3 runs of standard diverged")}
    text = claim_tables.table(CLAIMS[:1], blind).text
    assert text["answer"].tolist() == ["cannot see: 2 of 3 runs of standard diverged"]
    assert claim_tables.counts(CLAIMS[:1], blind)["answers"] == "“cannot see” for 1"


def test_the_size_is_in_sight_where_there_is_more_than_one(answers):
    assert "size" not in claim_tables.table(CLAIMS, answers).more
    assert "size" in claim_tables.table(CLAIMS[1:2], answers).more


def test_each_size_has_a_table_of_its_own_and_the_unmeasured_another(answers):
    rows = [table.text.index.tolist() for table in claim_tables.by_size(CLAIMS, answers)]
    assert rows == [["Again"], ["More < better", "Lost"], ["Unasked"]]


def test_accuracies_are_named_by_experiment_arm_and_size(answers):
    rows, claimed = claim_tables.accuracies(answers)
    assert list(rows) == ["higgs, equal parameters, size paper", "higgs, equal parameters, size laptop"]
    assert set(claimed.values()) == {3.0}
    again = dataclasses.replace(answers["s-b"], size="laptop")
    rows, _ = claim_tables.accuracies({"s-a": answers["s-a"], "s-b": again})
    assert list(rows)[1] == "higgs, equal parameters, size laptop (s-b)"
