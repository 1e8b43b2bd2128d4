"""The sources' claims, each with the Records that answer it: book/claims.toml in, verdicts out. Nothing is trained."""

import collections
import dataclasses
import functools
import math
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..experiments import EXPERIMENTS
from ..experiments.common import Arms
from ..networks.baselines import Majority
from ..runs.folders import checkout_folder, results_folder
from ..runs.frame import arm_name
from ..runs.record import Record
from ..runs.run import SIZES
from ..runs.store import load_record
from ..system.meant import meant
from . import measures
from .arms import label
from .comparison import Comparison, check_same_data, compare_rates, compare_records, holm
from .computed import COMPUTED
from .endings import collapsed
from .gates import blind
from .verdict import MATTERS, RULES, verdict, verdict_on_all

# These are the measures of pnn.report.measures in points, and the share of the runs that collapsed in percent.
GAPS = ("gap", "validation_gap")
MEASURES = ("accuracy", "early_accuracy", "area_under_curve", "gap", "validation_gap", "collapse")
QUERY = ("experiment", "arm", "measure", "rule")  # A claim has all of them, or none.


class ClaimError(ValueError):
    """A field of a claim that is unknown, missing or wrong; the message says which, and what is allowed."""


@dataclass(frozen=True)
class Claim:
    """What a source says, and what answers it.

    That is the Records of one arm of an experiment against those of another, or the answers to other claims, or
    numbers that are computed. Where none of the three is given, the claim is not measured yet.
    """

    id: str  # small letters, digits, hyphens
    source: str  # key of book/references.bib
    text: str  # in our words
    claimed: str  # the source's own number or word
    experiment: str = ""  # a name in pnn.experiments.EXPERIMENTS
    arm: str = ""  # parts such as neuron, what is equal and activation are joined by "/"
    measure: str = ""  # a name in MEASURES
    rule: str = ""  # a name in RULES
    # Of a gain the least that is still what is claimed, in points, 0 if no number is; of "no worse" the margin, in
    # points, for a gap as a share of the other arm's gap; none for no gain.
    value: float | None = None
    matters: float = MATTERS  # points, the smallest difference that matters
    page: str = ""  # the page with the details, such as "notebooks/datasets/cifar10.ipynb"
    against: str = "standard"  # the other arm
    short: str = ""  # the claim in a few words, for the table of its own page
    all_of: tuple[str, ...] = ()  # ids of claims of gains, all of which it claims at once
    computed: str = ""  # a name in pnn.report.computed.COMPUTED

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            given = getattr(self, field.name)
            if field.name not in ("value", "matters", "all_of") and type(given) is not str:
                raise self._error(field.name, "must be text", given)
        if type(self.matters) not in (int, float) or not 0 < self.matters < math.inf:
            raise self._error("matters", "must be a number of points above 0", self.matters)
        for name in ("source", "text", "claimed"):
            if not getattr(self, name).strip():
                raise self._error(name, "must not be empty", getattr(self, name))
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.id):
            raise self._error("id", "must be of small letters, digits and single hyphens", self.id)
        if self.page and not re.fullmatch(r"[^/.][^.]*\.(ipynb|md)", self.page):
            raise self._error("page", "must be the path of a notebook or text in the checkout", self.page)
        if type(self.all_of) is not tuple or len(set(self.all_of)) != len(self.all_of) or len(self.all_of) == 1:
            raise self._error("all_of", "must be a list of at least two ids, each once", self.all_of)
        ways = [name for name in (*QUERY, "all_of", "computed") if getattr(self, name)]
        for name in ("all_of", "computed"):
            if name in ways and len(ways) > 1:
                others = ", ".join(way for way in ways if way != name)
                raise self._error(name, f"stands in the place of {others}, leave one out", getattr(self, name))
        if self.computed and self.computed not in COMPUTED:
            raise self._error("computed", f"must be one of {', '.join(map(repr, COMPUTED))}", self.computed, COMPUTED)
        if ways and ways[0] in QUERY:
            self._check_query()
        elif self.value is not None:
            raise self._error("value", f"needs {', '.join(QUERY)} beside it", self.value)

    def _check_query(self) -> None:
        for name, allowed in {"experiment": EXPERIMENTS, "measure": MEASURES, "rule": RULES}.items():
            if getattr(self, name) not in allowed:
                raise self._error(name, f"must be one of {', '.join(map(repr, allowed))}", getattr(self, name), allowed)
        if self.rule == "no gain":
            if self.value is not None:
                raise self._error("value", "must be left out for the rule 'no gain'", self.value)
        elif self.value is None:
            raise self._error("value", f"must be given for the rule {self.rule!r}, in points", None)
        elif type(self.value) not in (int, float) or not 0 <= self.value < math.inf:
            raise self._error("value", "must be a number of points, at least 0", self.value)
        seen = {}
        for size in SIZES[1:]:  # The smaller sizes are quicker to ask.
            seen |= dict.fromkeys(_arms(EXPERIMENTS[self.experiment], size))
            if {self.against, self.arm} <= seen.keys() and self.arm != self.against:
                return
        if self.against not in seen:
            raise self._error("against", f"must be one of {', '.join(map(repr, seen))}", self.against, seen)
        allowed = [name for name in seen if name != self.against]
        raise self._error("arm", f"must be one of {', '.join(map(repr, allowed))}", self.arm, allowed)

    def _error(self, field: str, rule: str, given: object, allowed: Iterable[str] = ()) -> ClaimError:
        return ClaimError(f"claim {self.id!r}: {field} {rule}; got {given!r}{meant(given, allowed)}")


