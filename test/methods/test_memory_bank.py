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

"""The bank and its controls."""

import pytest
import torch

from test.methods.classifiers import source, task
from xmodal_ros.errors import TrainingError
from xmodal_ros.methods.memory_bank import BankOptions, controlled, MemoryBank


def correlated(count: int = 4000) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    mixing = torch.randn((5, 5), generator=generator)
    drawn: torch.Tensor = torch.randn((count, 5), generator=generator) ** 3 @ mixing + 3
    return drawn


def test_noise_has_the_same_mean_and_covariance_and_nothing_else():
    real = correlated()
    noise = controlled(real, 'noise')
    scale = real.std(0)
    assert ((noise.mean(0) - real.mean(0)) / scale).abs().max() < 0.1
    gap = (torch.cov(noise.T) - torch.cov(real.T)) / torch.outer(scale, scale)
    assert gap.abs().max() < 0.15
    # The real features have heavy tails, normal ones have not.
    assert ((real - real.mean(0)) / scale).pow(4).mean() > 4
    assert ((noise - noise.mean(0)) / noise.std(0)).pow(4).mean() == pytest.approx(3, abs=0.3)


def test_noise_of_few_or_constant_features_is_still_numbers():
    assert controlled(torch.ones(3, 5), 'noise') == pytest.approx(torch.ones(3, 5))
    # Two differ in one direction alone, and so does their noise; one in none.
    real = correlated(2)
    beside = controlled(real, 'noise') - real.mean(0)
    torch.testing.assert_close(torch.linalg.matrix_rank(beside, atol=1e-3), torch.tensor(1))
    along = real[1] - real[0]
    torch.testing.assert_close(
        beside @ torch.outer(along, along) / along.square().sum(), beside, atol=1e-3, rtol=1e-3
    )
    assert controlled(correlated(1), 'noise') == pytest.approx(correlated(1))


def test_shuffling_keeps_each_dimension_and_breaks_what_joins_them():
    real = correlated()
    shuffled = controlled(real, 'shuffled')
    assert torch.equal(shuffled.sort(0).values, real.sort(0).values)
    assert torch.corrcoef(real.T)[0, 1:].abs().max() > 0.3
    assert torch.corrcoef(shuffled.T)[0, 1:].abs().max() < 0.1


def test_no_bank_is_zeros_and_the_real_one_is_left_alone():
    real = correlated(10)
    assert controlled(real, 'real') is real
    assert (controlled(real, 'none') == 0).all()


def test_a_bank_larger_than_all_windows_holds_all_and_a_smaller_one_what_it_may():
    near, far = source('near', count=24), source('far', count=10, seed=2)
    of = task(near, far)
    everything = MemoryBank(of, BankOptions())
    assert everything.size == 34
    assert [rows.tolist() for rows in everything.bank] == [[*range(24)], [*range(10)]]
    some = MemoryBank(of, BankOptions(bank_size=7))
    assert some.size == 7
    assert all(len(set(rows.tolist())) == len(rows) for rows in some.bank)
    features = some.chosen(some.bank)
    assert torch.equal(features[1], far.outputs.feature[some.bank[1]])
    assert some.facts(99)['bank'] == {
        'content': 'real',
        'rows': {'near': len(some.bank[0]), 'far': len(some.bank[1])},
        'of': 34,
        'bytes': 99,
    }


def test_draws_differ_and_repeat_under_a_seed():
    references = MemoryBank(task(source()), BankOptions())
    torch.manual_seed(3)
    first, second = references.draw(5)[0], references.draw(5)[0]
    torch.manual_seed(3)
    assert torch.equal(references.draw(5)[0], first)
    assert not torch.equal(first, second)


def test_windows_of_the_same_moment_are_those_of_the_same_recording_and_time():
    teacher = source()
    of = task(teacher)
    of.windows.recordings[5] = 1
    references = MemoryBank(of, BankOptions())
    rows = torch.tensor([2, 5, 7])
    own = references.of_the_same_moment(rows, 0)
    assert own.shape == (3, 24)
    assert own.nonzero().tolist() == [[0, 2], [2, 7]]
    near = references.of_the_same_moment(rows, 1_000_000_000)
    assert near.nonzero().tolist() == [[0, 1], [0, 2], [0, 3], [2, 6], [2, 7], [2, 8]]


def test_a_bank_from_others_holds_no_recording_that_the_target_learns_from():
    teacher = source()
    teacher.windows.recordings[[3, 4, 9]] = 1
    of = task(teacher)
    references = MemoryBank(of, BankOptions(bank_from='others'))
    assert references.size == 3
    assert torch.equal(references.chosen(references.bank)[0], teacher.outputs.feature[[3, 4, 9]])
    assert not references.of_the_same_moment(torch.arange(24), 10**12).any()
    teacher.windows.recordings[:] = 0
    with pytest.raises(TrainingError, match="all recordings of source 'camera'"):
        MemoryBank(of, BankOptions(bank_from='others'))
