"""python tests/check_book.py BUILT_HTML: what the builder does not check of a book that it built.

Every page of the table of contents is there and no source page is left out of it; no page loads anything from the
network, or a local file that is missing; the headline and the verdicts equal the Records, computed here by other
code; the Records are those of their checksums.
"""

import collections
import hashlib
import html
import html.parser
import itertools
import json
import math
import re
import statistics
import sys
import tomllib
import urllib.parse
from pathlib import Path

from PIL import Image
from pyarrow import parquet as pq

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results"
CLAIMS = ROOT / "book/claims.toml"
VERDICTS = "notebooks/analysis/verdict.html"
MEASURED, UNMEASURED = "measured (95 % interval)", "not measured yet"
TASKS = {"boolq-glove": "boolq-words"}  # of experiments that have another name than their task
COSTS = {"parameters": "parameters", "macs": "macs", "memory": "activation_bytes"}  # that an arm has in common
SOURCE_WIDTH = {"higgs": 98}  # of the arm "source"
LOADING = {"stylesheet", "icon", "shortcut", "preload", "modulepreload", "prefetch", "preconnect", "manifest"}
ADDRESS_IN_CSS = re.compile(r"""(?:url\(\s*['"]?|@import\s+['"])([^'")\s]+)""")


class Page(html.parser.HTMLParser):
    """Collects the addresses that a page loads on being opened."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag != "link" or LOADING & set(values.get("rel", "").lower().split()):
            loaded = {"link": "href", "object": "data", "image": "href", "use": "href"}.get(tag, "src")
            self.addresses.append(values.get(loaded, "") if tag != "a" else "")
        self.addresses += [part.split()[0] for part in values.get("srcset", "").split(",") if part.strip()]
        self.addresses += ADDRESS_IN_CSS.findall(values.get("style", ""))
        self.in_style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self.in_style = False

    def handle_data(self, data: str) -> None:
        if self.in_style:
            self.addresses += ADDRESS_IN_CSS.findall(data)


def pages_of_toc() -> set[str]:
    return set(re.findall(r"(?:file|root):\s*(\S+)", (ROOT / "_toc.yml").read_text()))


def records_in(results: Path) -> list[dict]:
    """All Records of a folder, from single files and from parquets."""
    texts = [path.read_text() for path in results.glob("*/*/*.json")]
    for path in results.glob("*/*.parquet"):
        texts += pq.ParquetFile(path).read().column("record").to_pylist()
    return [json.loads(text) for text in texts]


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


def missing_pages(built: Path) -> list[str]:
    return [
        f"{page} is in _toc.yml but was not built" for page in pages_of_toc() if not (built / f"{page}.html").exists()
    ]


def orphans() -> list[str]:
    sources = [*ROOT.glob("book/*.md"), *ROOT.glob("notebooks/**/*.ipynb")]
    names = {
        path.relative_to(ROOT).with_suffix("").as_posix() for path in sources if ".ipynb_checkpoints" not in path.parts
    }
    return [f"{name} is not in _toc.yml" for name in names - pages_of_toc()]


def bad_addresses(built: Path) -> list[str]:
    found: dict[str, list[str]] = collections.defaultdict(list)
    for path in sorted(built.rglob("*")):
        if path.suffix == ".html" and "_static" not in path.parts:  # there lie the theme's templates
            page = Page()
            page.feed(path.read_text(encoding="utf-8"))
            addresses = page.addresses
        elif path.suffix == ".css":
            addresses = ADDRESS_IN_CSS.findall(re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.S))
        else:
            continue
        for address in addresses:
            if re.match(r"(https?:)?//", address):
                found[f"loads from the network: {address}"].append(path.name)
            elif address and not re.match(r"(data|blob|about|javascript|mailto):|#", address):
                file = path.parent / urllib.parse.unquote(re.split(r"[?#]", address)[0])
                if not file.exists():
                    found[f"loads a file that is missing: {address}"].append(path.name)
    return [f"{what} ({', '.join(sorted(set(where))[:3])})" for what, where in found.items()]


def wrong_headline(built: Path) -> list[str]:
    """The title page's difference, means and n against the Records of the size that it names."""
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
            self.tables[-1][-1][-1] += data

    def rows_with(self, *names: str) -> list[dict[str, str]]:
        """The rows of all tables whose first one has these names; cells by name of their column."""
        wanted = [table for table in self.tables if table and set(names) <= set(table[0])]
        return [dict(zip(table[0], row, strict=True)) for table in wanted for row in table[1:]]


