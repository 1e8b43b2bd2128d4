"""The check of the page of verdicts, on a page of four claims that is written by hand."""

import dataclasses
import html
import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
from checks import answers
from checks.verdicts import wrong_verdicts
from claimed import GOOD, STANDARD, keep, tiny
from whole import whole_record

import pnn
from pnn.experiments import EXPERIMENTS
from pnn.report import claim_file, measures
from pnn.report.claim_file import load_claims
from pnn.report.verdict import verdict_on_all
from pnn.runs.score import Hits
from pnn.runs.store import record_path


@pytest.fixture(autouse=True)
def experiment(monkeypatch):
    monkeypatch.setitem(EXPERIMENTS, "digits", tiny)


HEAD = "claim|claimed|measured (95 % interval)|n|p (Holm)|size|device|answer"
ROWS = [
    '<a href="x.html">More &amp; better</a>|85 → 88 %|+4.00 (+1.52 to +6.48)|3|0.500|laptop|an abacus|as claimed',
    "Comparable|comparable|-4.00 (-6.48 to -1.52)|3|0.500|laptop|an abacus|as claimed",
    "No gain|85 %|+3.00|2|–|laptop|an abacus|cannot tell",
    "Cheaper|more|+3.00|2|–|laptop|an abacus|cannot tell",
    "Always|always|–|–|–|laptop|–|cannot tell: of 2, 1 as claimed, 1 cannot tell",
]
COMPUTED = "Narrower|~1/√3|computed: 0.988 to 1.032 times as many parameters, on 4 networks"
SENTENCE = (
    "Of 7 claims of 2 sources, the answer is “as claimed” for 2, “cannot tell” for 3, “computed” for 1; "
    "not measured yet: 1. Measured: 5 at size laptop."
)


def table(*rows: str) -> str:
    head, *body = ["".join(f"<td>{cell}</td>" for cell in row.split("|")) for row in rows]
    return f"<table><tr>{head.replace('td>', 'th>')}</tr>{''.join(f'<tr>{row}</tr>' for row in body)}</table>"


@pytest.fixture
def book(tmp_path) -> Path:
    """A built page of seven claims, written by hand, their file and their Records."""
    keep(tmp_path / "results", "smoke", standard=[0.1] * 2, parameters=[0.9] * 2)
    keep(tmp_path / "results", "laptop", standard=STANDARD, parameters=[0.53, 0.56, 0.59], macs=[0.53, 0.55])
    query = '\nexperiment = "digits"\narm = "{}"\nmeasure = "{}"\nrule = "{}"\nvalue = {}\n'
    entries = [
        GOOD.replace('"t"', '"More & better"').replace("1 %", "85 → 88 %")
        + query.format("parameters", "accuracy", "gain", 3),
        GOOD.replace('"t"', '"Comparable"').replace("1 %", "comparable")
        + query.format("parameters", "gap", "no worse", 1),
        GOOD.replace('"t"', '"No gain"').replace("1 %", "85 %")
        + query.format("macs", "accuracy", "no gain", 0).replace("value = 0\n", ""),
        GOOD.replace('"s"', '"s2"').replace('"t"', '"Faster"').replace("1 %", "2 x"),
        GOOD.replace('"t"', '"Cheaper"').replace("1 %", "more") + query.format("macs", "accuracy", "gain", 0),
        GOOD.replace('"t"', '"Always"').replace("1 %", "always") + 'all_of = ["c0", "c4"]\n',
        GOOD.replace('"t"', '"Narrower"').replace("1 %", "~1/√3") + 'computed = "width rule"\n',
    ]
    (tmp_path / "claims.toml").write_text("".join(e.replace('"a"', f'"c{i}"') for i, e in enumerate(entries)))
    (tmp_path / "notebooks" / "analysis").mkdir(parents=True)
    (tmp_path / "book").mkdir()
    page = table(HEAD, *ROWS) + table("claim|claimed|answer", COMPUTED)
    page += table("claim|claimed|answer", "Faster|2 x|not measured yet")
    page = f"<p><b>{SENTENCE}</b></p>{page}" + table("rule|as claimed", "gain|l &gt; 0")
    (tmp_path / "notebooks/analysis/verdict.html").write_text(page, encoding="utf-8")
    (tmp_path / "notebooks/analysis/x.html").touch()
    (tmp_path / "book/index.html").write_text(f"<p>{html.escape(SENTENCE)}</p>", encoding="utf-8")
    assert len(load_claims(tmp_path / "claims.toml")) == 7
    return tmp_path


