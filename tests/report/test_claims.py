"""Claims: their file, and the answers of hand-made Records."""

import dataclasses
import importlib.util
import math
import re
from pathlib import Path

import pytest
from claimed import GOOD, STANDARD, keep, record_of, tiny
from whole import whole_record

import pnn
from pnn.experiments import EXPERIMENTS
from pnn.report import claim_file, claims, measures
from pnn.report.claim_file import Claim, ClaimError, load_claims
from pnn.report.claims import answer, verdicts
from pnn.report.comparison import compare_rates
from pnn.report.deviations import compare_deviations
from pnn.runs.store import record_path, save_record

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def experiment(monkeypatch):
    monkeypatch.setitem(EXPERIMENTS, "digits", tiny)
    monkeypatch.setitem(EXPERIMENTS, "by-network", lambda size: {pnn.CNN("standard", 1): []})


def claim_of(**changes) -> Claim:
    form = {"id": "a-claim", "source": "oporture2026", "text": "More accurate", "claimed": "85 → 88 %"}
    form |= {"experiment": "digits", "arm": "parameters", "measure": "accuracy", "rule": "gain", "value": 3.0}
    return Claim(**form | changes)


def test_an_answer_is_the_paired_comparison_of_the_two_arms(tmp_path):
    keep(tmp_path, "laptop", standard=STANDARD, parameters=[0.53, 0.56, 0.59], macs=[0.1, 0.1])
    found = answer(claim_of(), tmp_path)
    half = 4.302653 / math.sqrt(3)  # t of two degrees of freedom; the differences are 3, 4 and 5 points
    c = found.comparison
    assert (found.claim, found.size, found.devices) == (claim_of(), "laptop", ("an abacus",))
    assert (c.n, c.lost, c.difference) == (3, 0, pytest.approx(4.0))
    assert (c.low, c.high) == (pytest.approx(4 - half), pytest.approx(4 + half))
    assert found.p_holm == c.p == 0.25
    assert found.verdict == "as claimed"
    assert answer(claim_of(value=6.6), tmp_path).verdict == "smaller"


@pytest.mark.parametrize("measure", claim_file.MEASURES)
def test_what_is_measured_is_the_function_of_that_name(measure, tmp_path):
    keep(tmp_path, "laptop", standard=STANDARD, parameters=[0.5, 0.6, 0.7])
    runs, accuracies = tiny("laptop"), {"standard": STANDARD, "parameters": [0.5, 0.6, 0.7]}
    pair = [[record_of(run, a) for run, a in zip(runs[k], accuracies[k], strict=True)] for k in accuracies]
    expected = {
        "collapse": lambda: compare_rates([False] * 3, [False] * 3),
        "deviation": lambda: compare_deviations(*pair),
    }.get(measure, lambda: pnn.compare_records(*pair, getattr(measures, measure)))
    assert answer(claim_of(measure=measure), tmp_path).comparison == expected()


@pytest.mark.parametrize(
    "kept",
    [
        {},
        {"smoke": {"standard": STANDARD, "parameters": STANDARD}},
        {"laptop": {"standard": STANDARD}},
        {"laptop": {"standard": STANDARD, "macs": STANDARD}},
        {"laptop": {"standard": STANDARD, "parameters": STANDARD[:2]}},
        {"laptop": {"standard": STANDARD[:2], "parameters": STANDARD}},
        # an arm at one size, an arm at the other
        {"laptop": {"standard": STANDARD}, "paper": {"parameters": [0.5] * 4}},
        {"laptop": {"parameters": STANDARD}, "paper": {"standard": [0.5] * 4}},
    ],
)
def test_without_all_the_records_of_both_arms_nothing_is_measured(kept, tmp_path):
    for size, arms in kept.items():
        keep(tmp_path / "results", size, **arms)
    assert answer(claim_of(), tmp_path / "results") is None
    assert verdicts([claim_of()], tmp_path / "results") == {}


