"""What the Records say to the sources' claims: claims in, answers out. Nothing is trained."""

import collections
import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..experiments import EXPERIMENTS
from ..networks.baselines import Majority
from ..runs.folders import results_folder
from ..runs.frame import arm_name
from ..runs.record import Record
from ..runs.run import SIZES
from ..runs.store import load_record
from . import measures
from .arms import label
from .claim_file import Claim, ClaimError, arms_by_name, load_claims
from .comparison import Comparison, check_same_data, compare_rates, compare_records, holm
from .computed import COMPUTED
from .deviations import compare_deviations
from .endings import collapsed
from .gates import blind
from .verdict import verdict, verdict_on_all

GAPS = ("gap", "validation_gap")


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
        arms = arms_by_name(EXPERIMENTS[claim.experiment], size)
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
        ClaimError: as :func:`~pnn.report.claim_file.load_claims` and :func:`answer`.
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


def _compare(a: list[Record], b: list[Record], measure: str, trivial: float) -> Comparison:
    """As :func:`pnn.compare_records`, but of collapses as shares, which every run has a part in; and of deviations."""
    if measure == "collapse":
        check_same_data(a, b)
        return compare_rates(*([collapsed(record, trivial) for record in arm] for arm in (a, b)))
    if measure == "deviation":
        return compare_deviations(a, b)
    return compare_records(a, b, getattr(measures, measure))


def _is_majority(arm: str) -> bool:
    return arm.split("/")[0] == Majority.name


def _trivial(arms: Mapping[str, list[Record | None]]) -> float:
    """The accuracy in percent of an answer that looks at no input: the majority arm's, else that of a uniform guess."""
    for name, arm in arms.items():
        if _is_majority(name) and arm and arm[0] and arm[0].outcome == "ok":
            return measures.accuracy(arm[0])
    return 100 / next(record.run.task.form.classes for arm in arms.values() for record in arm if record)
