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
