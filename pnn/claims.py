"""The sources' claims, each with the Records that answer it: book/claims.toml in, verdicts out. Nothing is trained."""

import dataclasses
import difflib
import functools
import math
import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from . import stats
from .experiments import EXPERIMENTS
from .experiments.common import Sides
from .run import SIZES, Record
from .stats import Comparison
from .study import checkout_folder, load_record, results_folder

# of pnn.stats, those that are larger if there is more of something, in points
MEASURES = ("accuracy", "early_accuracy", "area_under_curve", "gap", "validation_gap", "failure")
RULES = ("gain", "equal", "no gain")
QUERY = ("experiment", "side", "measure", "rule")  # all of them, or none: nothing answers the claim yet


class ClaimError(ValueError):
    """A field of a claim that is unknown, missing or wrong; the message says which, and what is allowed."""


@dataclass(frozen=True)
class Claim:
    """What a source says, and which Records answer it: those of one side of an experiment against those of another."""

    id: str  # small letters, digits, hyphens
    source: str  # key of book/references.bib
    text: str  # in our words
    claimed: str  # the source's own number or word
    experiment: str = ""  # a name in pnn.experiments.EXPERIMENTS
    side: str = ""  # of several parts, such as neuron, what is equal, activation: joined by "/"
    measure: str = ""  # a name in MEASURES
    rule: str = ""  # a name in RULES
    value: float | None = None  # points; gain: what is claimed, 0 if no number is; equal: the margin; no gain: none
    page: str = ""  # with the details, such as "notebooks/datasets/cifar10.ipynb"
    against: str = "standard"  # the other side

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
        for size in SIZES[1:]:  # the smaller ones are quicker to ask
            seen |= dict.fromkeys(_sides(EXPERIMENTS[self.experiment], size))
            if {self.against, self.side} <= seen.keys() and self.side != self.against:
                return
        if self.against not in seen:
            raise self._error("against", f"must be one of {', '.join(map(repr, seen))}", self.against, seen)
        allowed = [name for name in seen if name != self.against]
        raise self._error("side", f"must be one of {', '.join(map(repr, allowed))}", self.side, allowed)

    def _error(self, field: str, rule: str, given: object, allowed: Iterable[str] = ()) -> ClaimError:
        return ClaimError(f"claim {self.id!r}: {field} {rule}; got {given!r}{_meant(given, allowed)}")


@dataclass(frozen=True)
class Answer:
    """What the Records say to a claim."""

    claim: Claim
    size: str  # of all its Records
    comparison: Comparison  # the claim's side less the other one, in points
    devices: tuple[str, ...]
    p_holm: float  # the comparison's p, adjusted by Holm's method over the answers that were asked for together

    @property
    def verdict(self) -> str:
        """``"holds"``, ``"does not hold"`` or ``"cannot tell"``, by the claim's rule."""
        if self.claim.rule == "gain":
            return stats.verdict(self.comparison, self.claim.value)
        if self.claim.rule == "equal":
            return stats.verdict_equal(self.comparison, self.claim.value)
        return verdict_no_gain(self.comparison)


def verdict_no_gain(comparison: Comparison) -> str:
    """Whether there is no gain: the whole 95 % interval at or below 0 (holds) or above it (does not hold)."""
    if comparison.high <= 0:
        return "holds"
    return "does not hold" if comparison.low > 0 else "cannot tell"


def load_claims(path: str | Path | None = None) -> list[Claim]:
    """The claims of a file, in its order.

    Args:
        path: the file; by default book/claims.toml of the checkout around the current folder.

    Raises:
        ClaimError: the file is missing or no TOML, or one of its claims is wrong; the message says which and where.
    """
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
            raise ClaimError(f"{name}: there is no field {key!r}{_meant(key, fields)}; its fields are {known}")
        for key, field in fields.items():
            if field.default is dataclasses.MISSING and key not in entry:
                raise ClaimError(f"{name}: {key} is missing")
        claim = Claim(**entry)
        if claim.id in claims:
            raise ClaimError(f"{name}: its id is that of an earlier claim, {claims[claim.id].text!r}; take another")
        claims[claim.id] = claim
    return list(claims.values())


