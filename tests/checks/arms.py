"""Which Records a claim speaks of."""

import collections
import json
import statistics

TASKS = {"boolq-glove": "boolq-words"}  # of experiments that have another name than their task
COSTS = {"parameters": "parameters", "macs": "macs", "memory": "activation_bytes"}  # that an arm has in common
CLASSES = {"cifar10": 10, "cifar100": 100, "digits": 10, "mnist": 10, "fsdd": 10, "hapt": 12}
SOURCE_WIDTH = {"higgs": 98}  # of the arm "source"
NETWORKS = {  # of experiments that share a task
    "stable-mnist": "mlp",
    "polynomials-mnist": "resnet",
    "tpgu-cifar10": "convnext",
}
# recipes of experiments that are found by functions of their own
OF_THEIR_OWN = ("fan-2023", "hryniowski-2019", "zou-2025", "pearce-2025")
FIRST_TUNING_SEED = 1000  # From this on, seeds choose learning rates and are no results.


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

    The standard arm is the standard network (with ReLU) of most seeds, of equal ones the largest. The other one has its
    task, recipe and architecture, and of these the cost that is nearest. Where learning rates were tuned, each has that
    of its neuron.
    """
    free = claim["experiment"].startswith("activation-free-")
    records = [r for r in records if (r["run"]["recipe"]["source"] == "modern") == free]
    tuning = [r for r in records if r["run"]["seed"] >= FIRST_TUNING_SEED]
    records = [r for r in records if r["run"]["seed"] < FIRST_TUNING_SEED]
    finders = {
        "neurons-": of_a_neuron,
        "relinear-": of_a_way,
        "stable-": of_the_contest,
        "polynomials-": of_a_polynomial,
        "activation-free-": of_the_free,
        "interactions-": of_interactions,
        "discovery-ablations-": of_the_learned,
        "discovery-": of_the_learned,
        "tpgu-": of_a_unit,
    }
    for prefix, find in finders.items():
        if claim["experiment"].startswith(prefix):
            task, network = claim["experiment"].removeprefix(prefix), NETWORKS.get(claim["experiment"])

            def belongs(record: dict, task: str = task, network: str | None = network) -> bool:
                run = record["run"]
                return run["task"]["name"] == task and network in (None, run["network"]["name"])

            own, own_tuning = list(filter(belongs, records)), list(filter(belongs, tuning))
            pair = [find(own, *claim.get(arm, "standard").split("/"), tuning=own_tuning) for arm in ("against", "arm")]
            if not all(pair):
                raise LookupError("no Records of an arm")
            return tuple({r["run"]["seed"]: r for r in arm} for arm in pair)
    groups: dict[str, list[dict]] = collections.defaultdict(list)
    task = TASKS.get(claim["experiment"], claim["experiment"])
    for record in records:
        run = record["run"]
        alike = run["recipe"]["source"] not in OF_THEIR_OWN and run["network"]["activation"] == "relu"
        if run["task"]["name"] == task and alike:
            groups[json.dumps([run["network"], run["task"], run["recipe"]], sort_keys=True)].append(record)
    networks = {key: json.loads(key)[0] for key in groups}

    standard = [key for key in groups if networks[key]["neuron"] == "standard"]
    most = max((len(groups[key]) for key in standard), default=0)
    standard = [key for key in standard if len(groups[key]) == most]
    sizes = {key: groups[key][0]["budget"].get("parameters", 0) for key in standard}
    largest = max(sizes.values(), default=0)
    standard = [key for key in standard if sizes[key] == largest]
    rates = {neuron: best_rate(tuning, task, neuron, largest) for neuron in ("standard", "polynomial")}
    if rates["standard"]:
        standard = [key for key in standard if json.loads(key)[2]["learning_rate"] == rates["standard"]]
    if len(standard) != 1:
        raise LookupError(f"{len(standard)} groups of Records that may be the standard arm")
    network, of_task, recipe = json.loads(standard[0])
    recipe |= {"learning_rate": rates["polynomial"] or recipe["learning_rate"]}
    candidates = [
        key
        for key in groups
        if json.loads(key) == [network | {"neuron": "polynomial", "width": networks[key]["width"]}, of_task, recipe]
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


def best_rate(tuning: list[dict], task: str, neuron: str, parameters: float) -> float | None:
    """The learning rate at which a neuron's networks of about so many parameters did best on validation rows."""
    found: dict[float, list[float]] = collections.defaultdict(list)
    for record in tuning:
        run, own = record["run"], record["budget"].get("parameters", 0)
        with_relu = run["network"].get("activation") == "relu" and run["recipe"]["source"] not in OF_THEIR_OWN
        as_large = parameters and abs(own / parameters - 1) < 0.02
        if (run["task"]["name"], run["network"]["neuron"]) == (task, neuron) and with_relu and as_large:
            found[run["recipe"]["learning_rate"]].append(validated(record))
    return best(found) if found else None


