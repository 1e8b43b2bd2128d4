"""XOR: what one neuron of each kind gets right."""

import torch
from torch import nn

import pnn
from pnn.analysis import xor


def test_the_labels_are_whether_the_signs_differ():
    assert xor.LABELS.tolist() == [int(a != b) for a, b in xor.POINTS.sign().tolist()]


def test_a_polynomial_neuron_solves_it_and_a_standard_one_never_does():
    torch.manual_seed(1)
    assert xor.solve(nn.Linear(2, 1)) <= 3
    assert xor.solve(pnn.PolyLinear(2, 1)) == 4