def answer(claim: Claim, results: str | Path | None = None) -> Answer | None:
    """What the Records say to a claim at the largest size that has them all; None if none above smoke has.

    A run that did not end well is a lost pair. With fewer than two pairs left nothing is known: the interval is then
    the whole line, and the verdict *cannot tell*.

    Args:
        claim: the claim.
        results: the Records' folder, as for :func:`pnn.study`.

    Raises:
        ClaimError: the Records of the side lack what is measured, as those of baselines lack curves.
        RecordError: a Record is damaged.
    """
    folder = results_folder(results)
    for size in reversed(SIZES[1:]) if claim.experiment else ():
        sides = _sides(EXPERIMENTS[claim.experiment], size)
        if claim.side not in sides:
            continue
        pair = [[load_record(run, folder) for run in sides[name]] for name in (claim.against, claim.side)]
        if not all(record for side in pair for record in side):
            continue
        # sides may have different numbers of seeds; one that only one side was to run is no pair, and none lost
        seeds = set.intersection(*({record.run.seed for record in side} for side in pair))
        pair = [[record for record in side if record.run.seed in seeds] for side in pair]
        try:
            comparison = _compare(*pair, getattr(stats, claim.measure))
        except KeyError as error:
            raise ClaimError(
                f"claim {claim.id!r}: measure {claim.measure!r} needs {error}, which Records of side {claim.side!r} "
                "have not; take another measure or side"
            ) from error
        devices = {record.used["device"] for side in pair for record in side if "device" in record.used}
        return Answer(claim, size, comparison, tuple(sorted(devices)), comparison.p)
    return None


def verdicts(claims: Iterable[Claim], results: str | Path | None = None) -> dict[str, Answer]:
    """The answers to the claims that have one, by id; p is adjusted over all of them.

    Two claims with the same comparison are one test, which is counted once.
    """
    answers = {claim.id: found for claim in claims if (found := answer(claim, results))}
    distinct = list(dict.fromkeys(found.comparison for found in answers.values()))
    adjusted = dict(zip(distinct, stats.holm([c.p for c in distinct]), strict=True))
    return {key: dataclasses.replace(found, p_holm=adjusted[found.comparison]) for key, found in answers.items()}


@functools.cache
def _sides(experiment: Callable[[str], dict], size: str) -> Sides:
    """The Runs of an experiment by side as text; matching the widths takes seconds, and many claims share one."""
    sides = experiment(size).items()
    return {"/".join(map(str, side)) if isinstance(side, tuple) else str(side): runs for side, runs in sides}


def _compare(a: list[Record], b: list[Record], value: Callable[[Record], float]) -> Comparison:
    """:func:`pnn.compare_records`, but fewer than two pairs are no error: their interval is the whole line."""
    if value is stats.failure:  # every run has one
        values = [[value(record) for record in sorted(side, key=lambda r: r.run.seed)] for side in (a, b)]
        return stats.compare(*values)
    _, values_a, values_b, lost = stats.pair_by_seed(a, b, value)
    if len(values_a) >= 2:
        return stats.compare(values_a, values_b, lost)
    mean_a, mean_b = (values[0] if values else math.nan for values in (values_a, values_b))
    line = {"low": -math.inf, "high": math.inf, "bca_low": -math.inf, "bca_high": math.inf}
    return Comparison(len(values_a), lost, mean_a, mean_b, mean_b - mean_a, **line, p=1.0, detectable=math.inf)


def _meant(given: object, allowed: Iterable[str]) -> str:
    near = difflib.get_close_matches(given, list(allowed), 1) if isinstance(given, str) else []
    return f" (did you mean {near[0]!r}?)" if near else ""
