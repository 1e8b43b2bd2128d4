"""PYTHONPATH=tests python -m checks BUILT: every problem of the book that was built into this folder."""

import argparse
import faulthandler
import sys
from pathlib import Path

from checks import addresses, browser, figures, headline, inlined, links, pages, pays, sums, verdicts, weight
from checks.browser import chromium

LIMIT = 40 * 60  # seconds; they take five minutes, and a browser that answers no more would be waited for for ever
CHECKS = (pages, addresses, links, weight, figures, inlined, headline, verdicts, pays, sums, browser)


def name_of(check) -> str:
    return check.__name__.removeprefix("checks.")


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="checks", description="What the builder does not check of a built book.")
    parser.add_argument("built", type=Path, help="the folder of its HTML")
    parser.add_argument("--browser-required", action="store_true", help="no browser is an error")
    asked = parser.parse_args(words)
    if not asked.built.is_dir():
        parser.error(f"there is no folder {asked.built}: build the book first, with make book")
    if asked.browser_required and chromium.find() is None:
        parser.error("no browser found, and one is required: set CHROME or install chromium")
    faulthandler.dump_traceback_later(LIMIT, exit=True, file=sys.__stderr__)
    problems = [f"{name_of(check)}: {problem}" for check in CHECKS for problem in check.problems(asked.built)]
    faulthandler.cancel_dump_traceback_later()
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print(f"the book keeps its promises: {', '.join(map(name_of, CHECKS))}")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
