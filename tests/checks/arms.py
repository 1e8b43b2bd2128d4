"""Which Records a claim speaks of."""

import collections
import json
import statistics

TASKS = {"boolq-glove": "boolq-words"}  # of experiments that have another name than their task
COSTS = {"parameters": "parameters", "macs": "macs", "memory": "activation_bytes"}  # that an arm has in common
CLASSES = {"cifar10": 10, "cifar100": 100, "digits": 10}
SOURCE_WIDTH = {"higgs": 98}  # of the arm "source"


def runs_of(claim: dict, records: list[dict]) -> tuple[tuple[dict[int, dict], dict[int, dict]], float]:
    """Records by seed of the standard arm and of the claim's; and the accuracy in percent of a trivial answer."""
    arms = arms_of(claim, records)
    task = next(record["run"]["task"]["name"] for arm in arms for record in arm.values())
    for record in records:
        if record["run"]["task"]["name"] == task and record["run"]["network"]["name"] == "majority":
            return arms, 100 * record["final"]["test"]["accuracy"]
    return arms, 100 / CLASSES.get(task, 2)


def arms_of(claim: dict, records: list[dict]) -> tuple[dict[int, dict], dict[int, dict]]:
    """Records by seed of the standard arm, and of the claim's.

    The standard arm is the standard network (with ReLU) of most seeds. The other one has its task, recipe and
    architecture, and of these the cost that is nearest.
    """
    for prefix, find in {"neurons-": of_a_neuron, "relinear-": of_a_way}.items():
        if claim["experiment"].startswith(prefix):
            own = [r for r in records if r["run"]["task"]["name"] == claim["experiment"].removeprefix(prefix)]
            pair = [find(own, *claim[arm].split("/")) for arm in ("against", "arm")]
            if not all(pair):
                raise LookupError("no Records of an arm")
            return tuple({r["run"]["seed"]: r for r in arm} for arm in pair)
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
    by_seed = {key: {r["run"]["seed"]: r for r in group} for key, group in groups.items()}
    if claim["arm"] == "source":
        candidates = [key for key in candidates if networks[key]["width"] == SOURCE_WIDTH[claim["experiment"]]]
    elif claim["arm"] in COSTS:
        cost = COSTS[claim["arm"]]
        costs = {key: [r["budget"][cost] for r in group if cost in r["budget"]] for key, group in groups.items()}
        known = [key for key in candidates if costs[key] and costs[standard[0]]]
        candidates = sorted(known, key=lambda key: abs(costs[key][0] - costs[standard[0]][0]))[:1]
    else:
        raise LookupError(f"Records of the arm {claim['arm']!r}, which tests/checks/arms.py has yet to learn to find")
    if len(candidates) != 1:
        raise LookupError(f"{len(candidates)} groups of Records that may be the arm {claim['arm']!r}")
    return by_seed[standard[0]], by_seed[candidates[0]]


def of_a_neuron(records: list[dict], neuron: str, equal: str, activation: str) -> list[dict]:
    """Of one neuron among those that share task and recipe with a KAN, the width of about as many parameters."""
    if equal != "parameters":
        raise LookupError(f"Records of equal {equal}, which tests/checks/arms.py has yet to learn to find")
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
        raise LookupError(f"Records of the way {way!r}, which tests/checks/arms.py has yet to learn to find")
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
