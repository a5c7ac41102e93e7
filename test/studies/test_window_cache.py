"""Windows are cut once, kept whole, and cut again when what they are cut from changes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from test.studies.small_study import study
from test.training.paired_bags import write_paired_bag
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.models.encoders import CameraCnn
from xmodal_ros.studies import window_cache
from xmodal_ros.studies.recipes import make_recipes, place_sensors
from xmodal_ros.studies.window_cache import WindowCache
from xmodal_ros.training.dataset import load_recording, read_facts

NAMES = ('imu', 'camera')


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    return write_paired_bag(tmp_path / 'bag', '1')


@pytest.fixture
def cuts(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The sensors whose windows were cut, each time."""
    heard: list[list[str]] = []

    def load(facts, streams):
        heard.append(list(streams))
        return load_recording(facts, streams)

    monkeypatch.setattr(window_cache, 'load_recording', load)
    return heard


def test_windows_are_cut_once_and_mapped_as_they_were_cut(bag, tmp_path, cuts):
    cache = WindowCache(tmp_path / 'windows')
    facts = read_facts(bag, lambda _: NAMES)
    recipes = make_recipes(study(), facts)
    cache.fill(facts, recipes)
    cache.fill(facts, recipes)
    assert cuts == [['imu', 'camera']]
    streams = {name: (r.stream, r.training_window) for name, r in recipes.items()}
    fresh, kept = load_recording(facts, streams), cache.recording(facts, recipes)
    for name in NAMES:
        assert isinstance(kept.windows[name].values, np.memmap)
        assert kept.windows[name].values.dtype == fresh.windows[name].values.dtype
        np.testing.assert_array_equal(kept.windows[name].values, fresh.windows[name].values)
        np.testing.assert_array_equal(kept.windows[name].ends_ns, fresh.windows[name].ends_ns)
        assert kept.windows[name].left_out == fresh.windows[name].left_out
    assert len(kept.windows['imu'].values)


def test_only_what_changed_is_cut_again(bag, tmp_path, cuts):
    cache = WindowCache(tmp_path / 'windows')
    facts = read_facts(bag, lambda _: NAMES)
    recipes = make_recipes(study(), facts)
    cache.fill(facts, recipes)
    larger = study(sensors={'camera': {'height': 16}})
    cache.fill(facts, make_recipes(larger, facts))
    assert cuts[1:] == [['camera']]
    cache.fill(replace(facts, segments=facts.segments[:3]), recipes)
    assert cuts[2:] == [['imu', 'camera']]
    with (bag / 'metadata.yaml').open('a') as file:
        file.write('\n')
    cache.fill(facts, recipes)
    assert cuts[3:] == [['imu', 'camera']]


def test_a_recording_without_a_labelled_window_is_kept_as_that(bag, tmp_path):
    cache = WindowCache(tmp_path / 'windows')
    facts = replace(read_facts(bag, lambda _: NAMES), segments=())
    recipes = make_recipes(study(), facts)
    cache.fill(facts, recipes)
    kept = cache.recording(facts, recipes)
    assert kept.windows['imu'].values.shape[0] == 0
    assert kept.windows['imu'].left_out['unlabelled'] > 0


def test_what_was_left_half_written_is_never_taken_for_windows(bag, tmp_path, monkeypatch):
    cache = WindowCache(tmp_path / 'windows')
    facts = read_facts(bag, lambda _: ('imu',))
    recipes = {'imu': make_recipes(study(), read_facts(bag, lambda _: NAMES))['imu']}
    (tmp_path / 'windows' / '.partial-x').mkdir(parents=True)
    written = []

    def stop(path, array):
        written.append(path)
        if len(written) == 2:
            raise KeyboardInterrupt
        path.write_bytes(b'half')

    with monkeypatch.context() as patch:
        patch.setattr(np, 'save', stop)
        with pytest.raises(KeyboardInterrupt):
            cache.fill(facts, recipes)
    cache.clean()
    assert not list((tmp_path / 'windows').iterdir())
    cache.fill(facts, recipes)
    assert len(cache.recording(facts, recipes).windows['imu'].values)


def test_a_folder_that_cannot_be_written_is_named(bag, tmp_path):
    (tmp_path / 'windows').write_text('a file')
    facts = read_facts(bag, lambda _: NAMES)
    with pytest.raises(ConfigurationError, match='windows'):
        WindowCache(tmp_path / 'windows').fill(facts, make_recipes(study(), facts))


def test_settings_reach_the_recipes_and_those_that_cannot_be_are_refused(bag):
    facts = read_facts(bag, lambda _: NAMES)
    settings = {'epochs': 3, 'width': 24, 'dim': 16, 'height': 16, 'image_width': 24}
    recipe = make_recipes(study(sensors={'camera': settings}), facts)['camera']
    assert recipe.fit.epochs == 3
    assert (recipe.encoder.width, recipe.encoder.dim) == (24, 16)
    assert recipe.stream.sample_shape == (16, 24, 1)
    with pytest.raises(ConfigurationError, match='height are for a camera only'):
        make_recipes(study(sensors={'imu': {'height': 16}}), facts)
    large = make_recipes(
        study(sensors={'camera': {'size': 'large', 'frames_per_token': 4}}), facts
    )
    encoder = large['camera'].encoder
    assert isinstance(encoder, CameraCnn)
    assert (encoder.width, encoder.frames_per_token) == (32, 4)
    assert large['imu'].encoder == make_recipes(study(sensors={}), facts)['imu'].encoder


def test_a_study_says_which_part_of_the_picture_is_looked_at(bag, tmp_path):
    cache, facts = WindowCache(tmp_path), read_facts(bag, lambda _: NAMES)
    all_of_it = study(sensors={})
    part = study(sensors={'camera': {'region': [0.5, 0.0, 0.5, 1.0]}})
    cut = {}
    for each in (all_of_it, part):
        placed, recipes = place_sensors(each, facts), make_recipes(each, facts)
        cache.fill(placed, recipes)
        cut[each is part] = cache.recording(placed, recipes).windows['camera'].values
    assert cut[True].shape == cut[False].shape
    assert not np.array_equal(cut[True], cut[False])
