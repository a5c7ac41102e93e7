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

"""A configuration is checked as a whole, whoever gives it."""

import inspect
from pathlib import Path
import re

import pytest

from xmodal_ros.cli.train import train as command
from xmodal_ros.configuration.data_options import DataOptions, default_cache
from xmodal_ros.configuration.training import (
    as_yaml,
    explanation,
    KEYS,
    make_configuration,
    TrainingConfiguration,
)
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.methods.method import method_names
from xmodal_ros.windows.windowing import LONGEST_S, SECOND_NS, WindowingSpec

NEEDED = {'bags': ['recordings'], 'target': 'imu', 'test_subjects': ['05'], 'out': 'models/imu'}


def written(folder: Path, text: str) -> Path:
    file = folder / 'training.yaml'
    file.write_text(text)
    return file


def test_a_file_reads_as_the_same_settings_on_the_command_line_would(tmp_path):
    text = """
    bags: recordings
    target: imu
    test_subjects: [05, 6]
    out: models/imu
    method: dcat
    source: [camera]
    option: {weight: 0.3, squared: yes}
    epochs: 3
    seed:
    """
    read = make_configuration({}, written(tmp_path, text))
    given = make_configuration(
        {
            **NEEDED,
            'test_subjects': ['05', '6'],
            'method': 'dcat',
            'source': ['camera'],
            'option': ['weight=0.3', 'squared=yes'],
            'epochs': 3,
        }
    )
    assert read == given
    assert read.test_subjects == ('05', '6')


def test_what_is_given_comes_before_the_file(tmp_path):
    file = written(tmp_path, as_yaml({**NEEDED, 'seed': 3, 'epochs': 2}))
    merged = make_configuration({'seed': 4}, file)
    assert (merged.seed, merged.epochs, merged.target) == (4, 2, 'imu')


def test_what_is_merged_into_a_file_gives_way_to_what_is_there(tmp_path):
    file = written(tmp_path, '<<: {target: imu, seed: 3}\nseed: 4\n')
    needed = {key: value for key, value in NEEDED.items() if key != 'target'}
    made = make_configuration(needed, file)
    assert (made.target, made.seed) == ('imu', 4)


def test_another_method_than_the_files_leaves_its_options_out(tmp_path):
    file = written(tmp_path, as_yaml({**NEEDED, 'method': 'dcat', 'option': {'weight': 2}}))
    assert make_configuration({}, file).method_options == {'weight': '2'}
    assert make_configuration({'method': 'dcat'}, file).method_options == {'weight': '2'}
    assert make_configuration({'method': 'xmodal'}, file).method_options == {}


@pytest.mark.parametrize(
    ('given', 'method'),
    [
        ({}, 'unimodal'),
        ({'source': ['camera']}, 'xmodal'),
        ({'source': ['camera'], 'method': 'dcat'}, 'dcat'),
    ],
)
def test_with_a_source_it_learns_by_the_recipe_unless_told_otherwise(given, method, tmp_path):
    assert make_configuration({**NEEDED, **given}).method == method
    # So it does when a file with every key says no method.
    file = written(tmp_path, as_yaml({**NEEDED, **given}))
    assert make_configuration({}, file).method == method


def test_what_is_printed_reads_back_as_the_defaults(tmp_path):
    printed = as_yaml({**NEEDED, 'test_subjects': ['05', 'a, b', 'no'], 'option': {'a': 'b: c'}})
    read = make_configuration({}, written(tmp_path, printed))
    assert read.test_subjects == ('05', 'a, b', 'no')
    assert read.method_options == {'a': 'b: c'}
    others = {'window', 'precision', 'resume', 'json', 'log', 'val_subjects'}
    for key in others:
        assert read.model_dump(by_alias=True)[key] == KEYS[key].default
    assert all(
        f'\n{name}:' in printed and key.description in printed for name, key in KEYS.items()
    )


def test_code_may_ask_for_the_same_by_the_names_of_the_fields():
    by_name = TrainingConfiguration(
        bags=(Path('recordings'),),
        target='imu',
        test_subjects=('05',),
        out=Path('models/imu'),
        sources=('camera',),
        length_s=2.0,
        hop_s=1.0,
    )
    assert by_name == make_configuration({**NEEDED, 'source': 'camera', 'window': 2, 'hop': 1})


def test_windows_are_kept_in_the_users_cache_unless_the_configuration_says_otherwise():
    def kept(**given: object) -> DataOptions:
        return make_configuration({**NEEDED, **given}).data_options

    assert kept() == DataOptions(default_cache())
    assert kept(cache='here', jobs=2) == DataOptions(Path('here'), 2)
    assert kept(no_cache=True, strict=True) == DataOptions(None, strict=True)


def test_settings_that_exclude_each_other_are_refused_as_they_are_called(tmp_path):
    with pytest.raises(ConfigurationError, match=r'^--cache and --no-cache exclude each other'):
        make_configuration({**NEEDED, 'cache': 'here', 'no_cache': True})
    file = written(tmp_path, 'cache: here')
    words = r'training.yaml: cache and --no-cache exclude each other: give one of them'
    with pytest.raises(ConfigurationError, match=words):
        make_configuration({**NEEDED, 'no_cache': True}, file)