def problems_of(book: Path) -> str:
    return "\n".join(wrong_verdicts(book, book / "claims.toml", book / "results"))


def test_the_check_accepts_a_true_page(book):
    assert problems_of(book) == ""


@pytest.mark.parametrize(
    ("true", "false", "message"),
    [
        ("+4.00 (", "+4.01 (", r"c0: measured is \+4\.00 \(\+1\.52 to \+6\.48\), not \+4\.01"),
        ("-4.00 (", "+4.00 (", r"c1: measured is -4\.00"),
        ("to +6.48", "to +6.49", r"c0: measured is"),
        ("(+1.52 to", "(-1.52 to", r"c0: measured is"),
        ("<td>3</td>", "<td>4</td>", "c0: n is 3, not 4"),
        ("<td>2</td>", "<td>3</td>", "c2: n is 2, not 3"),
        ("<td>as claimed</td>", "<td>cannot tell</td>", "c0: the answer is 'as claimed', not 'cannot tell'"),
        ("<td>laptop</td>", "<td>smoke</td>", "c0: n is 2, not 3"),
        ("<td>laptop</td>", "<td>paper</td>", "c0: of size 'paper' there are 0 groups of Records"),
        ("85 → 88", "85 → 89", "c0: 0 rows have its text and what is claimed"),
        ("Comparable", "Incomparable", "c1: 0 rows have its text"),
        (table(HEAD, ROWS[2])[len(table(HEAD)) - 8 : -8], "", "there are 6 rows for 7 claims"),
        ("Faster</td><td>2 x", "Comparable</td><td>comparable", "c1: 2 rows have its text"),
        ("not measured yet</td>", "loss</td>", "c3: it has no query, but the answer 'loss'"),
        ("+3.00</td>", "+3.01</td>", r"c2: measured is \+3\.00, not \+3\.01"),
        ("<td>cannot tell: of 2", "<td>as claimed: of 2", "c5: the answer is 'cannot tell', not 'as claimed'"),
        (
            "<td>–</td><td>laptop</td><td>–</td>",
            "<td>0.9</td><td>laptop</td><td>–</td>",
            "c5: the p .Holm. is '–', not",
        ),
        ("laptop</td><td>–</td>", "paper</td><td>–</td>", "c5: the size is 'laptop', not 'paper'"),
        ("to 1.032", "to 1.031", "c6: computed are 0.9882, 1.032, 4, not 0.988, 1.031, 4"),
        ("computed: 0.988", "as claimed: 0.988", "c6: the answer is 'computed', not 'as claimed'"),
        ("“cannot tell” for 3", "“cannot tell” for 2", "verdict.html does not say 'Of 7 claims of 2 sources"),
        ("x.html", "y.html", "a claim leads to a page that is missing: y.html"),
    ],
)
def test_the_check_finds_a_false_page(true, false, message, book):
    path = book / "notebooks/analysis/verdict.html"
    text = path.read_text(encoding="utf-8")
    assert true in text
    path.write_text(text.replace(true, false, 1), encoding="utf-8")
    assert re.search(message, problems_of(book))


def test_the_check_finds_a_false_title_page(book):
    (book / "book/index.html").write_text(SENTENCE.replace("for 1", "for 9"), encoding="utf-8")
    assert "book/index.html does not say" in problems_of(book)
    (book / "book/index.html").write_text("nothing of it", encoding="utf-8")
    assert problems_of(book) == ""


def test_the_check_finds_a_page_without_its_records(book):
    path = book / "notebooks/analysis/verdict.html"
    text = re.sub(
        "<td>(as claimed|cannot tell|computed)[^<]*</td>", "<td>not measured yet</td>", path.read_text(encoding="utf-8")
    )
    path.write_text(text, encoding="utf-8")
    problems = problems_of(book)
    assert "no claim is measured, though there are Records" in problems
    assert "c6: it can be computed, but has no answer" in problems


def test_the_check_finds_a_whole_whose_parts_are_not_all_answered(book):
    path = book / "notebooks/analysis/verdict.html"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("an abacus</td><td>cannot tell</td>", "</td><td>not measured yet</td>"), "utf-8")
    assert "c5: it has an answer, but one of its parts has none" in problems_of(book)


@pytest.mark.parametrize("size", [2, 3])
def test_the_check_answers_all_of_several_as_the_module_does(size):
    for parts in itertools.product(
        ["as claimed", "smaller", "none seen", "loss", "cannot tell", "cannot see"], repeat=size
    ):
        assert answers.of_all(list(parts)) == verdict_on_all(parts)