def test_a_claim_without_a_query_is_not_measured(tmp_path):
    assert answer(Claim("a", "b", "c", "d"), keep(tmp_path, "laptop", standard=STANDARD, parameters=STANDARD)) is None


def test_the_largest_complete_size_answers_alone(tmp_path):
    keep(tmp_path, "smoke", standard=[0.1] * 2, parameters=[0.9] * 2)
    keep(tmp_path, "laptop", standard=STANDARD, parameters=[0.51, 0.53, 0.55])
    keep(tmp_path, "paper", standard=[0.8] * 4, parameters=[0.9] * 3)
    found = answer(claim_of(), tmp_path)
    assert (found.size, found.comparison.n, found.comparison.difference) == ("laptop", 3, pytest.approx(1.0))
    keep(tmp_path, "paper", parameters=[0.9] * 4)
    found = answer(claim_of(), tmp_path)
    assert (found.size, found.comparison.n, found.comparison.difference) == ("paper", 4, pytest.approx(10.0))


def test_a_arm_that_a_size_lacks_is_answered_at_another(tmp_path):
    keep(tmp_path, "laptop", standard=STANDARD, macs=[0.52, 0.54])
    keep(tmp_path, "paper", standard=[0.8] * 4, parameters=[0.9] * 4)
    found = answer(claim_of(arm="macs"), tmp_path)
    # two seeds were meant to be: the third one of the standard arm is no loss
    assert (found.size, found.comparison.n, found.comparison.lost) == ("laptop", 2, 0)
    assert found.comparison.difference == pytest.approx(2.0)


def test_diverged_runs_are_lost_pairs(tmp_path):
    keep(tmp_path, "laptop", standard=STANDARD, parameters=[0.53, None, 0.56])
    found = answer(claim_of(), tmp_path)
    assert (found.comparison.n, found.comparison.lost) == (2, 1)
    assert found.comparison.difference == pytest.approx(2.5)


@pytest.mark.parametrize(("accuracies", "n"), [([0.9, None, None], 1), ([None] * 3, 0)])
@pytest.mark.parametrize(("rule", "value"), [("gain", 0.0), ("gain", 3.0), ("no worse", 1.0), ("no gain", None)])
def test_where_too_many_runs_are_lost_the_experiment_cannot_see(accuracies, n, rule, value, tmp_path):
    keep(tmp_path, "laptop", standard=STANDARD, parameters=accuracies)
    found = verdicts([claim_of(rule=rule, value=value)], tmp_path)["a-claim"]
    c = found.comparison
    assert (c.n, c.lost, c.low, c.high, c.p) == (n, 3 - n, -math.inf, math.inf, 1.0)
    assert (found.verdict, found.blind) == ("cannot see", f"{3 - n} of 3 runs of polynomial, equal parameters diverged")
    assert math.isnan(found.p_holm)  # It is no test of the family.
    assert c.difference == pytest.approx(40.0) if n else math.isnan(c.difference)


def test_every_device_is_named(tmp_path):
    keep(tmp_path, "laptop", standard=STANDARD, parameters=[0.5, None, 0.5])
    save_record(record_of(tiny("laptop")["parameters"][0], 0.5, device="a slide rule"), tmp_path)
    assert answer(claim_of(), tmp_path).devices == ("a slide rule", "an abacus")


def test_a_verdict_is_that_of_the_claims_rule_and_value(tmp_path):
    keep(tmp_path, "laptop", standard=STANDARD, parameters=[0.53, 0.56, 0.59])
    for rule, value in (("gain", 3.0), ("gain", 9.0), ("no worse", 9.0), ("no gain", None)):
        found = answer(claim_of(rule=rule, value=value), tmp_path)
        assert found.verdict == pnn.verdict(found.comparison, rule, value)
    assert answer(claim_of(rule="no gain", value=None, matters=9.0), tmp_path).verdict == "as claimed"