@dataclass(frozen=True)
class Answer:
    """What the Records say to a claim."""

    claim: Claim
    size: str  # of all its Records
    comparison: Comparison  # the claim's arm less the other one, in points
    devices: tuple[str, ...]
    p_holm: float  # p adjusted by Holm's method over the answers that were asked for together
    blind: str = ""  # why the experiment cannot see what is claimed, see pnn.report.gates; empty if it can

    @property
    def verdict(self) -> str:
        """One of ``pnn.report.verdict.ANSWERS``, by the claim's rule."""
        if self.blind:
            return "cannot see"
        claim, c, value = self.claim, self.comparison, self.claim.value
        if claim.measure in GAPS and claim.rule == "no worse":  # Less is better, and the margin is a share.
            c = dataclasses.replace(c, low=-c.high, high=-c.low)
            value = max(claim.matters, value * abs(c.mean_a))
        return verdict(c, claim.rule, value, claim.matters)

    @property
    def told(self) -> str:
        """The verdict, and where the experiment cannot see, the reason."""
        return f"{self.verdict}: {self.blind}" if self.blind else self.verdict


@dataclass(frozen=True)
class AllOf:
    """What the answers to several claims say to one that claims all of them at once."""

    claim: Claim
    parts: tuple[Answer, ...]

    @property
    def size(self) -> str:
        """That of its smallest part, as the whole is in miniature as soon as one part is."""
        return min((part.size for part in self.parts), key=SIZES.index)

    @property
    def devices(self) -> tuple[str, ...]:
        return tuple(sorted({device for part in self.parts for device in part.devices}))

    @property
    def verdict(self) -> str:
        """By :func:`pnn.report.verdict.verdict_on_all`."""
        return verdict_on_all([part.verdict for part in self.parts])

    @property
    def told(self) -> str:
        """The verdict, and how many parts have which."""
        words = collections.Counter(part.verdict for part in self.parts)
        return f"{self.verdict}: of {len(self.parts)}, " + ", ".join(f"{n} {word}" for word, n in words.items())


@dataclass(frozen=True)
class Computed:
    """Numbers that answer a claim without any training."""

    claim: Claim
    text: str
    verdict: str = "computed"
    size: str = ""  # They have none, and were found on no device that matters.
    devices: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        return f"{self.verdict}: {self.text}"


