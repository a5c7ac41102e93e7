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

"""An ensemble beside a net: its answers, in a bundle, alone and as an ONNX graph."""

import copy

from pydantic import ValidationError
import pytest
import torch

from xmodal_ros.contract.export import require_onnx_parity
from xmodal_ros.modalities.camera.stream import CameraStream
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.models.configuration_bundle import BundleInfo
from xmodal_ros.models.configuration_camera_cnn import CameraCnnConfig
from xmodal_ros.models.configuration_ensemble import EnsembleConfig, ForestConfig, MemberConfig
from xmodal_ros.models.configuration_features import RocketFeatures, StatisticsFeatures
from xmodal_ros.models.configuration_imu_cnn import ImuCnnConfig
from xmodal_ros.models.modeling_ensemble import as_series, Member
from xmodal_ros.models.modeling_forest import Forest
from xmodal_ros.windows.windowing import SECOND_NS, WindowingSpec

FOREST = ForestConfig(depths=((1, 1), (1, 1), (0, 2)))
MEMBERS = (
    MemberConfig(name='kernel', features=StatisticsFeatures(), landmarks=12),
    MemberConfig(name='rocket', features=RocketFeatures(dilations=(1, 4), biases=1)),
    MemberConfig(name='forest', features=StatisticsFeatures(), forest=FOREST),
)


def randomise(member: Member) -> None:
    for parameter in member.answer.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    if isinstance(member.answer, Forest):
        torch.nn.init.uniform_(member.answer.chances)
        # Of two trees one is a leaf, and of the other a node of the second depth divides, too.
        member.answer.features.copy_(torch.tensor([3, 14]))
        member.answer.order.copy_(torch.tensor([0, 1, 1, 0, 0, 1]))


def model(*, net: bool = True, members=MEMBERS):
    info = BundleInfo(
        labels=('sit', 'walk', 'wave'),
        sensor='wrist',
        stream=ImuStream(channels='acc'),
        window=WindowingSpec(length_ns=SECOND_NS, rate_hz=50),
        preprocessing=(),
        encoder=ImuCnnConfig(width=16, dim=16),
        ensemble=EnsembleConfig(net=net, members=members),
        method='unimodal',
    )
    torch.manual_seed(0)
    classifier = info.make_classifier().eval()
    windows = torch.randn(20, 50, 3)
    assert classifier.ensemble is not None
    for member in classifier.ensemble.members:
        assert isinstance(member, Member)
        member.prepare(windows, torch.Generator().manual_seed(0))
        randomise(member)
    return info, classifier, windows


@pytest.mark.parametrize('net', [True, False])
def test_it_is_a_bundle_and_an_onnx_graph_like_any_other(net):
    # Without a net it is about that alone, and a graph of one member is written much sooner.
    info, classifier, windows = model(net=net, members=MEMBERS if net else MEMBERS[:1])
    require_onnx_parity(info, classifier, windows[0])


def test_members_that_share_features_must_have_the_same():
    classifier = model()[1]
    state = classifier.state_dict()
    classifier.load_state_dict(state)
    name = next(n for n in state if n.startswith('ensemble.members.2.features.'))
    for each in (classifier, copy.deepcopy(classifier)):
        with pytest.raises(RuntimeError, match="statistics of member 'forest' differ in"):
            each.load_state_dict({**state, name: state[name] + 1})


def test_of_pictures_members_see_the_means_over_a_grid():
    members = (MemberConfig(name='statistics', features=StatisticsFeatures()),)
    info = BundleInfo(
        labels=('sit', 'walk', 'wave'),
        sensor='camera',
        stream=CameraStream(pixels='depth', height=14, width=16),
        window=WindowingSpec(length_ns=SECOND_NS, rate_hz=8, margin_ns=SECOND_NS // 8),
        preprocessing=(),
        encoder=CameraCnnConfig(width=8, dim=16),
        ensemble=EnsembleConfig(members=members, grid=(4, 8)),
        method='unimodal',
    )
    torch.manual_seed(0)
    classifier = info.make_classifier().eval()
    pictures = torch.rand(6, 8, 14, 16, 1)
    assert classifier.ensemble is not None
    (member,) = classifier.ensemble.members
    assert isinstance(member, Member)
    series = as_series(pictures, (4, 8))
    assert series.shape == (6, 8, 32)
    torch.testing.assert_close(series[2, 3, 7], pictures[2, 3, :4, 14:].mean())
    member.prepare(series, torch.Generator().manual_seed(0))
    randomise(member)
    with torch.no_grad():
        classifier.ensemble.weights.copy_(torch.tensor([0.0, 1.0]))
        torch.testing.assert_close(classifier(pictures), member(series))
        classifier.ensemble.weights.copy_(torch.tensor([1.0, 1.0]))
    require_onnx_parity(info, classifier, pictures[0])


def test_what_has_no_pictures_has_no_grid():
    config = EnsembleConfig(members=MEMBERS, grid=(4, 8))
    with pytest.raises(ValidationError, match='grid'):
        BundleInfo.model_validate({**model()[0].model_dump(), 'ensemble': config})


def test_a_window_gives_the_same_alone_as_among_others():
    _, classifier, windows = model()
    with torch.no_grad():
        torch.testing.assert_close(
            classifier(windows)[3:4], classifier(windows[3:4]), atol=1e-5, rtol=1e-4
        )


def test_it_answers_the_weighted_sum_and_methods_see_the_net_alone():
    _, classifier, windows = model()
    with torch.no_grad():
        net = classifier.outputs(windows).logits
        classifier.ensemble.weights.copy_(torch.tensor([2.0, 0.0, 0.0, 0.0]))
        answer = classifier(windows)
        centred = net - net.mean(dim=1, keepdim=True)
        torch.testing.assert_close(answer, 2 * centred)
        classifier.ensemble.weights.copy_(torch.tensor([2.0, 1.0, 0.5, 0.25]))
        assert torch.equal(classifier.outputs(windows).logits, net)
        parts = [member(windows) for member in classifier.ensemble.members]
        together = 2 * centred + parts[0] + 0.5 * parts[1] + 0.25 * parts[2]
        torch.testing.assert_close(classifier(windows), together)


def test_only_the_net_is_learnt():
    _, classifier, _ = model()
    learnt = {name for name, each in classifier.named_parameters() if each.requires_grad}
    assert learnt
    assert not any(name.startswith('ensemble.') for name in learnt)