@pytest.mark.parametrize(
    ("share", "train", "answered"),
    [(0.5, 0.93, "as claimed"), (0.05, 0.93, "cannot tell"), (0.05, 0.99, "loss"), (0.5, 0.80, "as claimed")],
)
def test_of_a_gap_less_is_better_and_the_margin_is_a_share(share, train, answered, tmp_path):
    """The standard network's gap is 38 points; the other's is 3 points wider, 9 wider, or 10 less."""
    keep(tmp_path, "laptop", standard=STANDARD)
    for run, test in zip(tiny("laptop")["parameters"], (0.495, 0.525, 0.54), strict=True):
        save_record(record_of(run, test, train), tmp_path)
    assert answer(claim_of(measure="gap", rule="no worse", value=share), tmp_path).verdict == answered


def test_networks_that_never_learned_cannot_be_compared(tmp_path):
    keep(tmp_path, "laptop", standard=[0.11, 0.12, 0.11], parameters=STANDARD)
    found = answer(claim_of(), tmp_path)
    assert (found.verdict, found.blind) == ("cannot see", "standard is at 11.3 %, the trivial answer at 10.0")


def test_the_trivial_answer_is_the_majority_class_where_it_was_measured(tmp_path, monkeypatch):
    recipe = pnn.Recipe(1, source="scikit-learn")
    majority = [pnn.Run(pnn.Digits(), pnn.Majority(), recipe, 0, "laptop")]
    monkeypatch.setitem(EXPERIMENTS, "digits", lambda size: tiny(size) | {"majority": majority})
    keep(tmp_path, "laptop", standard=STANDARD, parameters=[0.53, 0.56, 0.59])
    assert answer(claim_of(), tmp_path).verdict == "as claimed"  # It has no Record yet.
    claim_file.arms_by_name.cache_clear()
    save_record(whole_record(majority[0], 0.51), tmp_path)
    assert answer(claim_of(), tmp_path).blind == "standard is at 52.0 %, the trivial answer at 51.0"


def test_collapses_are_compared_as_shares(tmp_path):
    """A diverged run, and one that ended well at the uniform guess: two of three collapsed, and no gate hides it."""
    keep(tmp_path, "laptop", standard=STANDARD, parameters=[None, 0.11, 0.60])
    found = answer(claim_of(measure="collapse", value=0.0), tmp_path)
    assert found.comparison == compare_rates([False] * 3, [True, True, False])
    assert (round(found.comparison.difference), found.blind) == (67, "")


def test_a_claim_of_all_is_answered_by_the_answers_to_its_parts(tmp_path):
    keep(tmp_path, "laptop", standard=STANDARD, parameters=[0.53, 0.56, 0.59], macs=[0.3, 0.31])
    keep(tmp_path, "paper", standard=[0.8, 0.81, 0.82, 0.83], parameters=[0.84, 0.85, 0.86, 0.86])
    parts = [claim_of(id="one"), claim_of(id="two", measure="early_accuracy", value=0.0)]
    whole = Claim("whole", "s", "All", "always", all_of=("one", "two"))
    found = verdicts([whole, *parts], tmp_path)
    assert found["whole"] == claims.AllOf(whole, (found["one"], found["two"]))
    assert (found["whole"].verdict, found["whole"].size) == ("as claimed", "paper")
    assert found["whole"].told == "as claimed: of 2, 2 as claimed"
    assert found["one"].p_holm == verdicts(parts, tmp_path)["one"].p_holm == 0.25  # It is no test of the family.
    # One part at a smaller size makes the whole one in miniature; two pairs answer nothing.
    few = claim_of(id="few", arm="macs")
    mixed = verdicts([dataclasses.replace(whole, all_of=("one", "few")), parts[0], few], tmp_path)["whole"]
    assert (mixed.size, mixed.told) == ("laptop", "cannot tell: of 2, 1 as claimed, 1 cannot tell")
    assert mixed.devices == ("an abacus",)