def load_claims(path: str | Path | None = None, ids: Iterable[str] = ()) -> list[Claim]:
    """The claims of a file, in its order.

    Args:
        path: the file; by default book/claims.toml of the checkout around the current folder.
        ids: of the claims that are wanted, in the order of the answer; by default all of them.

    Raises:
        ClaimError: the file is missing or no TOML, one of its claims is wrong, or an id is not there; the message says
            which and where.
    """
    ids = list(ids)
    claims = _read_claims(path, frozenset(ids))
    if missing := [key for key in ids if key not in claims]:
        raise ClaimError(f"there is no claim {missing[0]!r} in {path or 'book/claims.toml'}")
    return [claims[key] for key in ids] if ids else list(claims.values())


def _read_claims(path: str | Path | None, wanted: frozenset[str]) -> dict[str, Claim]:
    """The wanted claims by id, or all claims. Only these are checked, as it takes a while to ask an experiment."""
    path = Path(path).expanduser() if path else checkout_folder() / "book" / "claims.toml"
    try:
        form = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ClaimError(f"there is no file {path}; give its path, or start in a checkout of the book") from error
    except ValueError as error:
        raise ClaimError(f"{path} is not TOML: {error}") from error
    entries = form.get("claim")
    if form.keys() != {"claim"} or type(entries) is not list or not all(type(entry) is dict for entry in entries):
        raise ClaimError(f"{path} must hold [[claim]] tables and nothing else; got {', '.join(form) or 'nothing'}")
    fields = {field.name: field for field in dataclasses.fields(Claim)}
    claims: dict[str, Claim] = {}
    for number, entry in enumerate(entries, 1):
        name = f"claim {entry['id']!r}" if "id" in entry else f"claim number {number} of {path}"
        for key in entry.keys() - fields.keys():
            known = ", ".join(fields)
            raise ClaimError(f"{name}: there is no field {key!r}{meant(key, fields)}; its fields are {known}")
        for key, field in fields.items():
            if field.default is dataclasses.MISSING and key not in entry:
                raise ClaimError(f"{name}: {key} is missing")
        if wanted and entry["id"] not in wanted:
            continue
        if type(entry.get("all_of")) is list:
            entry = entry | {"all_of": tuple(entry["all_of"])}
        claim = Claim(**entry)
        gains = [other["id"] for other in entries if other.get("rule") == "gain" and "id" in other]
        for part in claim.all_of:
            if part not in gains:
                rule = "must name claims of this file whose rule is 'gain'"
                raise ClaimError(f"{name}: all_of {rule}; got {part!r}{meant(part, gains)}")
        if claim.id in claims:
            raise ClaimError(f"{name}: its id is that of an earlier claim, {claims[claim.id].text!r}; take another")
        claims[claim.id] = claim
    return claims


def answer(claim: Claim, results: str | Path | None = None) -> Answer | None:
    """What the Records say to a claim at the largest size that has them all; None if none above smoke has.

    A run that did not end well is a lost pair. Where an arm lost too many, or never learned, the verdict is *cannot
    see* (:func:`pnn.report.gates.blind`).

    Args:
        claim: the claim.
        results: the Records' folder, as for :func:`pnn.study`.

    Raises:
        ClaimError: the Records of the arm lack what is measured, as those of baselines lack curves.
        RecordError: a Record is damaged.
    """
    folder = results_folder(results)
    for size in reversed(SIZES[1:]) if claim.experiment else ():
        arms = _arms(EXPERIMENTS[claim.experiment], size)
        if claim.arm not in arms:
            continue
        pair = [[load_record(run, folder) for run in arms[name]] for name in (claim.against, claim.arm)]
        if all(record for arm in pair for record in arm):
            trivial = {
                name: [load_record(run, folder) for run in own] for name, own in arms.items() if _is_majority(name)
            }
            return _answer(claim, *pair, _trivial(trivial | {claim.arm: pair[1]}))
    return None


def answers(arms: Mapping[Any, list[Record]], *ids: str) -> list[Answer]:
    """What the Records of a page say to some claims of the book, in this order; p is adjusted over these alone.

    The claims, their rules and their values are those of book/claims.toml; the Records are those of the page, whichever
    size and setting it was executed at. A claim about an arm that the page has not is left out.

    Args:
        arms: Records by arm, as :func:`pnn.study` returns them.
        ids: of the claims.

    Raises:
        ClaimError: as :func:`load_claims` and :func:`answer`.
    """
    named = {arm_name(arm): own for arm, own in arms.items()}
    asked = [claim for claim in load_claims(ids=ids) if {claim.against, claim.arm} <= named.keys()]
    return _adjusted([_answer(claim, named[claim.against], named[claim.arm], _trivial(named)) for claim in asked])