def wrong_verdicts(built: Path, claims: Path = CLAIMS, results: Path = RESULTS) -> list[str]:
    """The page of verdicts against the file of claims, and every measured row against the Records of its size."""
    page = Tables()
    page.feed((built / VERDICTS).read_text(encoding="utf-8"))
    rows = page.rows_with("claim", "claimed", "verdict")
    entries = tomllib.loads(claims.read_text(encoding="utf-8"))["claim"]
    records = records_in(results)
    problems = []
    if len(rows) != len(entries):
        problems.append(f"there are {len(rows)} rows for {len(entries)} claims")
    for link in sorted(set(page.links)):
        if not (built / VERDICTS).parent.joinpath(link).is_file():
            problems.append(f"a claim leads to a page that is missing: {link}")
    for claim in entries:
        own = [row for row in rows if (row["claim"], row["claimed"]) == (claim["text"], claim["claimed"])]
        if len(own) != 1:
            problems.append(f"{claim['id']}: {len(own)} rows have its text and what is claimed")
        else:
            problems += [f"{claim['id']}: {problem}" for problem in wrong_row(claim, own[0], records)]
    count = collections.Counter(row["verdict"] for row in rows)
    if count[UNMEASURED] == len(rows) and any(record["run"]["size"] != "smoke" for record in records):
        problems.append("no claim is measured, though there are Records")
    sentence = (
        f"Of {len(entries)} claims of {len({claim['source'] for claim in entries})} sources, "
        f"the verdict is “holds” for {count['holds']}, “does not hold” for {count['does not hold']} "
        f"and “cannot tell” for {count['cannot tell']}; {UNMEASURED}: {count[UNMEASURED]}."
    )
    for name in (VERDICTS, "book/index.html"):
        text = re.sub(r"<[^>]+>", "", (built / name).read_text(encoding="utf-8"))
        text = " ".join(html.unescape(text).split())
        if sentence not in text and (name == VERDICTS or "sources, the verdict is" in text):
            problems.append(f"{name} does not say {sentence!r}")
    return [f"the verdicts: {problem}" for problem in problems]


def wrong_row(claim: dict, row: dict[str, str], records: list[dict]) -> list[str]:
    """What the Records contradict in the row of a claim: mean difference and interval, n, verdict."""
    if row["verdict"] == UNMEASURED:
        return []
    if "rule" not in claim:
        return [f"it has no query, but the verdict {row['verdict']!r}"]
    try:
        standard, other = arms_of(claim, [r for r in records if r["run"]["size"] == row["size"]])
    except LookupError as error:
        return [f"of size {row['size']!r} there are {error}"]
    seeds = standard.keys() & other.keys()
    n = len(seeds)
    problems = [] if row["n"].split()[0] == str(n) else [f"n is {n}, not {row['n']}"]
    if n < 2:
        expected = "cannot tell"
    else:
        differences = [measured(claim["measure"], other[s]) - measured(claim["measure"], standard[s]) for s in seeds]
        mean = statistics.fmean(differences)
        half = t_quantile(n - 1) * statistics.stdev(differences) / math.sqrt(n)
        low, high = mean - half, mean + half
        said = [float(number) for number in re.findall(r"[-+]\d+\.\d+", row[MEASURED])]
        if len(said) != 3 or max(abs(a - b) for a, b in zip(said, (mean, low, high), strict=True)) > 0.00501:
            problems.append(f"measured is {mean:+.2f} ({low:+.2f} to {high:+.2f}), not {row[MEASURED]}")
        expected = verdict(claim, low, high)
    if row["verdict"] != expected:
        problems.append(f"the verdict is {expected!r}, not {row['verdict']!r}")
    return problems


def arms_of(claim: dict, records: list[dict]) -> tuple[dict[int, dict], dict[int, dict]]:
    """Records by seed, of the runs that ended well: of the standard arm, and of the claim's.

    The standard arm is the standard network (with ReLU) of most seeds. The other one has its task, recipe and
    architecture, and of these the cost that is nearest.
    """
    for prefix, find in {"neurons-": of_a_neuron, "relinear-": of_a_way}.items():
        if claim["experiment"].startswith(prefix):
            own = [r for r in records if r["run"]["task"]["name"] == claim["experiment"].removeprefix(prefix)]
            pair = [find(own, *claim[arm].split("/")) for arm in ("against", "arm")]
            bad = claim["measure"] == "failure"  # which every run has
            return tuple({r["run"]["seed"]: r for r in arm if bad or r["outcome"] == "ok"} for arm in pair)
    groups: dict[str, list[dict]] = collections.defaultdict(list)
    for record in records:
        run = record["run"]
        task = TASKS.get(claim["experiment"], claim["experiment"])
        alike = run["recipe"]["source"] != "fan-2023" and run["network"]["activation"] == "relu"
        if run["task"]["name"] == task and alike:
            groups[json.dumps([run["network"], run["task"], run["recipe"]], sort_keys=True)].append(record)
    networks = {key: json.loads(key)[0] for key in groups}

    standard = [key for key in groups if networks[key]["neuron"] == "standard"]
    most = max((len(groups[key]) for key in standard), default=0)
    standard = [key for key in standard if len(groups[key]) == most]
    if len(standard) != 1:
        raise LookupError(f"{len(standard)} groups of Records that may be the standard arm")
    network, *rest = json.loads(standard[0])
    candidates = [
        key
        for key in groups
        if json.loads(key) == [network | {"neuron": "polynomial", "width": networks[key]["width"]}, *rest]
    ]
    ended = {key: {r["run"]["seed"]: r for r in group if r["outcome"] == "ok"} for key, group in groups.items()}
    if claim["arm"] == "source":
        candidates = [key for key in candidates if networks[key]["width"] == SOURCE_WIDTH[claim["experiment"]]]
    elif claim["arm"] in COSTS:
        cost = COSTS[claim["arm"]]
        costs = {key: [r["budget"][cost] for r in group if cost in r["budget"]] for key, group in groups.items()}
        known = [key for key in candidates if costs[key] and costs[standard[0]]]
        candidates = sorted(known, key=lambda key: abs(costs[key][0] - costs[standard[0]][0]))[:1]
    else:
        raise LookupError(f"Records of the arm {claim['arm']!r}, which tests/check_book.py has yet to learn to find")
    if len(candidates) != 1:
        raise LookupError(f"{len(candidates)} groups of Records that may be the arm {claim['arm']!r}")
    return ended[standard[0]], ended[candidates[0]]


