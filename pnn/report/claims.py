"""The sources' claims, each with the Records that answer it: book/claims.toml in, verdicts out. Nothing is trained."""

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
from ..runs.folders import checkout_folder, results_folder
from ..runs.frame import arm_name
from ..runs.record import Record
from ..runs.run import SIZES
from ..runs.store import load_record
from ..system.meant import meant
from . import measures
from .comparison import Comparison, check_same_data, compare, compare_records, holm
from .verdict import RULES, verdict

# These are the measures of pnn.report.measures in points.
MEASURES = ("accuracy", "early_accuracy", "area_under_curve", "gap", "validation_gap", "failure")
QUERY = ("experiment", "arm", "measure", "rule")  # A claim has all of them, or none if nothing answers it yet.


class ClaimError(ValueError):
    """A field of a claim that is unknown, missing or wrong; the message says which, and what is allowed."""


@dataclass(frozen=True)
class Claim:
    """What a source says, and which Records answer it: those of one arm of an experiment against those of another."""

    id: str  # small letters, digits, hyphens
    source: str  # key of book/references.bib
    text: str  # in our words
    claimed: str  # the source's own number or word
    experiment: str = ""  # a name in pnn.experiments.EXPERIMENTS
    arm: str = ""  # parts such as neuron, what is equal and activation are joined by "/"
    measure: str = ""  # a name in MEASURES
    rule: str = ""  # a name in RULES
    # points: what is claimed of a gain, 0 if no number is; the margin of equal; none for no gain
    value: float | None = None
    page: str = ""  # the page with the details, such as "notebooks/datasets/cifar10.ipynb"
    against: str = "standard"  # the other arm
    short: str = ""  # the claim in a few words, for the table of its own page

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            given = getattr(self, field.name)
            if field.name != "value" and type(given) is not str:
                raise self._error(field.name, "must be text", given)
        for name in ("source", "text", "claimed"):
            if not getattr(self, name).strip():
                raise self._error(name, "must not be empty", getattr(self, name))
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.id):
            raise self._error("id", "must be of small letters, digits and single hyphens", self.id)
        if self.page and not re.fullmatch(r"[^/.][^.]*\.(ipynb|md)", self.page):
            raise self._error("page", "must be the path of a notebook or text in the checkout", self.page)
        if any(getattr(self, name) for name in QUERY):
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
        elif self.rule == "equal" and self.value == 0:
            raise self._error("value", "must be above 0 for the rule 'equal': no interval lies within +-0", self.value)
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

    @property
    def verdict(self) -> str:
        """``"holds"``, ``"does not hold"`` or ``"cannot tell"``, by the claim's rule."""
        return verdict(self.comparison, self.claim.rule, self.claim.value)


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
        claim = Claim(**entry)
        if claim.id in claims:
            raise ClaimError(f"{name}: its id is that of an earlier claim, {claims[claim.id].text!r}; take another")
        claims[claim.id] = claim
    return claims


def answer(claim: Claim, results: str | Path | None = None) -> Answer | None:
    """What the Records say to a claim at the largest size that has them all; None if none above smoke has.

    A run that did not end well is a lost pair. With fewer than two pairs left nothing is known: the interval is then
    the whole line, and the verdict *cannot tell*.

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
            return _answer(claim, *pair)
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
    return _adjusted([_answer(claim, named[claim.against], named[claim.arm]) for claim in asked])


def _answer(claim: Claim, against: list[Record], arm: list[Record]) -> Answer:
    # Arms may have different numbers of seeds; one that only one arm was to run is no pair, and none is lost.
    seeds = {record.run.seed for record in against} & {record.run.seed for record in arm}
    pair = [[record for record in own if record.run.seed in seeds] for own in (against, arm)]
    try:
        comparison = _compare(*pair, getattr(measures, claim.measure))
    except KeyError as error:
        raise ClaimError(
            f"claim {claim.id!r}: measure {claim.measure!r} needs {error}, which Records of arm {claim.arm!r} "
            "have not; take another measure or arm"
        ) from error
    devices = {record.used["device"] for own in pair for record in own if "device" in record.used}
    return Answer(claim, arm[0].run.size, comparison, tuple(sorted(devices)), comparison.p)


def verdicts(claims: Iterable[Claim], results: str | Path | None = None) -> dict[str, Answer]:
    """The answers to the claims that have one, by id; p is adjusted over all of them.

    Two claims with the same comparison are one test, which is counted once.
    """
    found = [answer(claim, results) for claim in claims]
    return {one.claim.id: one for one in _adjusted([one for one in found if one])}


def _adjusted(found: list[Answer]) -> list[Answer]:
    distinct = list(dict.fromkeys(one.comparison for one in found))
    adjusted = dict(zip(distinct, holm([c.p for c in distinct]), strict=True))
    return [dataclasses.replace(one, p_holm=adjusted[one.comparison]) for one in found]


@functools.cache
def _arms(experiment: Callable[[str], dict], size: str) -> Arms:
    """The Runs of an experiment by arm as text. They are kept, as many claims share an experiment."""
    return {arm_name(arm): runs for arm, runs in experiment(size).items()}


def _compare(a: list[Record], b: list[Record], value: Callable[[Record], float]) -> Comparison:
    """As :func:`pnn.compare_records`, but runs that ended badly have a value, too, if the measure is "failure"."""
    if value is measures.failure:  # Every run has a value.
        check_same_data(a, b)
        values = [[value(record) for record in sorted(arm, key=lambda r: r.run.seed)] for arm in (a, b)]
        return compare(*values)
    return compare_records(a, b, value)
