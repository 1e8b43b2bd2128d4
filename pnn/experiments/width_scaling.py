"""Both neurons at many widths."""

import dataclasses

from ..networks import Network
from ..runs.run import Run, RunError
from .common import check_numbers, matching_width, setting_of
from .matched import CIFAR10_SETTINGS, HIGGS_SETTINGS, RATES

# The standard and the polynomial network have six widths each, over about the same range of parameters.
WIDTHS = {
    "cifar10": {
        "smoke": ((19,), (11,)),
        "laptop": ((5, 7, 10, 14, 20, 28), (3, 4, 6, 8, 12, 16)),
        "paper": ((19, 26, 45, 74, 105, 149), (11, 15, 26, 43, 61, 86)),
    },
    "higgs": {
        "smoke": ((20,), (11,)),
        "laptop": ((12, 25, 50, 100, 200, 400), (7, 14, 28, 56, 113, 228)),
        "paper": ((12, 25, 50, 100, 200, 400), (7, 14, 28, 56, 113, 228)),
    },
}
WIDTHS_EPOCHS = {"cifar10": {"smoke": 1, "laptop": 3, "paper": 20}, "higgs": {"smoke": 1, "laptop": 4, "paper": 4}}
WIDTHS_SEEDS = {"smoke": 2, "laptop": 3, "paper": 5}
# The parameters may be off by this share: in the narrowest networks one channel more is a large step.
WIDTHS_TOLERANCE = 0.1


def runs(
    size: str, *, task: str = "cifar10", width: float = 0.0, seeds: int = 0, seed: int = -1, epochs: int = 0
) -> dict[Network, list[Run]]:
    """Both neurons at six widths each, everything else as in the task's own experiment, tuned learning rates too.

    Args:
        size: as for :func:`pnn.experiments.cifar10`.
        task: ``"cifar10"`` or ``"higgs"``.
        width: of the standard network, over that of the widest one; the polynomial one is matched by parameters. 0 is
            all six widths.
        seeds: seeds at each width; 0 is the size's own number.
        seed: this seed alone; -1 is all of them.
        epochs: passes over the training rows; 0 is the size's own number.

    Returns:
        The Runs by network.

    Raises:
        RunError: an unknown task or size, a number out of range, both ``seeds`` and ``seed``.
        ValueError: no polynomial width matches, as with :func:`pnn.experiments.cifar10`.
    """
    if task not in WIDTHS:
        raise RunError(f"task must be one of {', '.join(map(repr, WIDTHS))}, got {task!r}")
    check_numbers(seeds=seeds, epochs=epochs)
    if type(seed) is not int or seed < -1:
        raise RunError(f"seed must be a whole number, -1 for all of them; got {seed!r}")
    if seeds and seed >= 0:
        raise RunError(f"seeds says how many and seed says which; give one of them, got {seeds} and {seed}")
    if not 0 <= width <= 1:
        raise RunError(f"width must be a share of the widest, above 0 to 1, or 0 for all widths; got {width!r}")
    setting = setting_of({"cifar10": CIFAR10_SETTINGS, "higgs": HIGGS_SETTINGS}[task], size)
    recipe = dataclasses.replace(setting.recipe, epochs=epochs or WIDTHS_EPOCHS[task][size])
    widths = dict(zip(("standard", "polynomial"), WIDTHS[task][size], strict=True))
    if width:
        own = max(1, round(width * widths["standard"][-1]))
        standard = dataclasses.replace(setting.network, width=own)
        like = dataclasses.replace(standard, neuron="polynomial")
        matched = matching_width(setting.task, standard, like, "parameters", WIDTHS_TOLERANCE)
        widths = {"standard": (own,), "polynomial": (matched,)}
    networks = [
        dataclasses.replace(setting.network, neuron=neuron, width=one) for neuron, own in widths.items() for one in own
    ]
    rates = RATES.get((task, size), {})
    recipes = {
        neuron: dataclasses.replace(recipe, learning_rate=rates.get(neuron, recipe.learning_rate)) for neuron in widths
    }
    chosen = [seed] if seed >= 0 else range(seeds or WIDTHS_SEEDS[size])
    return {n: [Run(setting.task, n, recipes[n.neuron], seed, size) for seed in chosen] for n in networks}
