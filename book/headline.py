"""Draw the README's figure from the Records: python book/headline.py (its numbers are kept in the file's metadata)."""

from pathlib import Path

import pnn
from pnn.report import measures, plots

HERE = Path(__file__).parent


def main() -> None:
    results = HERE.parent / "results"
    size = pnn.largest_size(pnn.experiments.cifar10, results)
    arms = pnn.study(pnn.experiments.cifar10(size), results=results)
    pair = {"standard": arms["standard"], "polynomial": arms["parameters"]}
    result = pnn.compare_records(*pair.values(), measures.accuracy)
    figure = plots.paired_accuracy(pair, label=f"test accuracy, % (CIFAR-10, {size})")
    numbers = f"{size}: {result.difference:+.2f} points, n = {result.n}"
    figure.savefig(HERE / "assets" / "headline.png", dpi=160, metadata={"Description": numbers})
    print(numbers)


if __name__ == "__main__":
    main()
