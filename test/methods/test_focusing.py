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
"""What follows from keeping of a teacher only what the target's sensor determines."""

from typing import Any

import pytest
import torch

from test.methods.classifiers import CLASSES, classifier, source, task
from test.methods.test_every_method import equal, train, trained
from test.training.small_trainer import SOURCES
from xmodal_ros.contract.methods import METHOD_CHECKS
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.methods.distillation import Distillation, DistillationOptions
from xmodal_ros.methods.focusing import describe, determined, focused, logits_of
from xmodal_ros.methods.method import make_method
from xmodal_ros.methods.source import Source, WindowTensors
from xmodal_ros.methods.training_module import TransferTask
from xmodal_ros.models.classifier import Classifier, Outputs
from xmodal_ros.models.configuration_camera_cnn import CameraCnnConfig
from xmodal_ros.models.modeling_preprocessing import Preprocessing

COUNT, CHANNELS = 300, 16
SHARED = [*range(0, CHANNELS, 2)]


def teacher(noise_seed: int = 3) -> tuple[Source, TransferTask]:
    """A teacher half of whose channels are the target's signal, half noise it cannot see.

    Its head reads all of them alike.
    """
    generator = torch.Generator().manual_seed(2)
    levels = torch.randn((COUNT, 6), generator=generator)
    raw = levels[:, None] + 0.3 * torch.randn((COUNT, 40, 6), generator=generator)
    recordings = torch.arange(COUNT) // 30
    ours = WindowTensors(raw, torch.arange(COUNT) % CLASSES, recordings, torch.arange(COUNT))
    apart = torch.Generator().manual_seed(noise_seed)
    feature = torch.randn((COUNT, CHANNELS), generator=apart)
    feature[:, SHARED] = levels @ torch.randn((6, len(SHARED)), generator=generator)
    given = source(count=COUNT, dim=CHANNELS)
    with torch.no_grad():
        logits = given.classifier.head(feature)
    nothing = torch.zeros((COUNT, 1))
    given.outputs = Outputs(nothing, nothing, nothing, nothing, feature, logits)
    return given, TransferTask(classifier(dim=CHANNELS), ours, {given.name: given})


def test_what_the_target_cannot_see_is_removed_and_the_rest_kept():
    given, of = teacher()
    focus = focused(given, of, 0.5)
    assert sorted(focus.kept.tolist()) == SHARED
    noise = [*range(1, CHANNELS, 2)]
    assert focus.determined[SHARED].min() > 0.9
    assert focus.determined[noise].max() < 0.1
    assert 0.1 < focus.unchanged < 0.9


def test_the_noise_of_the_teacher_reaches_its_answers_no_more():
    one, other = (focused(*teacher(seed), 0.5) for seed in (3, 4))
    apart = (teacher(3)[0].outputs.logits - teacher(4)[0].outputs.logits).std(dim=0)
    left = (one.source.outputs.logits - other.source.outputs.logits).std(dim=0)
    # Up to what removed channels are on average.
    assert (left < 1e-5).all()
    assert (apart > 0.1).all()


def test_all_channels_are_the_plain_teacher_to_the_last_bit():
    given, of = teacher()
    assert torch.equal(focused(given, of, 1.0).source.outputs.logits, given.outputs.logits)
    assert equal(train('distillation', focus=1.0), trained('distillation'))


def test_fewer_channels_are_not_and_the_source_itself_stays():
    given, of = teacher()
    before = given.outputs.logits.clone()
    focus = focused(given, of, 0.5)
    assert not torch.equal(focus.source.outputs.logits, before)
    assert torch.equal(given.outputs.logits, before)
    assert not equal(train('distillation', focus=0.5), trained('distillation'))


def test_removed_channels_hold_their_mean():
    feature, head = torch.randn((20, 4)), torch.randn((3, 4))
    kept = torch.tensor([2, 0])
    held = feature.mean(dim=0).repeat(20, 1)
    held[:, kept] = feature[:, kept]
    found = logits_of(feature, feature @ head.T, head, kept)
    torch.testing.assert_close(found, held @ head.T)


def test_what_only_says_whose_recording_it_is_determines_nothing():
    generator = torch.Generator().manual_seed(0)
    recordings = torch.arange(500) // 5
    told = torch.randn((100, 30), generator=generator)[recordings]
    channels = torch.randn((100, 4), generator=generator)[recordings]
    assert determined(told, channels, recordings).mean() < 0.1
    # Where parts of the same recordings are learnt from, it does.
    mixed = torch.randperm(500, generator=generator)
    one = torch.zeros(500)
    assert determined(told[mixed], channels[mixed], one).mean() > 0.1


def test_a_channel_that_never_moves_is_the_first_to_go():
    told = torch.randn((50, 5), generator=torch.Generator().manual_seed(0))
    channels = torch.cat([torch.ones((50, 1)), told[:, :1]], dim=1)
    found = determined(told, channels, torch.arange(50) // 10)
    assert found[0] == -torch.inf
    assert found[1] > 0.9


def test_pictures_and_features_of_frames_are_described_too():
    rows = torch.arange(0, 12, 2)
    pictures = torch.randn((12, 8, 30, 40, 1))
    camera = Classifier(Preprocessing([]), CameraCnnConfig(width=8), 1, CLASSES)
    assert describe(camera, pictures, rows).shape[0] == 6
    wide = torch.randn((12, 8, 500))
    assert describe(classifier(channels=500), wide, rows).isfinite().all()


@pytest.mark.parametrize('check', METHOD_CHECKS, ids=lambda check: check.__name__)
def test_it_holds_what_every_method_must(check):
    check(Distillation(DistillationOptions(focus=0.5)))


def test_a_bundle_says_what_was_kept():
    kept: Any = train('distillation', focus=0.25).facts['focus']
    assert {name: each['channels'] for name, each in kept.items()} == dict.fromkeys(
        SOURCES, '4 of 16'
    )


def test_pairs_by_class_are_refused_for_they_say_nothing_of_a_moment():
    with pytest.raises(ConfigurationError, match=r"'focus'.*pairing=class"):
        make_method('distillation', {'pairing': 'class', 'focus': 0.5})
    make_method('distillation', {'pairing': 'class', 'focus': 1})


def test_too_few_pairs_are_refused():
    few = torch.where(torch.arange(24) < 4, torch.arange(24), -1)
    given = source(in_time=few)
    with pytest.raises(ConfigurationError, match="4 windows of source 'camera'"):
        Distillation(DistillationOptions(focus=0.5)).make_module(task(given))


def test_nothing_is_drawn_from_the_random_numbers_of_the_training():
    given, of = teacher()
    before = torch.get_rng_state()
    focused(given, of, 0.5)
    assert torch.equal(torch.get_rng_state(), before)
