"""What a trial found: how often something was done to the software, and the cases in which it broke its word."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Trial:
    """One line of the page about trust.

    Attributes:
        kind: ``"kills"``, ``"disk"``, ``"bits"``, ``"inputs"`` or ``"drop-in"``.
        what: what was done, in a reader's words.
        tried: how often.
        faults: the cases that did not end as promised, each in words.
    """

    kind: str
    what: str
    tried: int
    faults: list[str] = field(default_factory=list)