def test_a_claim_of_all_of_which_a_part_has_no_answer_has_none(tmp_path):
    keep(tmp_path, "laptop", standard=STANDARD, parameters=[0.53, 0.56, 0.59])
    whole = Claim("whole", "s", "All", "always", all_of=("one", "two"))
    parts = [claim_of(id="one"), claim_of(id="two", arm="macs")]
    assert verdicts([whole, *parts], tmp_path).keys() == {"one"}
    assert verdicts([whole, parts[0]], tmp_path).keys() == {"one"}
    assert answer(whole, tmp_path) is None


def test_what_is_computed_needs_no_record(tmp_path, monkeypatch):
    monkeypatch.setitem(claims.COMPUTED, "rule", lambda: "1 to 2 times")
    claim = Claim("c", "s", "t", "~", computed="rule")
    found = verdicts([claim, claim_of()], tmp_path)
    assert found == {"c": claims.Computed(claim, "1 to 2 times")}
    assert (found["c"].told, found["c"].size) == ("computed: 1 to 2 times", "")


CLAIMS = """
[[claim]]
id = "s-accuracy"
source = "s"
text = "t"
short = "in short"
claimed = "3 points"
experiment = "digits"
arm = "parameters"
measure = "accuracy"
rule = "gain"
value = 3.0
[[claim]]
id = "s-macs"
source = "s"
text = "u"
claimed = "comparable"
experiment = "digits"
arm = "macs"
measure = "gap"
rule = "no worse"
value = 1.0
"""


@pytest.fixture
def page(tmp_path, monkeypatch) -> dict[str, list[pnn.Record]]:
    """A checkout with two claims, and the Records of a page, of its own setting and kept nowhere."""
    (tmp_path / "results").mkdir()
    (tmp_path / "book").mkdir()
    (tmp_path / "_toc.yml").touch()
    (tmp_path / "book/claims.toml").write_text(CLAIMS)
    monkeypatch.chdir(tmp_path)
    accuracies = {"standard": STANDARD, "parameters": [0.53, 0.56, 0.59], "macs": [0.4, 0.42]}
    return {
        name: [record_of(run, accuracy) for run, accuracy in zip(tiny("laptop")[name], own, strict=True)]
        for name, own in accuracies.items()
    }


def test_a_page_is_answered_by_its_own_records_and_the_books_claims(page):
    macs, accuracy = claims.answers(page, "s-macs", "s-accuracy")
    assert (accuracy.claim.short, accuracy.size, accuracy.verdict) == ("in short", "laptop", "as claimed")
    assert accuracy.comparison == pnn.compare_records(page["standard"], page["parameters"], measures.accuracy)
    assert (macs.comparison.n, macs.comparison.lost) == (2, 0)
    assert accuracy.p_holm == 0.5  # 2 * 0.25, over these two
    assert claims.answers(page, "s-accuracy")[0].p_holm == 0.25


def test_a_claim_about_an_arm_that_the_page_has_not_is_left_out(page):
    del page["macs"]
    assert [found.claim.id for found in claims.answers(page, "s-macs", "s-accuracy")] == ["s-accuracy"]


def test_a_claim_that_is_not_there_is_an_error(page):
    with pytest.raises(ClaimError, match=r"there is no claim .s-speed. in book/claims\.toml"):
        claims.answers(page, "s-speed")


def test_p_is_adjusted_over_all_that_is_answered(tmp_path):
    keep(tmp_path, "laptop", standard=STANDARD, parameters=[0.53, 0.56, 0.59], macs=[0.6, 0.7])
    asked = [
        claim_of(id="accuracy"),
        claim_of(id="again", value=1.0),  # the same query is the same test, and counts once
        claim_of(id="gap", measure="gap", rule="no worse"),  # another test with an equal result counts
        claim_of(id="macs", arm="macs"),
        Claim("unasked", "b", "c", "d"),
    ]
    found = verdicts(asked, tmp_path)
    assert {key: f.comparison.p for key, f in found.items()} == dict(accuracy=0.25, again=0.25, gap=0.25, macs=0.5)
    # three tests: 3 / 4, 2 / 4 and 1 / 2, none below the one before
    assert {key: f.p_holm for key, f in found.items()} == dict(accuracy=0.75, again=0.75, gap=0.75, macs=0.75)
    assert verdicts(asked[3:], tmp_path)["macs"].p_holm == 0.5


