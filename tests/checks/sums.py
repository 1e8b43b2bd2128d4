"""The Records are those of their checksums."""

import hashlib
from pathlib import Path

from checks.sources import RESULTS


def problems(built: Path) -> list[str]:
    return wrong_sums(RESULTS)


def wrong_sums(results: Path) -> list[str]:
    """The files of Records against SHA256SUMS, those of size smoke aside: changed, missing, or not named in it."""
    try:
        lines = (results / "SHA256SUMS").read_text().splitlines()
    except FileNotFoundError:
        return ["results/SHA256SUMS is missing: python -m pnn records --sums"]
    named = {name: digest for digest, name in (line.split("  ") for line in lines)}
    paths = [*results.glob("*/*/*.json"), *results.glob("*/*.parquet")]
    found = {
        path.relative_to(results).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
        if "smoke" not in (path.parent.name, path.stem)
    }
    return [
        f"{name} is not as results/SHA256SUMS says: python -m pnn records --sums, if it is meant to be so"
        for name in sorted(named.keys() | found.keys())
        if named.get(name) != found.get(name)
    ]
