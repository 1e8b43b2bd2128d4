"""The page of verdicts says what the file of claims and the Records say."""

import collections
import html
import html.parser
import re
import statistics
import tomllib
from pathlib import Path

from checks.answers import blind, deviations, interval, measured, of_all, shares, verdict
from checks.arms import runs_of
from checks.computed import numbers
from checks.sources import RESULTS, ROOT, records_in

CLAIMS = ROOT / "book/claims.toml"
VERDICTS = "notebooks/analysis/verdict.html"
ANSWERS = ("as claimed", "smaller", "none seen", "loss", "gain", "cannot tell", "cannot see", "computed")
MEASURED, UNMEASURED = "measured (95 % interval)", "not measured yet"


def problems(built: Path) -> list[str]:
    return wrong_verdicts(built)


class Tables(html.parser.HTMLParser):
    """Collects the tables of a page as lists of rows, a row as the list of its cells' texts; and the links in cells."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.links: list[str] = []
        self.in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("th", "td"):
            self.tables[-1][-1].append("")
            self.in_cell = True
        elif tag == "a" and self.in_cell:
            self.links.append(dict(attrs).get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        self.in_cell = self.in_cell and tag not in ("th", "td")

    def handle_data(self, data: str) -> None:
        if self.in_cell:
            self.tables[-1][-1][-1] += data.replace("\N{NO-BREAK SPACE}", " ")

    def rows_with(self, *names: str) -> list[dict[str, str]]:
        """The rows of all tables whose first one has these names; cells by name of their column."""
        wanted = [table for table in self.tables if table and set(names) <= set(table[0])]
        return [dict(zip(table[0], row, strict=True)) for table in wanted for row in table[1:]]


def wrong_verdicts(built: Path, claims: Path = CLAIMS, results: Path = RESULTS) -> list[str]:
    """The page of verdicts against the file of claims, and every measured row against the Records of its size."""
    page = Tables()
    page.feed((built / VERDICTS).read_text(encoding="utf-8"))
    rows = page.rows_with("claim", "claimed", "answer")
    entries = tomllib.loads(claims.read_text(encoding="utf-8"))["claim"]
    records = records_in(results)
    problems = []
    if len(rows) != len(entries):
        problems.append(f"there are {len(rows)} rows for {len(entries)} claims")
    for link in sorted(set(page.links)):
        if not (built / VERDICTS).parent.joinpath(link).is_file():
            problems.append(f"a claim leads to a page that is missing: {link}")
    by_id = {}
    for claim in entries:
        own = [row for row in rows if (row["claim"], row["claimed"]) == (claim["text"], claim["claimed"])]
        if len(own) != 1:
            problems.append(f"{claim['id']}: {len(own)} rows have its text and what is claimed")
        else:
            by_id[claim["id"]] = own[0]
    for claim in entries:
        if row := by_id.get(claim["id"]):
            if "all_of" in claim:
                found = wrong_whole(row, [by_id[part] for part in claim["all_of"] if part in by_id])
            else:
                found = wrong_row(claim, row, records)
            problems += [f"{claim['id']}: {problem}" for problem in found]
    count = collections.Counter(answer_of(row) for row in rows)
    if count[UNMEASURED] == len(rows) and any(record["run"]["size"] != "smoke" for record in records):
        problems.append("no claim is measured, though there are Records")
    answered = ", ".join(f"“{word}” for {count[word]}" for word in ANSWERS if count[word]) or "none"
    sentence = (
        f"Of {len(entries)} claims of {len({claim['source'] for claim in entries})} sources, "
        f"the answer is {answered}; {UNMEASURED}: {count[UNMEASURED]}."
    )
    for name in (VERDICTS, "book/index.html"):
        text = re.sub(r"<[^>]+>", "", (built / name).read_text(encoding="utf-8"))
        text = " ".join(html.unescape(text).split())
        if sentence not in text and (name == VERDICTS or "sources, the answer is" in text):
            problems.append(f"{name} does not say {sentence!r}")
    return problems


def answer_of(row: dict[str, str]) -> str:
    """The answer in a row; where the experiment cannot see, the reason stands behind it."""
    return row["answer"].partition(":")[0]


def wrong_whole(row: dict[str, str], parts: list[dict[str, str]]) -> list[str]:
    """What the rows of its parts contradict in the row of a claim of all of them: answer, p and size."""
    words = [answer_of(part) for part in parts]
    if UNMEASURED in words:
        return [] if answer_of(row) == UNMEASURED else ["it has an answer, but one of its parts has none"]
    sizes = [size for size in ("smoke", "laptop", "paper") if size in [part["size"] for part in parts]]
    tests = [part["p (Holm)"] for part in parts]
    expected = {
        "answer": of_all(words),
        "size": sizes[0],
        "p (Holm)": "–" if "–" in tests else max(tests),
    }
    said = {name: row.get(name, "–") for name in expected} | {"answer": answer_of(row)}
    return [
        f"the {name} is {expected[name]!r}, not {said[name]!r}" for name in expected if said[name] != expected[name]
    ]


def wrong_computed(claim: dict, row: dict[str, str]) -> list[str]:
    """What other code contradicts in the numbers of a row that is computed."""
    word, _, text = row["answer"].partition(": ")
    if word != "computed":
        return [f"the answer is 'computed', not {word!r}"]
    said = re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?![\w²])", text)
    expected = numbers(claim["computed"])
    if len(said) != len(expected) or any(
        abs(float(text) - number) > 0.501 * 10.0 ** -len(text.partition(".")[2])
        for text, number in zip(said, expected, strict=True)
    ):
        return [f"computed are {', '.join(f'{number:.4g}' for number in expected)}, not {', '.join(said)}"]
    return []


def reckoned(claim: dict, arms: list[list[dict]], pairs: list[tuple[dict, dict]], trivial: float) -> tuple:
    """What is measured, both ends of its interval, and how far these may be off."""
    if claim["measure"] == "collapse":
        return shares(arms, trivial)
    return deviations(pairs) if claim["measure"] == "deviation" else interval(claim, pairs)


def wrong_row(claim: dict, row: dict[str, str], records: list[dict]) -> list[str]:
    """What the Records contradict in the row of a claim: mean difference and interval, n, answer."""
    said_answer = answer_of(row)
    if said_answer == UNMEASURED:
        return [] if "computed" not in claim else ["it can be computed, but has no answer"]
    if "computed" in claim:
        return wrong_computed(claim, row)
    if "rule" not in claim:
        return [f"it has no query, but the answer {said_answer!r}"]
    try:
        every, trivial = runs_of(claim, [r for r in records if r["run"]["size"] == row["size"]])
    except LookupError as error:
        return [f"of size {row['size']!r} there are {error}"]
    seeds = every[0].keys() & every[1].keys()
    arms = [[arm[seed] for seed in sorted(seeds)] for arm in every]
    collapses = claim["measure"] == "collapse"
    pairs = [pair for pair in zip(*arms, strict=True) if collapses or all(r["outcome"] == "ok" for r in pair)]
    n = len(pairs)
    problems = [] if row["n"].split()[0] == str(n) else [f"n is {n}, not {row['n']}"]
    expected = "cannot see" if blind(claim, arms, trivial) else "cannot tell"
    if n == 2:  # of so few pairs there is the difference alone, and no answer
        mean, *_ = reckoned(claim, arms, pairs, trivial)
        if row[MEASURED] != f"{mean:+.2f}":
            problems.append(f"measured is {mean:+.2f}, not {row[MEASURED]}")
    elif n > 2:
        mean, low, high, off = reckoned(claim, arms, pairs, trivial)
        said = [float(number) for number in re.findall(r"[-+]\d+\.\d+", row[MEASURED])]
        far = [abs(a - b) for a, b in zip(said, (mean, low, high), strict=False)]
        if len(said) != 3 or far[0] > 0.00501 or max(far[1:]) > off:
            problems.append(f"measured is {mean:+.2f} ({low:+.2f} to {high:+.2f}), not {row[MEASURED]}")
        elif expected != "cannot see":
            of_runs = claim["measure"] not in ("collapse", "deviation")
            rival = statistics.fmean(measured(claim["measure"], a) for a, _ in pairs) if of_runs else 0.0
            expected = verdict(claim, *said[1:], rival)
    if said_answer != expected:
        problems.append(f"the answer is {expected!r}, not {said_answer!r}")
    return problems
