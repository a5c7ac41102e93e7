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

"""Options that take several values after one flag, wherever the recordings stand."""

import pytest

from xmodal_ros.cli.variadic import spread_values

SEVERAL = ('--test-subjects', '--source')
SINGLE = ('--target', '--out', '--seed')
EXPECTED = [
    *('--test-subjects', '2', '--test-subjects', '4', '--test-subjects', '6'),
    *('--', 'bags'),
]


def spread(line: str) -> list[str]:
    return spread_values(line.split(), SEVERAL, SINGLE)


@pytest.mark.parametrize(
    'line',
    [
        'bags --test-subjects 2 4 6',
        'bags --test-subjects 2,4,6',
        'bags --test-subjects=2,4,6',
        'bags --test-subjects 2, 4 ,6',
        'bags --test-subjects 2 --test-subjects 4 6',
        '--test-subjects 2 4 6 -- bags',
    ],
)
def test_every_way_to_write_several_values_means_the_same(line):
    assert spread(line) == EXPECTED


@pytest.mark.parametrize(
    'line',
    [
        'a b --target imu --test-subjects 2 4 --out m',
        '--target imu a --test-subjects 2 4 --out m b',
        '--test-subjects 2 4 --target imu a b --out m',
        '--test-subjects 2 4 --target=imu a b --out m',
        '--out m a b --test-subjects 2 4 --target imu',
    ],
)
def test_recordings_may_stand_before_between_and_after_options(line):
    given = spread(line)
    assert given[given.index('--') :] == ['--', 'a', 'b']
    options = ' '.join(given[: given.index('--')])
    assert '--test-subjects 2 --test-subjects 4' in options
    assert '--target imu' in options or '--target=imu' in options
    assert '--out m' in options


def test_several_options_each_keep_their_own_values():
    given = spread('bags --source cam mic --test-subjects 2 4 --target imu')
    expected = '--source cam --source mic --test-subjects 2 --test-subjects 4 --target imu -- bags'
    assert given == expected.split(' ')


def test_paths_at_the_end_are_given_back_when_no_recording_is_left(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ('bags', '4'):
        (tmp_path / name).mkdir()
    assert spread('--target imu --test-subjects 2 6 bags')[-2:] == ['--', 'bags']
    # With a recording named elsewhere, a subject that is also a folder stays a subject.
    assert spread('bags --test-subjects 2 4')[-4:-2] == ['--test-subjects', '4']
    # The first value is a subject whatever there is on the disk.
    assert spread('--test-subjects 4 bags') == ['--test-subjects', '4', '--', 'bags']


def test_a_value_that_looks_like_an_option_goes_to_an_option_with_one_value():
    assert spread('--seed -1 bags') == ['--seed', '-1', '--', 'bags']


def test_a_flag_takes_no_value():
    assert spread('--verbose bags') == ['--verbose', '--', 'bags']


@pytest.mark.parametrize('line', ['bags --test-subjects --target imu', 'bags --test-subjects'])
def test_an_option_without_a_value_is_left_for_the_parser_to_refuse(line):
    assert spread(line) == ['--test-subjects']


def test_an_option_that_lacks_its_value_at_the_end_takes_nothing_else():
    assert spread('bags --test-subjects 2 --out') == ['--out']
