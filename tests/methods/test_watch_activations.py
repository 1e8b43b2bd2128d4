"""The parameters of learned activations, epoch by epoch, and that nothing else changes."""

import pytest
import torch
from trained import fitted, same_but_for_what_is_read, weights

import pnn


def run_of(*methods, activation=None, epochs: int = 3) -> pnn.Run:
    network = pnn.MLP("standard", 12, activation or pnn.SwishChoice(), depth=2)
    recipe = pnn.Recipe(epochs, batch_size=200, learning_rate=0.01, augment="none", methods=methods)
    return pnn.Run(pnn.Digits(validation=200), network, recipe, 1, "smoke")


def learned(network: torch.nn.Module) -> dict[str, list]:
    kinds = pnn.nn.learned.LearnedActivation
    found = {}
    for where, module in network.named_modules():
        if isinstance(module, kinds):
            found |= {f"{where}.{name}": p.detach().double().tolist() for name, p in module.named_parameters()}
    return found


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    run, folder = run_of(pnn.WatchActivations()), tmp_path_factory.mktemp("watched")
    return fitted(run, folder), weights(run, folder)


def test_there_is_an_entry_for_the_start_and_for_each_epoch(watched):
    record, ended = watched
    run = record.run
    torch.manual_seed(run.seed)
    start = learned(run.network.build(run.task.form))
    network = run.network.build(run.task.form)
    network.load_state_dict(ended)
    end = learned(network)
    assert record.readings.keys() == start.keys() == end.keys()
    assert len(start) == 2  # one number in each of two layers
    for name, values in record.readings.items():
        assert len(values) == 1 + run.recipe.epochs
        assert values[0] == pytest.approx(start[name], rel=1e-4)
        assert values[-1] == pytest.approx(end[name], rel=1e-4)
        assert len({tuple(value) for value in values}) == len(values)  # It moves in every epoch.


def test_nothing_else_of_the_training_changes(watched, tmp_path):
    record, ended = watched
    plain = run_of()
    alone = fitted(plain, tmp_path)
    assert alone.readings is None
    assert same_but_for_what_is_read(record, alone)
    assert all(torch.equal(value, ended[name]) for name, value in weights(plain, tmp_path).items())


@pytest.mark.parametrize(
    ("channels", "kept"), [(3, [0, 4, 8]), (8, [0, 1, 3, 4, 6, 7, 9, 10]), (12, range(12)), (50, range(12))]
)
def test_of_many_channels_some_are_kept_evenly_spread(channels, kept):
    module = pnn.Swish(12)
    with torch.no_grad():
        module.beta.copy_(torch.arange(12.0))
    (found,) = pnn.WatchActivations(channels).after_epoch(torch.nn.Sequential(module)).values()
    assert found.tolist() == list(kept)


def test_a_network_without_learned_activations_is_refused(tmp_path):
    with pytest.raises(pnn.RunError, match="is for networks with learned activations; there are none"):
        fitted(run_of(pnn.WatchActivations(), activation=pnn.ReLU()), tmp_path)


@pytest.mark.parametrize("channels", [0, -1, 2.0, "8", None])
def test_a_number_of_channels_that_is_none_is_refused(channels):
    with pytest.raises(pnn.RunError, match="channels"):
        pnn.WatchActivations(channels)
