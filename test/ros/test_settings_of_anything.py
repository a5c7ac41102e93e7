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

"""Whatever parameters are set to, they are understood or refused in words, and nothing else."""

from collections.abc import Callable, Mapping
import json
import math
from pathlib import Path
from typing import Any

from hypothesis import given, HealthCheck, settings
from hypothesis import strategies as st
import pytest

from test.bundles import make_imu_bundle
from test.ros.parameter_values import anything, held, texts
from xmodal_ros.errors import XmodalError
from xmodal_ros.modalities.input_settings import SensorInputSettings
from xmodal_ros.modalities.registry import find_modality, modality_names
from xmodal_ros.parameter import Parameter
from xmodal_ros.ros.classifier_settings import (
    check_model,
    ModelSettings,
    read_model,
    read_sensor_input,
    read_threshold,
)
from xmodal_ros.ros.parameter_tables import classifier_table
from xmodal_ros.ros.selector_parameters import ACTIVITY_SELECTOR, read_settings, source_table
from xmodal_ros.ros.sensor_table import read_sensors, SensorEntry
from xmodal_ros.runtime.selector_settings import SelectorSettings
from xmodal_ros.runtime.validated_accuracy import validated_accuracy
from xmodal_ros.streams.placement import make_placement, Placement

TABLES: Mapping[str, tuple[Parameter, ...]] = {
    name: classifier_table(find_modality(name)) for name in modality_names()
}
SOURCES = ('imu', 'camera', 'auto', 'x y', '')

many = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])


def values_of(*parameters: Parameter) -> st.SearchStrategy[dict[str, Any]]:
    """What parameters may hold after ROS has checked types and ranges."""
    return st.fixed_dictionaries({each.name: held(each) for each in parameters})


def refused_in_words(read: Callable[[], Any]) -> Any:
    """Give what is read, or None where it was refused; anything else fails the test."""
    try:
        return read()
    except XmodalError as error:
        words = str(error)
    assert len(words.split()) > 4, words
    return None


@pytest.fixture(scope='module')
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_imu_bundle(tmp_path_factory.mktemp('models') / 'imu')


@pytest.mark.parametrize('modality', modality_names())
@many
@given(data=st.data())
def test_a_sensor_input_is_read_or_refused(modality: str, data: st.DataObject) -> None:
    values = data.draw(values_of(*TABLES[modality]))
    sensor_input = refused_in_words(
        lambda: read_sensor_input(find_modality(modality), values.__getitem__)
    )
    assert sensor_input is None or isinstance(sensor_input, SensorInputSettings)
    if sensor_input is not None and modality == 'audio':
        # Where the format is given, nobody is listened to for it; else somebody always is.
        assert bool(sensor_input.info_topic) == (sensor_input.audio_format is None)


@pytest.mark.parametrize('modality', modality_names())
@many
@given(data=st.data())
def test_a_model_is_proved_or_refused(modality: str, data: st.DataObject) -> None:
    values = data.draw(values_of(*TABLES[modality]))
    wanted = read_model(values.__getitem__)
    assert isinstance(wanted, ModelSettings)
    # There is no bundle at any of these places.
    with pytest.raises(XmodalError):
        check_model(wanted, modality)
    threshold = refused_in_words(lambda: read_threshold(values.__getitem__))
    assert threshold is None or 0 <= threshold <= 1


def test_a_compressed_format_is_refused_before_a_rate_is_named() -> None:
    values = {each.name: each.default for each in TABLES['audio']}
    with pytest.raises(XmodalError, match="'MP3'"):
        read_sensor_input(find_modality('audio'), {**values, 'audio_format': 'mp3'}.__getitem__)
    with pytest.raises(XmodalError, match='no probability'):
        read_threshold({**values, 'unknown_threshold': -0.5}.__getitem__)


@many
@given(name=texts)
def test_a_device_is_there_or_refused(name: str, bundle: Path) -> None:
    def check() -> bool:
        check_model(ModelSettings(str(bundle), name, 'fp32'), 'imu')
        return True

    if refused_in_words(check):
        assert name == 'auto' or name.startswith(('cpu', 'cuda'))


@many
@given(angles=anything, region=anything)
def test_a_placement_is_made_or_refused(angles: Any, region: Any) -> None:
    placement = refused_in_words(lambda: make_placement(angles, region))
    assert placement is None or isinstance(placement, Placement)


@many
@given(data=st.data())
def test_settings_of_the_selector_are_read_or_refused(data: st.DataObject) -> None:
    tables = [row for name in SOURCES for row in source_table(name)]
    values = data.draw(values_of(*ACTIVITY_SELECTOR, *tables))
    values['source_names'] = data.draw(st.lists(st.sampled_from(SOURCES), max_size=3))
    made = refused_in_words(lambda: read_settings(values.__getitem__))
    assert made is None or isinstance(made, SelectorSettings)
    if made is not None:
        assert set(made.names) <= {'imu', 'camera'}
        assert made.timeout_ns > 0


FIELDS = sorted({row.name for table in TABLES.values() for row in table} | {'modality', 'weight'})
names = st.one_of(
    st.sampled_from(
        ['imu', 'imu_wrist', 'camera', 'audio', 'skeleton', 'x y', '', '1', 'a-b', 'é', 'auto']
    ),
    texts,
)
modalities = st.one_of(st.sampled_from(modality_names()), anything)
fields = st.builds(
    lambda modality, others: {**others, **modality},
    st.one_of(st.just({}), modalities.map(lambda value: {'modality': value})),
    st.dictionaries(st.one_of(st.sampled_from(FIELDS), texts), anything, max_size=3),
)
tables = st.dictionaries(names, fields, max_size=3).map(
    lambda sensors: {
        f'{name}.{field}': value for name, said in sensors.items() for field, value in said.items()
    }
)


@many
@given(table=st.one_of(tables, st.dictionaries(texts, anything, max_size=3)))
def test_a_table_of_sensors_is_read_or_refused(table: dict[str, Any]) -> None:
    entries = refused_in_words(lambda: read_sensors(table))
    for entry in entries or ():
        assert isinstance(entry, SensorEntry)
        # It becomes part of a node's name, and of parameters'.
        assert entry.name.isidentifier()
        assert entry.name.isascii()


documents = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(['scores', 'validation_accuracy', 'test_accuracy', 'x']), inner
        ),
    ),
    max_leaves=6,
)


@many
@given(document=documents)
@pytest.mark.parametrize('depth', [0, 100_000])
def test_a_score_is_found_or_refused_whatever_a_bundle_says(
    document: Any, depth: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp() / 'scored'
    if not folder.exists():
        make_imu_bundle(folder)
        (folder / 'valid.json').write_bytes((folder / 'bundle.json').read_bytes())
    if isinstance(document, dict):
        document = {**json.loads((folder / 'valid.json').read_text()), **document}
    text = depth * '[' + json.dumps(document) + depth * ']'
    (folder / 'bundle.json').write_text(text)
    score = refused_in_words(lambda: validated_accuracy(Path(folder)))
    assert score is None or (math.isfinite(score) and 0 <= score <= 1)


def test_a_score_too_large_for_a_number_is_refused(tmp_path: Path) -> None:
    document = make_imu_bundle(tmp_path / 'imu') / 'bundle.json'
    scores = f'"scores": {{"test_accuracy": {"9" * 400}}}'
    document.write_text(document.read_text().replace('"scores": {}', scores))
    assert scores in document.read_text()
    with pytest.raises(XmodalError, match=r'scores\.test_accuracy|is right in inf'):
        validated_accuracy(tmp_path / 'imu')