def test_what_the_schema_takes_can_be_asked_of_each_key():
    assert [KEYS['epochs'].accepts(value) for value in (None, 1, 0)] == [True, True, False]
    assert KEYS['unknown_threshold'].accepts(0.0)
    assert not KEYS['learning_rate'].accepts(0.0)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'target': ''}, 'target'),
        ({'tagret': 'imu'}, "tagret is no setting .* mean 'target'"),
        ({'xyzzy': '1'}, 'xyzzy .* known are bags, target'),
        ({'epochs': 'many'}, "epochs 'many': .*integer"),
        ({'epochs': '0'}, "epochs '0': .*at least 1"),
        ({'seed': '-1'}, "seed '-1'"),
        ({'learning_rate': 'nan'}, 'learning_rate'),
        ({'window': 'inf'}, 'window'),
        ({'window': '1000'}, "window '1000': .* 600"),
        ({'window': '0.01'}, "window '0.01': it must be at least 0.25"),
        ({'hop': '601'}, "hop '601': .* 600"),
        ({'method': 'distilation'}, "method 'distilation' is none of .* mean 'distillation'"),
        ({'size': 'smal'}, "size 'smal' is none of small, .* mean 'small'"),
        ({'precision': 'fp8'}, 'none of fp32, bf16, fp16'),
        ({'option': '[weight]'}, 'NAME=VALUE'),
        ({'out': ''}, 'out is missing: the bundle to write'),
        ({'bags': '[]'}, 'bags'),
        ({'bags': '{a: b}'}, 'bags'),
        ({'seed': '[1, 2]'}, 'seed'),
        ({'unknown_threshold': '1'}, 'unknown_threshold'),
    ],
)
def test_what_means_nothing_is_refused_saying_where(tmp_path, changes, message):
    lines = {'bags': 'b', 'target': 'imu', 'test_subjects': '5', 'out': 'o', **changes}
    file = written(
        tmp_path,
        '\n'.join(f'{k}: {v if v or k == "out" else repr(v)}' for k, v in lines.items()),
    )
    with pytest.raises(ConfigurationError, match=message):
        make_configuration({}, file)


def test_what_is_missing_is_named_as_whoever_gives_it_calls_it():
    with pytest.raises(ConfigurationError, match=r'^BAG is missing: .* on the command line'):
        make_configuration({})
    with pytest.raises(ConfigurationError, match=r'^parameter bags is missing') as refused:
        make_configuration({}, prefix='parameter ')
    assert 'command line' not in str(refused.value)


@pytest.mark.parametrize(
    'text', ['[1', 'words', '- a', 'seed: 1\nseed: 2', '\0', '!!python/object:os.system {}']
)
def test_a_file_that_is_no_configuration_is_refused_naming_it(tmp_path, text):
    with pytest.raises(ConfigurationError, match=r'training\.yaml'):
        make_configuration(NEEDED, written(tmp_path, text))
    with pytest.raises(ConfigurationError, match='nowhere'):
        make_configuration(NEEDED, tmp_path / 'nowhere')


def test_every_key_is_an_option_and_a_row_of_the_documentation():
    options = set(inspect.signature(command).parameters)
    assert set(KEYS) == options - {'config', 'events', 'print_config'}
    page = (Path(__file__).parents[2] / 'docs' / 'training.md').read_text()
    rows = dict(re.findall(r'^\| `(\w+)` \| ([^|]*) \|', page, flags=re.MULTILINE))
    assert [key for key in rows if key in KEYS] == list(KEYS)
    for key in KEYS:
        value = KEYS[key].default
        stated = {'needed': ..., '': None}.get(rows[key].strip(), rows[key].strip(' `'))
        assert str(stated) == str(value) or (not value and stated is None), key


def test_the_methods_are_all_named_where_one_is_chosen():
    listed = f'There are {", ".join(method_names())}.'
    assert listed in explanation('method')
    assert listed in as_yaml()


def test_the_longest_window_is_that_of_any_stream():
    longest = make_configuration({**NEEDED, 'window': LONGEST_S, 'hop': LONGEST_S})
    WindowingSpec(length_ns=int(longest.length_s) * SECOND_NS, rate_hz=50)
    with pytest.raises(ValueError, match='length_ns'):
        WindowingSpec(length_ns=int(longest.length_s + 1) * SECOND_NS, rate_hz=50)


@pytest.mark.parametrize('key', ['bags', 'out', 'log', 'tensorboard', 'json', 'cache'])
def test_an_empty_path_is_not_taken_for_the_folder_one_is_in(key):
    with pytest.raises(ConfigurationError, match=f'--{key} .*it is empty'):
        make_configuration({**NEEDED, key: [''] if key == 'bags' else ''})


def test_more_epochs_than_anyone_could_wait_for_are_refused():
    with pytest.raises(ConfigurationError, match='--epochs'):
        make_configuration({**NEEDED, 'epochs': 10**23})
