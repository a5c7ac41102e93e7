# Copyright 2026 xmodal_ros maintainers
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Fusion: several sources' probabilities into one, each believed as far as it has proved itself.

A source of validated accuracy ``a`` over ``K`` classes is right beyond chance with probability
``r = (a - 1/K) / (1 - 1/K)``; otherwise it has told us nothing. Its probabilities are therefore
mixed with the uniform distribution, ``r p + (1 - r)/K``: however sure of itself a source is, it
never adds more evidence than the log-odds of its accuracy. The evidence is multiplied over the
sources, each raised to the odds ``r / (1 - r)`` relative to the best one's. So a poor and
overconfident source cannot outvote a good one, and still decides where the good one wavers;
benchmarks/fusion.py compares this with averages and products.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import math
from typing import Final

# Nobody is believed without a doubt: a validation score of 1 comes from few examples.
_MOST_RELIABLE: Final = 0.995


@dataclass(frozen=True)
class Opinion:
    """One source's probabilities, summing to one, and its accuracy on people it did not know."""

    probabilities: Mapping[str, float]
    accuracy: float


def reliability(accuracy: float, classes: int) -> float:
    """Give the share of decisions that are right beyond chance, in [0, 0.995]."""
    if classes < 2:
        return 0.0
    beyond_chance = (accuracy - 1 / classes) / (1 - 1 / classes)
    return min(max(beyond_chance, 0.0), _MOST_RELIABLE)


def fuse(opinions: Sequence[Opinion]) -> dict[str, float]:
    """Fuse at least one opinion into probabilities over the union of their classes.

    Classes that all sources know share the mass that the sources, weighted by accuracy, give
    them together, and are fused there. A class that some do not know keeps the probability that
    those who know it give it (their weighted mean). One opinion comes back as it is.
    """
    if len(opinions) == 1:
        return dict(opinions[0].probabilities)
    known = {name: None for opinion in opinions for name in opinion.probabilities}
    common = [name for name in known if all(name in each.probabilities for each in opinions)]
    trusts = [each.accuracy for each in opinions]
    if not any(trusts):
        trusts = [1.0] * len(opinions)
    masses = [sum(each.probabilities[name] for name in common) for each in opinions]
    fused = {
        name: _weighted_mean(
            [
                (trust, each.probabilities[name])
                for trust, each in zip(trusts, opinions, strict=True)
                if name in each.probabilities
            ]
        )
        for name in known
        if name not in common
    }
    mass = _weighted_mean(list(zip(trusts, masses, strict=True)))
    shares = _pool(opinions, masses, common)
    fused |= {name: mass * share for name, share in zip(common, shares, strict=True)}
    total = sum(fused.values())
    if total <= 0:
        return {name: 1 / len(known) for name in known}
    return {name: fused[name] / total for name in known}


def _weighted_mean(weighted: Sequence[tuple[float, float]]) -> float:
    total = sum(weight for weight, _ in weighted)
    return sum(weight * value for weight, value in weighted) / total if total > 0 else 0.0


def _pool(
    opinions: Sequence[Opinion], masses: Sequence[float], common: Sequence[str]
) -> list[float]:
    """Multiply the tempered shares of the classes that all know; sums to one."""
    size = len(common)
    if size == 0:
        return []
    trusts = [reliability(each.accuracy, len(each.probabilities)) for each in opinions]
    powers = [trust / (1 - trust) for trust in trusts]
    best = max(powers)
    evidence = [0.0] * size
    for trust, power, opinion, mass in zip(trusts, powers, opinions, masses, strict=True):
        if power == 0 or mass <= 0:
            continue
        for index, name in enumerate(common):
            share = opinion.probabilities[name] / mass
            evidence[index] += power / best * math.log(trust * share + (1 - trust) / size)
    highest = max(evidence)
    weights = [math.exp(value - highest) for value in evidence]
    return [weight / sum(weights) for weight in weights]
