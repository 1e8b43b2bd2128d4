"""The state of a training between two steps, and its checkpoint, from which it goes on to the same bits."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ..analysis.health import nonfinite_entries
from ..runs.run import Run
from ..system.machine import device_name
from . import checkpoint
from .checkpoint import CheckpointError, ForeignCheckpointError
from .optimiser import STATE, optimiser_of

# A checkpoint keeps these attributes as JSON.
PLAIN = ("epoch", "step", "loss_sum", "correct", "curves", "seconds", "epoch_seconds", "best_epoch")


class State:
    """The network, its optimiser and all that has been counted; a checkpoint also holds torch's random generators."""

    def __init__(self, run: Run, model: nn.Module, device: torch.device) -> None:
        self.run, self.model, self.device = run, model, device
        self.optimiser = optimiser_of(model, run)
        self.average = None  # the exponential moving average, if the recipe evaluates it
        if run.recipe.average:
            self.average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(run.recipe.average), use_buffers=True)
        self.best: dict[str, Tensor] = {}  # the network of the lowest validation loss, if the recipe asks for it
        self.best_epoch = 0  # counted from 1
        self.epoch = self.step = 0  # the next step to take, counted within its epoch
        self.loss_sum = 0.0  # over the rows of this epoch so far
        self.correct = 0
        self.measured: dict[str, float] = {}  # what methods measure, summed over the steps of this epoch so far
        self.curves: dict[str, list[float]] = {}  # one entry an epoch
        self.readings: dict[str, list] = {}  # what methods read off the network, the start first, an entry an epoch
        self.seconds = 0.0
        self.epoch_seconds = 0.0
        self.sessions = 1

    @property
    def evaluated(self) -> nn.Module:
        """The network that is evaluated: the average of the weights if there is one, else the trained network."""
        return self.average.module if self.average else self.model

    def weights(self) -> dict[str, Tensor]:
        """The weights of the network that is evaluated."""
        return self.evaluated.state_dict()

    def moments(self) -> list[Tensor]:
        """What the optimiser keeps of the gradients of every parameter."""
        return [value for own in self.optimiser.state.values() for name, value in own.items() if name != "step"]

    def nonfinite(self) -> int:
        """How many entries of buffers and of the optimiser's state are infinite or no number.

        They need not show in the loss, as what is divided by infinity is 0. The parameters are another matter: there
        a training ends with `Diverged`.
        """
        averaged = self.average.buffers() if self.average else ()
        return nonfinite_entries([*self.model.buffers(), *averaged, *self.moments()])

    def _identity(self) -> dict[str, Any]:
        """What must be equal for a continued run to end with the same bits."""
        return {"run": self.run.id, "device": device_name(self.device), "torch": torch.__version__}

    def save(self, path: Path) -> None:
        """Write the checkpoint."""
        tensors = {f"model/{name}": tensor for name, tensor in self.model.state_dict().items()}
        tensors |= {f"best/{name}": tensor for name, tensor in self.best.items()}
        if self.average:
            tensors |= {f"average/{name}": tensor for name, tensor in self.average.state_dict().items()}
        for index, values in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser/{index}/{name}": value for name, value in values.items()}
        tensors["random/cpu"] = torch.get_rng_state()
        if self.device.type == "cuda":
            tensors["random/cuda"] = torch.cuda.get_rng_state(self.device)
        state = {
            "identity": self._identity(),
            "threads": torch.get_num_threads(),
            "sessions": self.sessions,
            **{name: getattr(self, name) for name in PLAIN},
            **({"measured": self.measured} if self.measured else {}),
            **({"readings": self.readings} if self.readings else {}),
        }
        checkpoint.save(path, tensors, state)

    def restore(self, path: Path) -> None:
        """Go on from a checkpoint, which makes this one session more.

        What in it is not finite was so in the training that was stopped, as the digest says: it is no reason to refuse
        it, but goes on to the end that the training would have come to without a stop.

        Raises:
            CheckpointError: the checkpoint is damaged, or of another run, device or version of torch.
        """
        tensors, state = checkpoint.load(path)
        refusal = f"the checkpoint {path} cannot be continued here"
        advice = "Continue it where it was made, or delete it to start this run from the beginning"
        try:
            theirs, ours = state["identity"], self._identity()
            if theirs != ours:
                differs = ", ".join(
                    f"{k}: {theirs.get(k)} there, {v} here" for k, v in ours.items() if theirs.get(k) != v
                )
                raise ForeignCheckpointError(f"{refusal}: {differs}. {advice}", path)
            groups = self._group(tensors)
            self._check_kinds(groups)
            self._check_counts(state)
            self.model.load_state_dict(groups["model"])
            self._restore_optimiser(groups["optimiser"])
            self.best = groups["best"]
            if self.average:
                self.average.load_state_dict(groups["average"])
            torch.set_rng_state(tensors["random/cpu"])
            if self.device.type == "cuda":
                torch.cuda.set_rng_state(tensors["random/cuda"], self.device)
            torch.set_num_threads(state["threads"])  # The bits of a sum depend on how it is split.
            for name in PLAIN:
                setattr(self, name, state[name])
            self.measured = state.get("measured", {})
            self.readings = state.get("readings", {})
            self.sessions = state["sessions"] + 1
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise CheckpointError(f"{refusal}: {reason}. {advice}") from error

    def _check_kinds(self, groups: dict[str, dict[str, Tensor]]) -> None:
        """Refuse tensors of another type or shape than those here, which torch would convert without a word."""
        ours = self.model.state_dict()
        kinds = {"model": ours, "best": ours if groups["best"] else {}}
        kinds["average"] = self.average.state_dict() if self.average else {}
        for kind, known in kinds.items():
            theirs = groups[kind]
            if theirs.keys() != known.keys():
                raise ValueError(f"the tensors of {kind!r} are other ones: {sorted(theirs.keys() ^ known.keys())}")
            for name, tensor in theirs.items():
                if (tensor.dtype, tensor.shape) != (known[name].dtype, known[name].shape):
                    here = f"{known[name].dtype} {tuple(known[name].shape)}"
                    raise ValueError(f"{kind}/{name} is {tensor.dtype} {tuple(tensor.shape)}; here it is {here}")

    def _check_counts(self, state: dict[str, Any]) -> None:
        """Refuse counts that no training of this run comes to."""
        for name, least in {"epoch": 0, "step": 0, "correct": 0, "best_epoch": 0, "threads": 1, "sessions": 1}.items():
            if type(state[name]) is not int or state[name] < least:
                raise ValueError(f"{name} must be a whole number of at least {least}, got {state[name]!r}")
        if max(state["epoch"], state["best_epoch"]) > self.run.recipe.epochs:
            raise ValueError(f"epoch {state['epoch']} is beyond the {self.run.recipe.epochs} of the recipe")
        if wrong := [name for name, curve in state["curves"].items() if len(curve) != state["epoch"]]:
            raise ValueError(f"the curve {wrong[0]!r} has not one entry for each of the {state['epoch']} epochs")

    @staticmethod
    def _group(tensors: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
        groups: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}, "average": {}, "optimiser": {}, "random": {}}
        for name, tensor in tensors.items():
            kind, _, rest = name.partition("/")
            groups[kind][rest] = tensor
        return groups

    def _restore_optimiser(self, flat: dict[str, Tensor]) -> None:
        parameters = [p for group in self.optimiser.param_groups for p in group["params"]]
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in flat.items():
            index, _, name = key.partition("/")
            parameter = parameters[int(index)]
            if value.dim():  # It gets the parameter's memory layout, which it had before.
                value = torch.empty_like(parameter).copy_(value)
            state.setdefault(int(index), {})[name] = value
        if len(state) != len(parameters) or any(v.keys() != STATE[self.run.recipe.optimiser] for v in state.values()):
            raise ValueError("the optimiser's state is incomplete")
        self.optimiser.load_state_dict({"state": state, "param_groups": self.optimiser.state_dict()["param_groups"]})
