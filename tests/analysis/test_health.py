"""Health: statistics that are not finite, and dead channels, counted by hand."""

import math

import torch
from torch import nn

from pnn.analysis.health import Health, health_of, nonfinite_entries


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 3), nn.BatchNorm1d(3))


def test_a_new_network_is_healthy():
    assert health_of(network(), train_logit=2.0, test_logit=3.0) == Health(
        nonfinite=0, dead=0, train_logit=2.0, test_logit=3.0
    )


def test_what_is_not_finite_and_what_is_dead_is_counted_by_entry():
    model = network()
    model[1].running_var.copy_(torch.tensor([0.0, 1.0, 0.0, math.inf]))
    model[1].running_mean[2] = math.nan
    model[4].running_var[0] = 0.0
    found = health_of(model, train_logit=2.0, test_logit=3.0)
    assert (found.nonfinite, found.dead) == (2, 3)


def test_entries_that_are_not_finite_are_counted_in_floats_of_any_kind():
    tensors = [torch.tensor([1, 2]), torch.tensor([1j, complex("nan")]), torch.tensor([torch.inf, -torch.inf, 0.0])]
    assert [nonfinite_entries(tensors[:number]) for number in range(4)] == [0, 0, 1, 3]


def test_weights_and_layers_without_statistics_count_for_nothing():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2, track_running_stats=False), nn.LayerNorm(2))
    model[0].weight.data.zero_()
    model.register_buffer("steps", torch.tensor([0, 7]))
    assert health_of(model, train_logit=0.0, test_logit=0.0) == Health(0, 0, 0.0, 0.0)
