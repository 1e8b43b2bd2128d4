"""What is read off the weights of a network of degree 2, against its equation, and that nothing else changes."""

import dataclasses

import pytest
import torch
from safetensors.torch import load_file

import pnn
from pnn.methods.watch_interactions import RANKS, participation_ratio

NETWORK = pnn.MLP("bilinear", 6, pnn.Identity(), depth=1, norm="none")


def run_of(*methods, network=NETWORK, **recipe) -> pnn.Run:
    recipe = pnn.Recipe(2, batch_size=200, learning_rate=0.01, augment="none", methods=methods, **recipe)
    return pnn.Run(pnn.Digits(validation=200), network, recipe, 1, "smoke")


def fitted(run: pnn.Run, folder) -> pnn.Record:
    return pnn.fit(run, folder=folder, device="cpu", progress=False)


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A Record, and the network that it is of."""
    run, folder = run_of(pnn.WatchInteractions()), tmp_path_factory.mktemp("watched")
    record = fitted(run, folder)
    network = run.network.build(run.task.form)
    network.load_state_dict(load_file(folder / run.name / "weights.safetensors"))
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
    for name, curve in alone.curves.items():
        assert name == "seconds" or curve == record.curves[name]
    assert (alone.final, alone.hits, alone.health) == (record.final, record.hits, record.health)
    weights = load_file(tmp_path / plain.name / "weights.safetensors")
    assert all(torch.equal(weights[name], value) for name, value in network.state_dict().items())


def test_a_record_with_readings_survives_json_and_is_a_row_of_the_table_as_one_without(watched, tmp_path):
    record, _ = watched
    assert pnn.Record.from_json(record.to_json()) == record
    without = dataclasses.replace(record, readings=None)
    assert "readings" not in without.to_dict()
    assert pnn.frame([record]).equals(pnn.frame([without]))


def test_a_network_of_another_degree_is_named_when_it_is_read(tmp_path):
    deep = dataclasses.replace(NETWORK, depth=2)
    with pytest.raises(ValueError, match="is no polynomial of degree 2 or less"):
        fitted(run_of(pnn.WatchInteractions(), network=deep), tmp_path)
