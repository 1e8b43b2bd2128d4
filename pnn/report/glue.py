"""What a page keeps for the book's prose and for a sweep's table."""

import math
from typing import Any

from ..system import sweep_channel
from ..system.extras import needs
from .cell import NOTHING
from .comparison import PAIRS, Comparison


def glue(name: str, value: Any, show: bool = False) -> None:
    """Keep a value under a name for the book's prose and for a sweep's table, and show it if asked to.

    Where the book's tools are missing, as on Colab, it is only shown.
    """
    sweep_channel.keep("value", name, value)
    try:
        from myst_nb import glue as keep
    except ModuleNotFoundError:
        if show:
            with needs("notebooks", "showing a value"):
                from IPython.display import display

            display(value)
        return
    keep(name, value, display=show)


def glue_comparison(name: str, comparison: Comparison, verdict: str) -> None:
    """Keep a comparison's numbers for the book's prose, under ``name-difference``, ``name-interval`` and so on."""
    c = comparison
    parts = {
        "verdict": verdict,
        "difference": _text(c.difference, "+.2f"),
        "interval": f"{c.low:+.2f} to {c.high:+.2f}" if c.n >= PAIRS else f"none of {c.n} pairs",
        "standard": _text(c.mean_a, ".2f"),
        "polynomial": _text(c.mean_b, ".2f"),
        "p": _text(c.p, ".3f"),
        "n": f"{c.n}",
    }
    for part, text in parts.items():
        glue(f"{name}-{part}", text)
    numbers = {"difference": c.difference, "standard": c.mean_a, "polynomial": c.mean_b, "p": c.p, "n": c.n}
    for part, number in numbers.items():  # They keep all their digits.
        sweep_channel.keep("value", f"{name}-{part}", number)


def _text(number: float, form: str) -> str:
    """As prose has it: where all runs of an arm were lost there is no number."""
    return format(number, form) if math.isfinite(number) else NOTHING
