"""What the checks read: the table of contents, the Records, and the built pages."""

import json
import re
from pathlib import Path

from pyarrow import parquet as pq

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "results"


def pages_of_toc() -> set[str]:
    return set(re.findall(r"(?:file|root):\s*(\S+)", (ROOT / "_toc.yml").read_text()))


def records_in(results: Path) -> list[dict]:
    """All Records of a folder, from single files and from parquets."""
    texts = [path.read_text() for path in results.glob("*/*/*.json")]
    for path in results.glob("*/*.parquet"):
        texts += pq.ParquetFile(path).read().column("record").to_pylist()
    return [json.loads(text) for text in texts]


def html_files(built: Path) -> list[Path]:
    """Every built page, those of sources and of the index too; not the theme's templates, which lie in _static."""
    return [path for path in sorted(built.rglob("*.html")) if "_static" not in path.parts]
