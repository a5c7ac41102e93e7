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

"""Settings that cannot be used are refused with what to do."""

import pytest

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.runtime.selector_settings import (
    choose_mode,
    choose_smoothing_method,
    SelectorSettings,
    SourceSettings,
)


@pytest.mark.parametrize(
    ('names', 'words'),
    [
        ([], "'source_names' is empty"),
        (['auto'], "called 'auto'"),
        (['imu', 'imu'], 'named twice'),
        (['imu.wrist'], 'letters, digits and underscores'),
        (['ärmel'], 'letters, digits and underscores'),
    ],
)
def test_sources_need_names(names: list[str], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        SelectorSettings(tuple(map(SourceSettings, names)))


def test_only_a_source_that_exists_can_be_chosen() -> None:
    sources = tuple(map(SourceSettings, ('imu', 'camera')))
    with pytest.raises(ConfigurationError, match="none of auto, imu, camera; did you mean 'imu'"):
        SelectorSettings(sources, source='imuu')


def test_words_are_those_known() -> None:
    assert (choose_mode('fuse'), choose_smoothing_method('majority')) == ('fuse', 'majority')
    with pytest.raises(ConfigurationError, match='none of select, fuse'):
        choose_mode('average')
    with pytest.raises(ConfigurationError, match='none of mean, majority'):
        choose_smoothing_method('median')