def _answer(claim: Claim, against: list[Record], arm: list[Record], trivial: float) -> Answer:
    # Arms may have different numbers of seeds; one that only one arm was to run is no pair, and none is lost.
    seeds = {record.run.seed for record in against} & {record.run.seed for record in arm}
    pair = [[record for record in own if record.run.seed in seeds] for own in (against, arm)]
    try:
        comparison = _compare(*pair, claim.measure, trivial)
    except KeyError as error:
        raise ClaimError(
            f"claim {claim.id!r}: measure {claim.measure!r} needs {error}, which Records of arm {claim.arm!r} "
            "have not; take another measure or arm"
        ) from error
    devices = {record.used["device"] for own in pair for record in own if "device" in record.used}
    # What makes an arm unfit to be compared is what a collapse is: of how many collapsed, nothing is hidden by it.
    named = {label(claim.against): pair[0], label(claim.arm): pair[1]}
    reason = "" if claim.measure == "collapse" else blind(named, trivial)
    return Answer(claim, arm[0].run.size, comparison, tuple(sorted(devices)), comparison.p, reason)


def verdicts(claims: Iterable[Claim], results: str | Path | None = None) -> dict[str, Answer | AllOf | Computed]:
    """The answers to the claims that have one, by id; p is adjusted over all that compare Records.

    Two claims with the same query are one test, which is counted once. A claim of all of several others is answered
    where each of them is among these claims and has an answer; it adds no test.
    """
    claims = list(claims)
    found = [answer(claim, results) for claim in claims]
    compared = {one.claim.id: one for one in _adjusted([one for one in found if one])}
    given: dict[str, Answer | AllOf | Computed] = dict(compared)
    for claim in claims:
        if claim.all_of and compared.keys() >= set(claim.all_of):
            given[claim.id] = AllOf(claim, tuple(compared[part] for part in claim.all_of))
        elif claim.computed:
            given[claim.id] = Computed(claim, COMPUTED[claim.computed]())
    return given


def _adjusted(found: list[Answer]) -> list[Answer]:
    """The same answers with p adjusted over them; claims with one query are one test."""

    def query(one: Answer) -> tuple[str, ...]:
        return one.claim.experiment, one.claim.arm, one.claim.against, one.claim.measure, one.size

    tests = {query(one): one.comparison.p for one in found if not one.blind}
    adjusted = dict(zip(tests, holm(list(tests.values())), strict=True))
    return [dataclasses.replace(one, p_holm=adjusted.get(query(one), math.nan)) for one in found]


@functools.cache
def _arms(experiment: Callable[[str], dict], size: str) -> Arms:
    """The Runs of an experiment by arm as text. They are kept, as many claims share an experiment."""
    return {arm_name(arm): runs for arm, runs in experiment(size).items()}


def _compare(a: list[Record], b: list[Record], measure: str, trivial: float) -> Comparison:
    """As :func:`pnn.compare_records`, but of collapses as shares, which every run has a part in."""
    if measure == "collapse":
        check_same_data(a, b)
        return compare_rates(*([collapsed(record, trivial) for record in arm] for arm in (a, b)))
    return compare_records(a, b, getattr(measures, measure))


def _is_majority(arm: str) -> bool:
    return arm.split("/")[0] == Majority.name


def _trivial(arms: Mapping[str, list[Record | None]]) -> float:
    """The accuracy in percent of an answer that looks at no input: the majority arm's, else that of a uniform guess."""
    for name, arm in arms.items():
        if _is_majority(name) and arm and arm[0] and arm[0].outcome == "ok":
            return measures.accuracy(arm[0])
    return 100 / next(record.run.task.form.classes for arm in arms.values() for record in arm if record)