def best(found: dict[float, list[float]]) -> float:
    return max(sorted(found), key=lambda rate: statistics.fmean(found[rate]))


def validated(record: dict) -> float:
    """The accuracy on validation rows, 0 of a training that ended badly."""
    return record["final"]["validation"]["accuracy"] if record["outcome"] == "ok" else 0.0


def of_a_neuron(records: list[dict], neuron: str, equal: str, activation: str, *, tuning: list[dict]) -> list[dict]:
    """Of one neuron among those that share task and recipe with a KAN, the width of about as many parameters."""
    if equal != "parameters" or any(r["run"]["task"] == records[0]["run"]["task"] for r in tuning):
        raise LookupError(f"Records of equal {equal} or tuned, which tests/checks/arms.py has yet to learn to find")
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


def of_a_way(records: list[dict], way: str, depth: str, ratio: str, rate: str, *, tuning: list[dict]) -> list[dict]:
    """Of ReLinear's experiment: "standard", "quadratic" or "relinear" at a depth, by the ratio of learning rates.

    The rate is "published", the source's, or "best", that of the highest accuracy on validation rows.
    """
    if way not in ("standard", "quadratic", "relinear"):
        raise LookupError(f"Records of the way {way!r}, which tests/checks/arms.py has yet to learn to find")
    neuron = "standard" if way == "standard" else "quadratic"
    relinear = {"name": "relinear", "ratio": float(ratio), "weight_decay": None, "standard_epochs": 0}
    methods = [relinear] if way == "relinear" else []

    def is_its(record: dict) -> bool:
        run = record["run"]
        network = (run["network"]["neuron"], run["network"].get("depth"))
        own = run["recipe"]["source"] == "fan-2023" and network == (neuron, int(depth))
        return own and run["recipe"].get("methods", []) == methods and run["task"] == records[0]["run"]["task"]

    learning_rate = 0.1
    if rate == "best":
        found: dict[float, list[float]] = collections.defaultdict(list)
        for record in filter(is_its, tuning):
            found[record["run"]["recipe"]["learning_rate"]].append(validated(record))
        learning_rate = best(found)
    return [r for r in records if is_its(r) and r["run"]["recipe"]["learning_rate"] == learning_rate]