def test_nothing_is_trained_or_written(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.import_module("pnn.studies.study"), "fit", lambda *_, **__: pytest.fail("trained"))
    keep(tmp_path, "laptop", standard=STANDARD)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    verdicts([claim_of()], tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == before


def test_a_damaged_record_is_named(tmp_path):
    keep(tmp_path, "laptop", standard=STANDARD, parameters=STANDARD)
    path = record_path(tiny("laptop")["parameters"][1], tmp_path)
    path.write_text(path.read_text()[:-9])
    with pytest.raises(pnn.RecordError, match=path.name):
        answer(claim_of(), tmp_path)


def test_records_that_lack_what_is_measured_are_an_error(tmp_path, monkeypatch):
    recipe = pnn.Recipe(1, source="scikit-learn")
    majority = [pnn.Run(pnn.Digits(), pnn.Majority(), recipe, s, "laptop") for s in (0, 1)]
    monkeypatch.setitem(EXPERIMENTS, "digits", lambda size: tiny(size) | {"parameters": majority})
    keep(tmp_path, "laptop", standard=STANDARD)
    for run in majority:
        save_record(whole_record(run), tmp_path)
    with pytest.raises(ClaimError, match=r"'a-claim': measure 'early_accuracy' needs 'validation_accuracy'"):
        answer(claim_of(measure="early_accuracy"), tmp_path)


# --- the file --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "A claim"}, "'A claim': id must be of small letters, digits and single hyphens; got 'A claim'"),
        ({"id": 7}, "7: id must be text; got 7"),
        ({"claimed": 3.0}, "claimed must be text; got 3.0"),
        ({"text": " "}, "text must not be empty; got ' '"),
        ({"source": ""}, "source must not be empty"),
        ({"page": "/x.ipynb"}, "page must be the path of a notebook or text in the checkout; got '/x.ipynb'"),
        ({"page": "../x.ipynb"}, "page must be"),
        ({"page": "javascript:alert(1)//x.md"}, "page must be"),
        ({"page": "data:text/html,x.md"}, "page must be"),
        ({"page": "//elsewhere.org/x.md"}, "page must be"),
        ({"page": "a b.md"}, "page must be"),
        ({"page": "notebooks/x.html"}, "page must be"),
        ({"experiment": "cifar-10"}, r"experiment must be one of 'cifar10', .*; got 'cifar-10' \(did you mean 'cifar1"),
        ({"experiment": "by-network"}, "against must be one of "),
        ({"experiment": ""}, "experiment must be one of .*; got ''"),
        (
            {"arm": "paramters"},
            r"arm must be one of 'parameters', 'macs'; got 'paramters' \(did you mean 'parameters'",
        ),
        ({"arm": "standard"}, "arm must be one of 'parameters', 'macs'; got 'standard'"),
        ({"arm": ""}, "arm must be one of 'parameters', 'macs'; got ''"),
        ({"measure": "acuracy"}, r"measure must be one of 'accuracy', .*; got 'acuracy' \(did you mean 'accuracy'"),
        ({"measure": "final_loss"}, "measure must be one of"),  # less of it is better
        ({"measure": "compare"}, "measure must be one of"),
        (
            {"rule": "gains"},
            r"rule must be one of 'gain', 'no worse', 'no gain'; got 'gains' \(did you mean 'gain'\?\)",
        ),
        ({"value": None}, "value must be given for the rule 'gain', in points; got None"),
        ({"rule": "no worse", "value": None}, "value must be given for the rule 'no worse'"),
        ({"matters": 0}, "matters must be a number of points above 0; got 0"),
        ({"matters": "half"}, "matters must be a number of points above 0; got 'half'"),
        ({"rule": "no gain"}, "value must be left out for the rule 'no gain'; got 3.0"),
        ({"value": "3"}, "value must be a number of points, at least 0; got '3'"),
        ({"value": True}, "value must be a number of points"),
        ({"value": -3.0}, "value must be a number of points"),
        ({"value": math.nan}, "value must be a number of points"),
        ({"experiment": "", "arm": "", "measure": "", "rule": ""}, "value needs experiment, arm, measure, rule"),
    ],
)
def test_a_wrong_field_is_an_error_that_names_it(changes, message):
    with pytest.raises(ClaimError, match=message):
        claim_of(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"all_of": ("b",)}, r"all_of must be a list of at least two ids, each once; got \('b',\)"),
        ({"all_of": ("b", "b")}, "all_of must be a list of at least two ids, each once"),
        ({"all_of": "b"}, "all_of must be a list of at least two ids, each once; got 'b'"),
        ({"all_of": ("b", "c"), "computed": "width rule"}, "all_of stands in the place of .*computed"),
        ({"all_of": ("b", "c"), "rule": "gain"}, "all_of stands in the place of .*rule"),
        ({"all_of": ("b", "c"), "value": 1.0}, "value needs experiment, arm, measure, rule beside it"),
        ({"computed": "width rule", "arm": "macs"}, "computed stands in the place of .*arm"),
        ({"computed": "width"}, r"computed must be one of 'width rule', .*; got 'width' \(did you mean 'width rule'"),
        ({"computed": 7}, "computed must be text; got 7"),
    ],
)
def test_a_claim_is_answered_in_one_way(changes, message):
    with pytest.raises(ClaimError, match=message):
        Claim("a", "s", "t", "c", **changes)


