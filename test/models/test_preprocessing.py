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

"""Preprocessing steps and their statistics."""

import pytest
import torch

from xmodal_ros.models.configuration_preprocessing import (
    MagnitudeStep,
    MotionStep,
    PreprocessingStep,
    StandardiseStep,
)
from xmodal_ros.models.modeling_preprocessing import fit_standardise, Preprocessing


def test_steps_run_in_order_on_any_dtype():
    steps: list[PreprocessingStep]
    steps = [MotionStep(), StandardiseStep(mean=(0.0, 0.0), std=(10.0, 1.0))]
    window = torch.tensor([10, 30, 20], dtype=torch.uint8).reshape(1, 3, 1)
    given = Preprocessing(steps)(window)
    assert given.dtype == torch.float32
    # A falling intensity must not wrap around as unsigned numbers do.
    assert given[0].tolist() == [[1, 0], [3, 20], [2, -10]]


@pytest.mark.parametrize('shape', [(2, 9, 6), (1, 24, 30, 40, 2), (3, 50, 1), (1, 12, 64)])
def test_standardising_is_for_each_number_what_its_channel_says(shape):
    window = torch.randn(shape)
    mean, std = torch.randn(shape[-1]), torch.rand(shape[-1]) + 0.1
    step = StandardiseStep(mean=tuple(mean.tolist()), std=tuple(std.tolist()))
    assert torch.equal(Preprocessing([step])(window), (window - mean) / std)


def test_standardising_a_picture_is_no_work_on_two_numbers_at_a_time():
    step = StandardiseStep(mean=(1.0, 2.0), std=(3.0, 4.0))
    exported = torch.export.export(Preprocessing([step]), (torch.zeros(1, 24, 30, 40, 2),))
    names = ('aten.sub.Tensor', 'aten.div.Tensor')
    found = [node for node in exported.graph.nodes if str(node.target) in names]
    assert [tuple(node.args[1].meta['val'].shape) for node in found] == [(40, 2), (40, 2)]


def test_magnitudes_do_not_depend_on_how_the_sensor_is_turned():
    window = torch.randn(1, 20, 6)
    turned = window[..., [1, 2, 0, 4, 5, 3]]
    both = [Preprocessing([MagnitudeStep()])(w) for w in (window, turned)]
    assert both[0].shape == (1, 20, 8)
    torch.testing.assert_close(both[0][..., 6:], both[1][..., 6:])


@pytest.mark.parametrize(
    ('steps', 'channels'),
    [([], 6), ([MagnitudeStep()], 8), ([MotionStep()], 12), ([MagnitudeStep(), MotionStep()], 16)],
)
def test_channels_foretells_what_comes_out(steps, channels):
    preprocessing = Preprocessing(steps)
    assert preprocessing.channels(6) == channels
    assert preprocessing(torch.zeros(1, 4, 6)).shape[-1] == channels


def test_statistics_are_measured_after_the_steps_before():
    windows = torch.randn(50, 20, 3) * torch.tensor([1.0, 2.0, 3.0]) + 5
    step = fit_standardise([MotionStep()], windows)
    given = Preprocessing([MotionStep(), step])(windows).flatten(0, 1)
    torch.testing.assert_close(given.mean(dim=0), torch.zeros(6), atol=1e-4, rtol=0)
    torch.testing.assert_close(given.std(dim=0), torch.ones(6), atol=1e-3, rtol=0)


def test_a_channel_that_never_changes_is_not_blown_up():
    windows = torch.randn(5, 20, 2)
    windows[..., 1] = 7.0
    step = fit_standardise([], windows)
    assert step.std[1] == 1.0
    given = Preprocessing([step])(windows)
    assert torch.isfinite(given).all()
    assert (given[..., 1] == 0).all()


def test_statistics_are_no_part_of_the_weights():
    preprocessing = Preprocessing([StandardiseStep(mean=(1.0,), std=(2.0,))])
    assert not preprocessing.state_dict()
