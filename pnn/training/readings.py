"""Arrays as a Record keeps them."""

from typing import Any

from torch import Tensor

from .evaluate import LARGEST


def plain(values: Tensor) -> list:
    """An array as nested lists of finite numbers with five significant digits, which are enough for a figure."""

    def rounded(value: Any) -> Any:
        return [rounded(one) for one in value] if isinstance(value, list) else float(f"{value:.5g}")

    return rounded(values.detach().double().nan_to_num(LARGEST, LARGEST, -LARGEST).clamp(-LARGEST, LARGEST).tolist())