def test_a_claim_error_is_a_value_error():
    assert issubclass(ClaimError, ValueError)  # which the command line reports


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            GOOD + 'experimant = "digits"',
            r"'a': there is no field 'experimant' \(did you mean 'experiment'\?\); its fiel",
        ),
        (GOOD + "zzz = 1", "'a': there is no field 'zzz'; its fields are id, source, text"),
        (GOOD.replace('claimed = "1 %"', ""), "'a': claimed is missing"),
        (GOOD.replace('id = "a"', ""), r"claim number 1 of .*claims\.toml: id is missing"),
        (GOOD + GOOD.replace('"t"', '"u"'), "'a': its id is that of an earlier claim, 't'; take another"),
        (GOOD + 'rule = "gain"', "'a': experiment must be one of"),
        (
            GOOD + 'all_of = ["b", "c"]',
            "'a': all_of must name claims of this file whose rule is 'gain'; got 'b'",
        ),
        (GOOD + "all_of = 3", "'a': all_of must be a list of at least two ids, each once; got 3"),
        (GOOD.replace("[[claim]]", "[[claims]]"), r"must hold \[\[claim\]\] tables and nothing else; got claims"),
        (GOOD.replace("[[claim]]", "[claim]"), r"must hold \[\[claim\]\] tables"),
        ("title = 'x'\n" + GOOD, r"must hold \[\[claim\]\] tables and nothing else; got title, claim"),
        ("", "nothing else; got nothing"),
        ("[[claim]", r"claims\.toml is not TOML"),
    ],
)
def test_a_wrong_file_is_an_error_that_says_where(text, message, tmp_path):
    (tmp_path / "claims.toml").write_text(text)
    with pytest.raises(ClaimError, match=message):
        load_claims(tmp_path / "claims.toml")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ClaimError, match=r"there is no file .*nowhere\.toml; give its path"):
        load_claims(tmp_path / "nowhere.toml")


