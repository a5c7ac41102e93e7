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

"""The page of the selector says what its table of parameters says; its settings follow from it."""

from pathlib import Path
from typing import Any

import pytest

from test.bundles import make_imu_bundle, rewrite_document
from test.ros.test_parameters import as_documented, rows
from xmodal_ros.errors import BundleError, ConfigurationError
from xmodal_ros.ros.selector_parameters import (
    ACTIVITY_SELECTOR,
    read_settings,
    source_table,
    topic_of,
)
from xmodal_ros.runtime.selector_settings import SelectorSettings, SourceSettings

TABLE = (*ACTIVITY_SELECTOR, *source_table('imu'), *source_table('camera'))


def settings(**changes: Any) -> SelectorSettings:
    values: dict[str, Any] = {each.name: each.default for each in TABLE}
    values |= {'source_names': ['imu', 'camera']}
    values |= {name.replace('__', '.'): value for name, value in changes.items()}
    return read_settings(values.__getitem__)


def test_the_page_says_what_the_table_says() -> None:
    expected = [
        [*as_documented(each), each.change, each.description]
        for each in (*ACTIVITY_SELECTOR, *source_table('<name>'))
    ]
    assert rows('activity_selector') == expected


def test_every_default_lies_within_its_bounds() -> None:
    for parameter in TABLE:
        if parameter.bounds is not None:
            low, high = parameter.bounds
            assert isinstance(parameter.default, int | float)
            assert low <= parameter.default <= high


def test_the_defaults_are_those_of_the_settings() -> None:
    assert settings() == SelectorSettings((SourceSettings('imu'), SourceSettings('camera')))


def test_seconds_become_nanoseconds_and_weights_accuracies() -> None:
    made = settings(timeout=0.5, sources__imu__weight=0.8, sources__camera__priority=7)
    assert made.timeout_ns == 500_000_000
    assert made.sources == (SourceSettings('imu', 0, 0.8), SourceSettings('camera', 7))


def test_no_sources_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="'source_names' is empty"):
        settings(source_names=[''])


def test_a_topic_that_is_not_set_is_that_of_the_classifier_of_that_name() -> None:
    values = {'sources.imu.topic': '', 'sources.camera.topic': 'front/activity'}
    assert topic_of('imu', values.__getitem__) == 'imu_classifier/activity'
    assert topic_of('camera', values.__getitem__) == 'front/activity'


def write_bundle(folder: Path, scores: dict[str, float]) -> str:
    rewrite_document(make_imu_bundle(folder), scores=scores)
    return str(folder)


def test_the_accuracy_may_come_from_the_bundle(tmp_path: Path) -> None:
    model = write_bundle(
        tmp_path / 'imu', {'test_accuracy': 0.9, 'test_accuracy_window': 0.8, 'other': 0.1}
    )
    rest = {'mode': 'fuse', 'sources__camera__weight': 0.4}
    assert settings(**rest, sources__imu__model=model).sources[0].accuracy == 0.8
    both = settings(**rest, sources__imu__model=model, sources__imu__weight=0.5)
    assert both.sources[0].accuracy == 0.5


def test_a_bundle_without_scores_and_a_folder_without_bundle_are_refused(tmp_path: Path) -> None:
    silent = write_bundle(tmp_path / 'silent', {})
    with pytest.raises(ConfigurationError, match='how far to trust every source'):
        settings(mode='fuse', sources__camera__weight=0.5, sources__imu__model=silent)
    with pytest.raises(BundleError, match='is no bundle'):
        settings(sources__imu__model=str(tmp_path))
    # To choose one source takes no accuracy.
    assert settings(sources__imu__model=silent).sources[0].accuracy is None