def test_the_check_finds_another_record(book):
    path = record_path(tiny("laptop")["parameters"][2], book / "results")
    form = json.loads(path.read_text())
    path.write_text(json.dumps(form | {"outcome": "diverged"}))
    assert "c0: n is 2, not 3" in problems_of(book)
    form["final"]["train"]["accuracy"] -= 0.03
    path.write_text(json.dumps(form))
    assert "c1: measured is -5.00" in problems_of(book)
    assert "c0" not in problems_of(book)


def test_the_check_has_students_t():
    # from a printed table
    for freedom, t in {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 9: 2.262, 30: 2.042, 31: 2.040}.items():
        assert answers.t_quantile(freedom) == pytest.approx(t, abs=0.0005)


@pytest.mark.parametrize("measure", [measure for measure in claim_file.MEASURES if measure != "collapse"])
@pytest.mark.parametrize("curve", [[0.4], [0.1, 0.6, 0.7], [0.1, 0.3, 0.35, 0.4, 0.5]])
def test_the_check_measures_as_the_module_does(measure, curve):
    run = dataclasses.replace(tiny("laptop")["standard"][0], recipe=pnn.Recipe(len(curve)))
    final = {"train": pnn.Score(0, 0.7), "validation": pnn.Score(0, 0.8)}
    readings = {"interactions.rank": [20.0, 30.0, 70.0]}
    record = whole_record(run, 0.75, curves={"validation_accuracy": curve}, final=final, readings=readings)
    expected = getattr(measures, measure)(record)
    assert answers.measured(measure, record.to_dict()) == pytest.approx(expected)


def test_the_check_has_exact_intervals_of_shares():
    for hits, n, expected in ((0, 5, (0, 0, 52.182)), (5, 5, (100, 47.818, 100)), (3, 10, (30, 6.674, 65.245))):
        assert answers.exact(hits, n) == pytest.approx(expected, abs=0.001)  # from a printed table


def test_the_check_reckons_an_interval_over_rows_as_the_module_does():
    draw = np.random.default_rng(2)
    arms = []
    for neuron, chance in (("standard", 0.6), ("parameters", 0.65)):
        right = [draw.random(2000) < chance for _ in range(3)]
        runs = tiny("laptop")[neuron]
        arms.append([whole_record(run, float(r.mean()), hits=Hits.of(r)) for run, r in zip(runs, right, strict=True)])
    found = pnn.compare_records(*arms, measures.accuracy)
    pairs = [tuple(record.to_dict() for record in pair) for pair in zip(*arms, strict=True)]
    mean, low, high, off = answers.interval({"measure": "accuracy"}, pairs)
    assert mean == pytest.approx(found.difference)
    assert abs(low - found.low) < off < 0.2 * (found.high - found.low)
    assert abs(high - found.high) < off


@pytest.mark.parametrize(
    ("rule", "value", "measure", "low", "high", "answer"),
    [
        ("gain", 2.0, "accuracy", 0.1, 1.9, "smaller"),
        ("gain", 2.0, "accuracy", -0.4, 0.4, "none seen"),
        ("gain", 2.0, "accuracy", -2.0, -0.1, "loss"),
        ("gain", 2.0, "accuracy", -2.0, 2.0, "cannot tell"),
        ("no worse", 1.0, "accuracy", -0.9, 5.0, "as claimed"),
        ("no worse", 0.25, "gap", 0.0, 0.9, "as claimed"),  # a quarter of 4 points
        ("no worse", 0.25, "gap", 1.1, 2.0, "loss"),
        ("no gain", None, "accuracy", 0.6, 2.0, "gain"),
    ],
)
def test_the_check_has_the_rules_of_the_guide(rule, value, measure, low, high, answer):
    assert answers.verdict({"rule": rule, "value": value, "measure": measure}, low, high, rival=4.0) == answer


@pytest.mark.parametrize(("accuracies", "cannot"), [([0.6, 0.6], False), ([0.51, 0.52], True), ([0.6, None], True)])
def test_the_check_has_the_gates_of_the_guide(accuracies, cannot):
    arm = [
        {"outcome": "diverged"} if value is None else {"outcome": "ok", "final": {"test": {"accuracy": value}}}
        for value in accuracies
    ]
    assert answers.blind({"measure": "accuracy"}, [arm], trivial=50.0) == cannot
    assert not answers.blind({"measure": "collapse"}, [arm], trivial=50.0)