def test_a_file_is_read_in_its_order(tmp_path):
    query = 'experiment = "digits"\narm = "macs"\nmeasure = "gap"\nrule = "no gain"\npage = "book/x.md"\n'
    (tmp_path / "claims.toml").write_text(GOOD.replace('"a"', '"b"') + query + GOOD)
    assert load_claims(tmp_path / "claims.toml") == [
        Claim("b", "s", "t", "1 %", "digits", "macs", "gap", "no gain", page="book/x.md"),
        Claim("a", "s", "t", "1 %"),
    ]


def test_a_claim_of_all_is_read_with_its_parts_or_alone(tmp_path):
    query = 'experiment = "digits"\narm = "{}"\nmeasure = "accuracy"\nrule = "gain"\nvalue = 0\n'
    parts = [GOOD.replace('"a"', f'"{name}"') + query.format(arm) for name, arm in (("b", "macs"), ("c", "parameters"))]
    (tmp_path / "claims.toml").write_text(GOOD + 'all_of = ["b", "c"]\n' + "".join(parts))
    assert load_claims(tmp_path / "claims.toml")[0].all_of == ("b", "c")
    assert [claim.id for claim in load_claims(tmp_path / "claims.toml", ids=["a"])] == ["a"]
    (tmp_path / "claims.toml").write_text(GOOD + 'all_of = ["b", "C"]\n' + "".join(parts))
    with pytest.raises(ClaimError, match=r"whose rule is 'gain'; got 'C'"):
        load_claims(tmp_path / "claims.toml")


@pytest.fixture(scope="module")
def committed() -> list[Claim]:
    return load_claims(ROOT / "book" / "claims.toml")


def test_the_books_file_is_that_of_the_checkout(committed, monkeypatch):
    monkeypatch.chdir(ROOT / "notebooks" / "analysis")
    assert load_claims() == committed


def test_every_reference_stands_once():
    keys = re.findall(r"^@\w+\{(\w+),", (ROOT / "book" / "references.bib").read_text(), re.MULTILINE)
    assert sorted(keys) == sorted(set(keys))


def test_every_source_is_in_the_bibliography(committed):
    keys = set(re.findall(r"^@\w+\{(\w+),", (ROOT / "book" / "references.bib").read_text(), re.MULTILINE))
    assert {claim.source for claim in committed} <= keys
    assert all(claim.id.startswith(f"{claim.source}-") for claim in committed)


def test_every_page_exists(committed):
    assert [claim.id for claim in committed if claim.page and not (ROOT / claim.page).is_file()] == []


def test_no_two_claims_read_alike(committed):
    assert len({claim.text for claim in committed}) == len(committed)


def test_a_claimed_gain_reaches_down_to_what_rounds_to_the_quoted_numbers(committed):
    """Of "~85 → ~88" by a point of rounding, as from 85.5 to 87.5; of "~63.5 → ~64.5" by a tenth."""
    for claim in committed:
        if claim.rule == "gain" and claim.value:
            before, after = re.findall(r"\d+\.?\d*", claim.claimed)
            rounding = 10.0 ** -len(after.partition(".")[2])
            if claim.claimed.startswith("error"):  # Less is better.
                before, after = after, before
            assert float(after) - float(before) - rounding == pytest.approx(claim.value), claim.id


def test_the_neurons_own_claims_are_asked_of_every_data_set(committed):
    asked = {(c.experiment, c.measure) for c in committed if c.source == "oporture2026" and c.arm == "parameters"}
    data_sets, measures = ("cifar10", "cifar100", "boolq", "higgs"), ("accuracy", "early_accuracy", "gap")
    never_claimed = {("higgs", "early_accuracy")}
    assert asked == {(name, measure) for name in data_sets for measure in measures} - never_claimed


def test_the_page_has_a_heading_for_every_source(committed):
    page = (ROOT / "notebooks" / "analysis" / "verdict.ipynb").read_text()
    assert {c.source for c in committed} == set(re.findall(r"by_source\.pop\(\\\"(\w+)\\\"", page))