def of_a_neuron(records: list[dict], neuron: str, equal: str, activation: str) -> list[dict]:
    """Of one neuron among those that share task and recipe with a KAN, the width of about as many parameters."""
    if equal != "parameters":
        raise LookupError(f"Records of equal {equal}, which tests/check_book.py has yet to learn to find")
    recipes = [r["run"]["recipe"] for r in records if r["run"]["network"]["neuron"] == "kan"]
    kind = {"relu": "relu", "none": "identity"}[activation]
    own = [
        r
        for r in records
        if r["run"]["recipe"] in recipes and r["run"]["network"]["activation"] == kind and r["budget"]
    ]
    goal = statistics.median(r["budget"]["parameters"] for r in own if r["run"]["network"]["neuron"] == "kan")
    own = [r for r in own if r["run"]["network"]["neuron"] == neuron]
    nearest = min((r["budget"]["parameters"] for r in own), key=lambda number: abs(number - goal), default=None)
    return [r for r in own if r["budget"]["parameters"] == nearest]


def of_a_way(records: list[dict], way: str, depth: str, ratio: str) -> list[dict]:
    """Of ReLinear's experiment: "standard", "quadratic" or "relinear" at a depth, by the ratio of learning rates."""
    if way not in ("standard", "quadratic", "relinear"):
        raise LookupError(f"Records of the way {way!r}, which tests/check_book.py has yet to learn to find")
    neuron = "standard" if way == "standard" else "quadratic"
    relinear = {"name": "relinear", "ratio": float(ratio), "weight_decay": None, "standard_epochs": 0}
    methods = [relinear] if way == "relinear" else []
    return [
        r
        for r in records
        if r["run"]["recipe"]["source"] == "fan-2023"
        and (r["run"]["network"]["neuron"], r["run"]["network"].get("depth")) == (neuron, int(depth))
        and r["run"]["recipe"].get("methods", []) == methods
    ]


def measured(measure: str, record: dict) -> float:
    if measure == "failure":
        return 100.0 * (record["outcome"] != "ok")
    train, validation, test = (100 * record["final"][split]["accuracy"] for split in ("train", "validation", "test"))
    curve = [100 * value for value in record["curves"]["validation_accuracy"]]
    trapezia = [(a + b) / 2 for a, b in itertools.pairwise(curve)]
    return {
        "accuracy": test,
        "gap": train - test,
        "validation_gap": train - validation,
        "early_accuracy": statistics.fmean(curve[: -(-len(curve) // 4)]),
        "area_under_curve": statistics.fmean(trapezia or curve),
    }[measure]


def verdict(claim: dict, low: float, high: float) -> str:
    if claim["rule"] == "gain":
        holds, fails = low > 0 and high >= claim["value"], high < claim["value"] or high <= 0
    elif claim["rule"] == "equal":
        holds = max(abs(low), abs(high)) < claim["value"]
        fails = low > claim["value"] or high < -claim["value"]
    else:
        holds, fails = high <= 0, low > 0
    return "holds" if holds else "does not hold" if fails else "cannot tell"


def t_quantile(freedom: int) -> float:
    """Student's t at 97.5 %, by bisection of its distribution (Abramowitz and Stegun, 26.7.3 and 26.7.4)."""

    def within(t: float) -> float:
        angle, odd = math.atan(t / math.sqrt(freedom)), freedom % 2
        term, total = math.cos(angle) ** odd, 0.0
        for power in range(odd, freedom - 1, 2):
            total += term
            term *= math.cos(angle) ** 2 * (power + 1) / (power + 2)
        total *= math.sin(angle)
        return (angle + total) * 2 / math.pi if odd else total

    low, high = 1.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if within(middle) < 0.95 else (low, middle)
    return low


def main(built: Path) -> int:
    problems = missing_pages(built) + orphans()
    if not problems:
        problems = bad_addresses(built) + wrong_headline(built) + wrong_verdicts(built) + wrong_sums(RESULTS)
    for problem in problems:
        print(f"check_book: {problem}", file=sys.stderr)
    if not problems:
        pages = len(pages_of_toc())
        print(f"check_book: {pages} pages, nothing from the network, headline and verdicts equal the Records")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
