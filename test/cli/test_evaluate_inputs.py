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

"""Which words of the command line are bundles, recordings, faults and thresholds."""

import pytest

from xmodal_ros.cli.evaluate import bind_words
from xmodal_ros.cli.evaluate_inputs import name_bundles, sort_paths
from xmodal_ros.errors import ConfigurationError


@pytest.fixture
def place(tmp_path, monkeypatch):
    for bundle in ('models/imu', 'models/mic', 'old/imu'):
        (tmp_path / bundle).mkdir(parents=True)
        (tmp_path / bundle / 'bundle.json').write_text('{}')
    for bag in ('bags/one', 'bags/two', 'three'):
        (tmp_path / bag).mkdir(parents=True)
        (tmp_path / bag / 'metadata.yaml').write_text('')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sort(place, *words):
    bundles, bags = sort_paths([place / word for word in words])
    return [[str(each.relative_to(place)) for each in paths] for paths in (bundles, bags)]


def test_what_holds_a_bundle_json_is_a_bundle_wherever_it_stands(place):
    assert sort(place, 'models/imu', 'three') == [['models/imu'], ['three']]
    assert sort(place, 'three', 'old/imu', 'bags') == [
        ['old/imu'],
        ['three', 'bags/one', 'bags/two'],
    ]


def test_a_folder_of_bundles_stands_for_all_of_them_once(place):
    assert sort(place, 'models', 'models/imu', 'bags', 'bags/one') == [
        ['models/imu', 'models/mic'],
        ['bags/one', 'bags/two'],
    ]


def test_without_a_bundle_the_first_path_is_taken_for_one(place):
    assert sort(place, 'nothing', 'three') == [['nothing'], ['three']]


@pytest.mark.parametrize('words', [['three'], ['bags'], ['three', 'bags']])
def test_recordings_alone_are_told_that_a_bundle_is_missing(place, words):
    with pytest.raises(ConfigurationError, match='no bundle is named'):
        sort(place, *words)


def test_without_a_recording_there_is_nothing_to_do(place):
    with pytest.raises(ConfigurationError, match='no recording is named'):
        sort(place, 'models/imu')


def test_bundles_of_one_name_are_told_apart_by_their_folders(place):
    named = name_bundles([place / name for name in ('models/imu', 'old/imu')])
    assert named == ('models/imu', 'old/imu')
    assert name_bundles([place / name for name in ('models/mic', 'old/imu')]) == ('mic', 'imu')


@pytest.mark.parametrize(
    ('line', 'bound'),
    [
        ('b three --robustness', 'b three --robustness=all'),
        ('--robustness models/imu three', '--robustness=all models/imu three'),
        ('--robustness dropout noise three', '--robustness=dropout,noise three'),
        ('--robustness dropout,noise three', '--robustness=dropout,noise three'),
        ('--robustness --live b', '--robustness=all --live b'),
        ('--robustness drop_out three', '--robustness=drop_out three'),
        ('--require macro_f1=0.8 ece<=0.1 three', '--require=macro_f1=0.8,ece<=0.1 three'),
        ('b --require a=1 --live --require c=2', 'b --require=a=1 --live --require=c=2'),
        ('b three --require', 'b three --require'),
        ('--json x -- --robustness', '--json x -- --robustness'),
    ],
)
def test_words_are_bound_to_options_by_what_they_look_like(place, line, bound):
    assert bind_words(line.split()) == bound.split()
