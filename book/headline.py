"""Draw the README's figure from the Records: python book/headline.py (its numbers are kept in the file's metadata)."""

from pathlib import Path

import pnn
from pnn import plots, stats

HERE = Path(__file__).parent


def main() -> None:
    results = HERE.parent / "results"
    size = pnn.largest_size(pnn.experiments.cifar10, results)
    sides = pnn.study(pnn.experiments.cifar10(size), results=results)
    pair = sides["standard"], sides["parameters"]
    result = pnn.compare_records(*pair, stats.accuracy)
    figure = plots.paired_accuracy(*pair, stats.accuracy, f"test accuracy, % (CIFAR-10, {size})")
    numbers = f"{size}: {result.difference:+.2f} points, n = {result.n}"
    figure.savefig(HERE / "assets" / "headline.png", metadata={"Description": numbers})
    print(numbers)


if __name__ == "__main__":
    main()
