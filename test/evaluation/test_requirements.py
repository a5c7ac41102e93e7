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

"""Thresholds for continuous integration: read, looked up, met or not."""

import pytest

from test.evaluation.made_up import make_evaluation
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.evaluation.comparison import compare_bundles
from xmodal_ros.evaluation.document import trial_as_json
from xmodal_ros.evaluation.requirements import check, check_names, read_requirement
from xmodal_ros.evaluation.trial import Trial

TRUTH = ['sit', 'walk']


@pytest.fixture(scope='module')
def document():
    said = [['sit'] * 16 + ['wave'] * 16, ['sit'] * 16 + ['walk'] * 16]
    return trial_as_json(Trial((make_evaluation(said, TRUTH, ['1', '2']),)))


@pytest.mark.parametrize(
    ('text', 'met'),
    [
        ('accuracy=0.75', True),
        ('accuracy >= 0.75', True),
        ('accuracy>0.75', False),
        ('accuracy=0.76', False),
        ('unknown_rate<=0', True),
        ('unknown_rate<0', False),
        ('ece<=1e-3', False),
        ('by_label.sit.recall=1', True),
        ('by_label.walk.recall=0.6', False),
        ('intervals.accuracy.low=0.5', False),
        ('counts.clips=4', True),
    ],
)
def test_a_requirement_is_met_or_not(document, text, met):
    requirement = read_requirement(text)
    check_names([requirement], live=False)
    (found,) = check([requirement], document)
    assert found.met is met
    assert found.bundle == ''


@pytest.mark.parametrize('text', ['macro_f1', 'macro_f1=', '=0.8', 'macro_f1=high', 'a=nan', ''])
def test_what_is_no_requirement_is_refused_with_an_example(text):
    with pytest.raises(ConfigurationError, match=r'for example macro_f1=0\.8'):
        read_requirement(text)


def test_at_least_is_refused_where_less_is_better():
    with pytest.raises(ConfigurationError, match=r"write 'ece<=0\.1' in quotes"):
        read_requirement('ece=0.1')


def test_unknown_names_are_refused_with_those_there_are(document):
    wrong = read_requirement('macro_f2=0.8')
    with pytest.raises(ConfigurationError, match="did you mean 'macro_f1'") as early:
        check_names([wrong], live=False)
    assert 'segmental_f1_50' in str(early.value)
    with pytest.raises(ConfigurationError, match=r"did you mean 'by_label\.walk\.recall'"):
        check([read_requirement('by_label.wolk.recall=1')], document)


def test_what_only_a_live_run_measures_needs_one():
    latency = read_requirement('live.latency_ms.p95<=100')
    with pytest.raises(ConfigurationError, match='--live'):
        check_names([latency], live=False)
    check_names([latency], live=True)


def test_every_bundle_has_to_meet_a_requirement():
    bundles = tuple(
        make_evaluation([[label] * 16], ['sit'], ['1'], name=name)
        for name, label in (('good', 'sit'), ('bad', 'wave'))
    )
    document = trial_as_json(Trial(bundles, comparison=compare_bundles(bundles)))
    found = check([read_requirement('accuracy=0.5')], document)
    assert {each.bundle: each.met for each in found} == {'good': True, 'bad': False}
    (alone,) = check([read_requirement('bundles.good.accuracy=0.5')], document)
    assert alone.met


def test_what_could_not_be_measured_is_not_met():
    document = trial_as_json(Trial((make_evaluation([['sit'] * 4], [], ['1']),)))
    (found,) = check([read_requirement('macro_f1=0')], document)
    assert found.value is None
    assert not found.met
