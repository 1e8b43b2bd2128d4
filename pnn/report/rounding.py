"""What float32 leaves of a polynomial of high degree: the same fit of ReLU in powers and in Chebyshev polynomials."""

import torch
from torch.nn import functional as F

from ..experiments.stable import PUBLISHED
from ..nn import PolynomialActivation
from ..system.extras import needs
from .table import Table, sentence

with needs("train", "a table"):
    import pandas as pd

POINTS = 20_001
FORMS = {"powers": "monomial", "Chebyshev": "chebyshev"}


@torch.no_grad()
def table() -> Table:
    """A row a degree: how far the fit is from ReLU on the published interval, and what float32 adds to each form.

    ``powers`` and ``Chebyshev`` are the largest distances, over evenly spaced points, of the form in float32 from the
    same polynomial in float64.
    """
    rows = {}
    for degree, (bound, _) in PUBLISHED.items():
        x = torch.linspace(-bound, bound, POINTS, dtype=torch.float64)
        exact = _of(degree, bound, "chebyshev").double()(x)
        row = {"interval": bound, "fit": (exact - F.relu(x)).abs().max().item()}
        for name, basis in FORMS.items():
            row[name] = (_of(degree, bound, basis)(x.float()).double() - exact).abs().max().item()
        rows[degree] = row
    columns = {
        "interval, ±": "{interval:g}",
        "distance of the fit from ReLU": "{fit:.2g}",
        "rounding of powers": "{powers:.2g}",
        "rounding of Chebyshev polynomials": "{Chebyshev:.2g}",
    }
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("degree")
    return Table(frame, columns, sentence("Largest distances on the published interval, least-squares fits"))


def _of(degree: int, bound: float, basis: str) -> PolynomialActivation:
    return PolynomialActivation(degree, basis, (-bound, bound), fit="least-squares")
