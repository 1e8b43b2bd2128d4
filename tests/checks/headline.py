"""The title page's difference, means and n are those of the Records of the size that it names."""

import re
import statistics
from pathlib import Path

from PIL import Image

from checks.sources import RESULTS, ROOT, records_in


def problems(built: Path) -> list[str]:
    text = re.sub(r"<[^>]+>", "", (built / "book/index.html").read_text(encoding="utf-8"))
    size = re.search(r"Setting: size (\w+),", text)
    if not size:
        return ["the title page names no size"]
    arms: dict[str, dict[int, float]] = {"standard": {}, "polynomial": {}}
    for record in records_in(RESULTS):
        run = record["run"]
        if (run["task"]["name"], run["size"]) != ("cifar10", size[1]):
            continue
        if record["outcome"] == "ok" and f"{record['budget']['parameters']:,}" in text:
            arms[run["network"]["neuron"]][run["seed"]] = 100 * record["final"]["test"]["accuracy"]
    seeds = arms["standard"].keys() & arms["polynomial"].keys()
    if not seeds:
        return [f"there are no Records of size {size[1]} behind the title page"]
    means = {neuron: statistics.fmean(values[seed] for seed in seeds) for neuron, values in arms.items()}
    difference = f"{means['polynomial'] - means['standard']:+.2f} points"
    expected = [difference, f"{len(seeds)} seeds an arm", f"{means['polynomial']:.2f} against"]
    with Image.open(ROOT / "book/assets/headline.png") as figure:
        drawn = figure.text["Description"]
    stale = (
        [] if drawn == f"{size[1]}: {difference}, n = {len(seeds)}" else [f"headline.png shows {drawn}: draw it again"]
    )
    return [f"the title page does not say {part!r}" for part in expected if part not in " ".join(text.split())] + stale
