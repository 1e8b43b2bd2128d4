"""What is left of the Runs of an experiment when what its arms differ in is taken away."""

import dataclasses

import pnn
from pnn.studies.study import in_turn


def stripped(arms: dict) -> set[pnn.Run]:
    """The Runs less seed, activation, learning rate and methods."""
    return {
        dataclasses.replace(
            run,
            seed=0,
            network=dataclasses.replace(run.network, activation=pnn.ReLU()),
            recipe=dataclasses.replace(run.recipe, learning_rate=1, methods=()),
        )
        for run in in_turn(arms)
    }