def of_the_contest(
    records: list[dict], activation: str, degree: str, interval: str, method: str, rate: str, *, tuning: list[dict]
) -> list[dict]:
    """Of polynomial activations: those of a kind, a degree, an interval ("tight" ends at 4) and what holds them.

    In a perceptron of six layers that is trained twice on most of the rows. The rate is "published", the source's, or
    "best", that of the highest accuracy on validation rows.
    """
    methods = {"boundary": ["boundary-loss"], "selective": ["clip-norm"], "both": ["boundary-loss", "clip-norm"]}
    if method not in ("nothing", *methods):
        raise LookupError(f"Records held by {method!r}, which tests/checks/arms.py has yet to learn to find")
    kind = {"published": ("monomial", False), "chebyshev": ("chebyshev", True)}.get(activation, ("chebyshev", False))

    def is_its(record: dict) -> bool:
        network, recipe = record["run"]["network"], record["run"]["recipe"]
        if (network["name"], network.get("depth"), recipe["epochs"]) != ("mlp", 6, 2):
            return False
        own = network["activation"]
        held = recipe.get("methods", [])
        if [one["name"] for one in held] != methods.get(method, []):
            return False
        if isinstance(own, str):
            return own == activation
        as_far = own["degree"] == int(degree) and (own["bound"] == 4) == (interval == "tight")
        as_strong = all(one["strength"] == 10 and one["limit"] != 2 for one in held if one["name"] == "boundary-loss")
        return as_far and as_strong and (own["basis"], own["learnable"]) == kind

    learning_rate = 1e-3
    if rate == "best":
        found: dict[float, list[float]] = collections.defaultdict(list)
        for record in filter(is_its, tuning):
            found[record["run"]["recipe"]["learning_rate"]].append(validated(record))
        learning_rate = best(found)
    return [r for r in records if is_its(r) and r["run"]["recipe"]["learning_rate"] == learning_rate]


def of_a_polynomial(records: list[dict], activation: str, degree: str, rate: str, *, tuning: list[dict]) -> list[dict]:
    """Of polynomial activations on one kind of data: those of a kind and a degree, or "relu" or "hermite".

    Other experiments have the same network on other rows, or in other batches; those of this one are as its tuning is.
    The rate is "published", the source's, or "best", that of the highest accuracy on validation rows.
    """
    kind = {"powers": ("monomial", False), "chebyshev": ("chebyshev", True)}.get(activation)

    def setting(record: dict) -> tuple:
        return record["run"]["task"], record["run"]["recipe"].get("batch_size", 128)

    def is_its(record: dict) -> bool:
        if setting(record) != setting(tuning[0]):
            return False
        own = record["run"]["network"]["activation"]
        if kind is None or isinstance(own, str):
            return own == activation
        return (own["basis"], own["learnable"], own["degree"]) == (*kind, int(degree))

    learning_rate = 1e-3
    if rate == "best":
        found: dict[float, list[float]] = collections.defaultdict(list)
        for record in filter(is_its, tuning):
            found[record["run"]["recipe"]["learning_rate"]].append(validated(record))
        learning_rate = best(found)
    return [r for r in records if is_its(r) and r["run"]["recipe"]["learning_rate"] == learning_rate]


def of_the_learned(records: list[dict], activation: str, change: str, rate: str, *, tuning: list[dict]) -> list[dict]:
    """Of learned activations: those of a kind, changed in one thing or none, at the source's rate or at their best.

    Splines have three points, order 3 and a start like ReLU, and those whose weights are learned have a penalty of
    0.01 on the sums of these, but for what the change says.
    """
    letter, _, number = change.partition(" = ")
    shape = {"points": 3, "k": 3, "start": "relu-like"}
    if letter in ("k", "s") and number:
        shape["k" if letter == "k" else "points"] = int(number)
    elif change not in ("", "no penalty"):
        raise LookupError(f"Records with the change {change!r}, which tests/checks/arms.py has yet to learn to find")
    sums = 0.01 if activation == "polyneuron-r" and change != "no penalty" else 0

    def is_its(record: dict) -> bool:
        run = record["run"]
        if run["recipe"]["source"] != "hryniowski-2019":
            return False
        own = run["network"]["activation"]
        if (own if isinstance(own, str) else own["name"]) != activation:
            return False
        methods = [m for m in run["recipe"].get("methods", []) if isinstance(m, dict)]
        strengths = [(m["lambda_prod"], m["lambda_sum"]) for m in methods if m["name"] == "spline-constraints"]
        as_held = strengths == ([(0, sums)] if sums else [])
        return as_held and ("polyneuron" not in activation or {name: own[name] for name in shape} == shape)

    learning_rate = 1e-3
    if rate == "best":
        found: dict[float, list[float]] = collections.defaultdict(list)
        for record in filter(is_its, tuning):
            found[record["run"]["recipe"]["learning_rate"]].append(validated(record))
        if found:
            learning_rate = best(found)
    return [r for r in records if is_its(r) and r["run"]["recipe"]["learning_rate"] == learning_rate]


