"""Every page of the table of contents was built, and no source page is left out of it."""

from pathlib import Path

from checks.sources import ROOT, pages_of_toc


def problems(built: Path) -> list[str]:
    return missing_pages(built) + orphans()


def missing_pages(built: Path) -> list[str]:
    return [
        f"{page} is in _toc.yml but was not built" for page in pages_of_toc() if not (built / f"{page}.html").exists()
    ]


def orphans(root: Path = ROOT) -> list[str]:
    sources = [*root.glob("book/**/*.md"), *root.glob("notebooks/**/*.ipynb")]
    names = {
        path.relative_to(root).with_suffix("").as_posix() for path in sources if ".ipynb_checkpoints" not in path.parts
    }
    return [f"{name} is not in _toc.yml" for name in names - pages_of_toc()]
