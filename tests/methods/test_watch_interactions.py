"""What is read off the weights of a network of degree 2, against its equation, and that nothing else changes."""

import dataclasses

import pytest
import torch
from trained import fitted, same_but_for_what_is_read, weights

import pnn
from pnn.methods.watch_interactions import RANKS, participation_ratio

NETWORK = pnn.MLP("bilinear", 6, pnn.Identity(), depth=1, norm="none")


def run_of(*methods, network=NETWORK, **recipe) -> pnn.Run:
    recipe = pnn.Recipe(2, batch_size=200, learning_rate=0.01, augment="none", methods=methods, **recipe)
    return pnn.Run(pnn.Digits(validation=200), network, recipe, 1, "smoke")


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A Record, and the network that it is of."""
    run, folder = run_of(pnn.WatchInteractions()), tmp_path_factory.mktemp("watched")
    record = fitted(run, folder)
    network = run.network.build(run.task.form)
    network.load_state_dict(weights(run, folder))
    return record, network.eval()


def test_a_participation_ratio_is_how_many_are_equal():
    values = torch.tensor([[2.0, -2.0, 2.0, 0.0], [5.0, 0.0, 0.0, 0.0], [3.0, -1.0, 0.0, 0.0]])
    assert participation_ratio(values).tolist() == pytest.approx([3, 1, 1.6])


def test_the_readings_are_those_of_the_weights_as_they_ended(watched):
    record, network = watched
    shapes = {name: torch.tensor(values).shape for name, values in record.readings.items()}
    assert shapes == {
        "interactions.eigenvalues": (10, 64),
        "interactions.rank": (10,),
        "interactions.vectors": (10, 2, 64),
        "interactions.agreement": (len(RANKS),),
    }
    form = pnn.quadratic_form(network, torch.zeros(1, *record.run.task.form.shape))
    for k in range(10):
        values, vectors = torch.linalg.eigh(form.matrices[k])
        ordered = sorted(values.tolist(), key=abs, reverse=True)
        assert record.readings["interactions.eigenvalues"][k] == pytest.approx(ordered, rel=1e-4, abs=1e-7)
        expected = sum(map(abs, ordered)) ** 2 / sum(value**2 for value in ordered)
        assert record.readings["interactions.rank"][k] == pytest.approx(expected, rel=1e-4)
        for found, vector in zip(
            record.readings["interactions.vectors"][k], (vectors[:, -1], vectors[:, 0]), strict=True
        ):
            found = torch.tensor(found).double()
            assert found.max() == 1  # its largest entry, which is made positive
            assert abs(torch.nn.functional.cosine_similarity(found, vector, dim=0)) > 0.999


def test_agreement_is_the_share_of_decisions_that_stay_when_the_matrices_are_cut(watched):
    record, network = watched
    data = record.run.task.load()
    x = data.normalise(data.train.x)
    rows = torch.arange(min(2000, len(x))) * len(x) // min(2000, len(x))
    with torch.no_grad():
        decisions = network(x[rows]).argmax(1)
    form = pnn.quadratic_form(network, x[:1])
    for rank, share in zip(RANKS, record.readings["interactions.agreement"], strict=True):
        kept = form.truncated(rank)(x[rows]).argmax(1) == decisions
        assert share == pytest.approx(kept.double().mean().item(), abs=0.002)
    assert record.readings["interactions.agreement"][-1] == 1  # the images have 64 pixels


def test_nothing_else_of_the_training_changes(watched, tmp_path):
    record, network = watched
    plain = run_of()
    alone = fitted(plain, tmp_path)
    assert alone.readings is None
    assert same_but_for_what_is_read(record, alone)
    ended = network.state_dict()
    assert all(torch.equal(value, ended[name]) for name, value in weights(plain, tmp_path).items())


def test_a_record_with_readings_survives_json_and_is_a_row_of_the_table_as_one_without(watched, tmp_path):
    record, _ = watched
    assert pnn.Record.from_json(record.to_json()) == record
    without = dataclasses.replace(record, readings=None)
    assert "readings" not in without.to_dict()
    assert pnn.frame([record]).equals(pnn.frame([without]))


@pytest.mark.parametrize(
    "network",
    [
        dataclasses.replace(NETWORK, depth=2),
        dataclasses.replace(NETWORK, activation=pnn.ReLU()),
        dataclasses.replace(NETWORK, neuron="standard"),
        pnn.LeNet("bilinear", activation=pnn.Identity()),
    ],
    ids=["depth", "activation", "neuron", "network"],
)
def test_a_network_of_another_degree_is_refused_before_it_is_trained(network):
    images = pnn.MNIST(rows="stand-in")
    recipe = pnn.Recipe(1, augment="none", methods=(pnn.WatchInteractions(),))
    with pytest.raises(pnn.RunError, match='"watch-interactions" is for an MLP of one layer of products'):
        pnn.Run(images, network, recipe, 0, "smoke")


@pytest.mark.parametrize("neuron", ["bilinear", "polynomial", "quadratic"])
@pytest.mark.parametrize("norm", ["batch", "none"])
def test_every_network_that_is_not_refused_can_be_read(neuron, norm):
    run = run_of(pnn.WatchInteractions(), network=dataclasses.replace(NETWORK, neuron=neuron, norm=norm))
    pnn.quadratic_form(run.network.build(run.task.form), torch.zeros(1, *run.task.form.shape))
