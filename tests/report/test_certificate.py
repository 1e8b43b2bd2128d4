"""The certificate, on networks whose degree is known."""

import pnn
from pnn.report import certificate


def test_blocks_are_cut_until_one_of_the_two_finds_no_degree():
    polynext = pnn.PolyNeXt("bilinear", 4, activation=pnn.Identity(), depth=1)
    residual = pnn.ResNet("standard", 4, depth=8)
    task = pnn.CIFAR10(rows="stand-in")
    runs = {
        name: pnn.Run(task, network, pnn.Recipe(1), 0, "smoke")
        for name, network in {"a": polynext, "b": residual}.items()
    }
    table = certificate.by_blocks(runs)
    # each block multiplies the degree by 4, and beyond 32 none is measured; ReLU is none
    assert table.frame["audited"].tolist() == [4, 16, 64, None]
    assert table.frame["measured"].tolist() == [4, 16, None, None]
    assert table.frame.index.tolist() == [("a", 1), ("a", 2), ("a", 3), ("b", 1)]
    assert table.text.iloc[-1].tolist() == ["not a polynomial", "no verdict"]
    assert next(certificate.built(runs["a"]).parameters()).is_meta