def of_the_free(records: list[dict], arm: str, *, tuning: list[dict]) -> list[dict]:
    """Of the network without activations, held by both remedies; of those with ReLU or sums; of the residual one.

    Each at the learning rate at which the tuning seed was best: of the products when they were held lightly.
    """
    network = {"standard": "resnet"}.get(arm, "polynext")
    activation = "relu" if arm in ("standard", "polynext-relu") else "identity"
    merge = "sum" if arm == "polynext-sum" else "product"
    held = [] if arm == "standard" else [("boundary-loss", "products"), ("plain-statistics", None)]
    if arm not in ("standard", "polynext", "polynext-light", "polynext-relu", "polynext-sum"):
        raise LookupError(f"Records of the arm {arm!r}, which tests/checks/arms.py has yet to learn to find")

    def is_its(record: dict, strength: float) -> bool:
        run, methods = record["run"], record["run"]["recipe"].get("methods", [])
        named = [(own, None) if isinstance(own, str) else (own["name"], own.get("of")) for own in methods]
        own = (run["network"]["name"], run["network"]["activation"], run["network"].get("merge", "product"))
        small = isinstance(run["task"], dict) and run["task"].get("pooled") == 2
        as_strong = all(one["strength"] == strength for one in methods if "strength" in one)
        return small and own == (network, activation, merge) and named == held and as_strong

    tried: dict[float, list[float]] = collections.defaultdict(list)
    for record in tuning:
        if is_its(record, strength=1):
            tried[record["run"]["recipe"]["learning_rate"]].append(validated(record))
    rate, strength = best(tried), 10 if arm == "polynext" else 1
    return [r for r in records if is_its(r, strength) and r["run"]["recipe"]["learning_rate"] == rate]


def of_interactions(records: list[dict], neuron: str, decay: str, noise: str, *, tuning: list[dict]) -> list[dict]:
    """Of the networks whose weights are read: those of a layer, a weight decay and a noise."""

    def is_its(record: dict) -> bool:
        recipe = record["run"]["recipe"]
        found = (recipe.get("weight_decay", 0.0), recipe.get("noise", 0.0))
        own = recipe["source"] == "pearce-2025" and record["run"]["network"]["neuron"] == neuron
        return own and found == (float(decay), float(noise))

    return list(filter(is_its, records))


def of_a_unit(records: list[dict], activation: str, order: str, *, tuning: list[dict]) -> list[dict]:
    """Of TPGU's ConvNeXt: GELU, or units of an order whose coefficients are decayed.

    Each at the rate that was best for it on validation rows; an order that was not tuned at that of the next below.
    """
    if activation not in ("gelu", "tpgu"):
        raise LookupError(
            f"Records of the activation {activation!r}, which tests/checks/arms.py has yet to learn to find"
        )

    def order_of(record: dict) -> int | None:
        """0 of GELU; where all fields of a unit are at their defaults, its name stands for it, and its order is 3."""
        own = record["run"]["network"]["activation"]
        if own == "gelu":
            return 0
        if own == "tpgu":
            return 3
        return own["order"] if isinstance(own, dict) and own["name"] == "tpgu" else None

    def decayed(record: dict) -> bool:
        return "no-decay" not in record["run"]["recipe"].get("methods", [])

    orders = {order_of(record) for record in tuning} - {None}
    tuned = max(own for own in orders if own <= int(order) and (own == 0) == (activation == "gelu"))
    found: dict[float, list[float]] = collections.defaultdict(list)
    for record in tuning:
        if order_of(record) == tuned:
            found[record["run"]["recipe"]["learning_rate"]].append(validated(record))
    rate = best(found)
    own = [r for r in records if order_of(r) == int(order) and decayed(r)]
    return [r for r in own if r["run"]["recipe"]["learning_rate"] == rate]
