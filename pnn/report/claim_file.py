"""The sources' claims as book/claims.toml holds them: what each says, and which Records answer it."""

import dataclasses
import functools
import math
import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ..experiments import EXPERIMENTS
from ..experiments.common import Arms
from ..runs.folders import checkout_folder
from ..runs.frame import arm_name
from ..runs.run import SIZES
from ..system.files import read_text
from ..system.meant import meant
from .computed import COMPUTED
from .verdict import MATTERS, RULES

# These are the measures of pnn.report.measures in points (the rank in eigenvectors); the share of the runs that
# collapsed in percent; and by how many percent the standard deviation of the test accuracy over the seeds is larger
# than that of the other arm.
MEASURES = (
    *("accuracy", "early_accuracy", "area_under_curve", "gap", "validation_gap", "interaction_rank"),
    *("collapse", "deviation"),
)
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
        if self.page and not re.fullmatch(r"[\w-]+(/[\w-]+)*\.(ipynb|md)", self.page):
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
            seen |= dict.fromkeys(arms_by_name(EXPERIMENTS[self.experiment], size))
            if {self.against, self.arm} <= seen.keys() and self.arm != self.against:
                return
        if self.against not in seen:
            raise self._error("against", f"must be one of {', '.join(map(repr, seen))}", self.against, seen)
        allowed = [name for name in seen if name != self.against]
        raise self._error("arm", f"must be one of {', '.join(map(repr, allowed))}", self.arm, allowed)

    def _error(self, field: str, rule: str, given: object, allowed: Iterable[str] = ()) -> ClaimError:
        return ClaimError(f"claim {self.id!r}: {field} {rule}; got {given!r}{meant(given, allowed)}")


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
        form = tomllib.loads(read_text(path))
    except FileNotFoundError as error:
        raise ClaimError(f"there is no file {path}; give its path, or start in a checkout of the book") from error
    except (ValueError, RecursionError) as error:
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


@functools.cache
def arms_by_name(experiment: Callable[[str], dict], size: str) -> Arms:
    """The Runs of an experiment by arm as text. They are kept, as many claims share an experiment."""
    return {arm_name(arm): runs for arm, runs in experiment(size).items()}
