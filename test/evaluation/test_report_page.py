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

"""The report in a real browser: what it shows, and what moves when it is touched."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal, TYPE_CHECKING

import cv2
import numpy as np
import pytest

from test.browsing import opened
from test.evaluation.report_scenes import a_trial, decide, imu_info, write_sensed_bag
from test.recordings import IMU
from xmodal_ros.evaluation.report import write_report
from xmodal_ros.methods.verdict import judge, Way

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FloatRect, Page

HOSTILE = '</script><img src=x onerror="document.title=1">'
# Four clips of 5 s with a second between; the last decision is half a second before the end.
SECONDS = 23.5


@pytest.fixture(scope='module')
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp('report')
    write_report(a_trial(folder), folder / 'report.html', 'two bundles')
    return (folder / 'report.html').as_uri()


@pytest.fixture(scope='module')
def shared_page(browser: 'Browser', url: str) -> Iterator['Page']:
    with opened(browser, url) as page:
        page.wait_for_selector('body[data-ready]')
        yield page


@pytest.fixture
def page(shared_page: 'Page') -> 'Page':
    """The page as it was when it was opened, at its timeline."""
    shared_page.reload()
    shared_page.wait_for_selector('body[data-drawn-at]')
    shared_page.locator('#timeline').scroll_into_view_if_needed()
    return shared_page


def canvas_of(page: 'Page', row: str) -> 'FloatRect':
    box = page.locator('#rows .row', has_text=row).first.locator('canvas').bounding_box()
    assert box
    return box


def point_at(page: 'Page', row: str, seconds: float) -> None:
    box = canvas_of(page, row)
    page.mouse.move(box['x'] + box['width'] * seconds / SECONDS, box['y'] + box['height'] / 2)


def value_of(page: 'Page', name: str) -> str:
    term = page.locator(f'#values dt:text-is("{name}") + dd')
    return ' '.join(term.inner_text().split())


def range_of(page: 'Page') -> str:
    page.evaluate('new Promise(requestAnimationFrame)')
    return page.inner_text('#range')


def ink(page: 'Page', row: str) -> int:
    """How many pixels of a row are strongly coloured."""
    return int(
        page.locator('#rows .row', has_text=row)
        .first.locator('canvas')
        .evaluate("""canvas => {
            const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            let count = 0;
            for (let i = 3; i < data.length; i += 4) count += data[i] > 200;
            return count;
        }""")
    )


def test_all_that_was_recorded_and_decided_has_a_row(page: 'Page') -> None:
    names = page.locator('#rows .row-name').evaluate_all(
        'all => all.map(each => each.firstChild.textContent)'
    )
    assert names == ['truth', 'first', 'first, live', 'second', 'selector', 'source', 'camera',
                     'imu', 'imu', 'microphone', 'time']  # fmt: skip
    for row in names:
        assert ink(page, row) > 100, row


def test_it_opens_where_the_first_window_was_decided(page: 'Page') -> None:
    assert page.inner_text('#cursor-time').startswith('0:02.')
    assert value_of(page, 'first').startswith('sit 0.90')
    assert value_of(page, 'truth') == 'sit'


def test_pointing_tells_what_is_there_and_shows_its_picture(page: 'Page') -> None:
    point_at(page, 'truth', 8.0)
    assert value_of(page, 'truth') == 'walk'
    assert value_of(page, 'first').startswith('wave 0.80 ✗')
    assert value_of(page, 'second').startswith('walk 0.90')
    assert '✗' not in value_of(page, 'second')
    assert 'y 1.0 z 9.8 m/s²' in value_of(page, 'imu acceleration')
    hertz = float(value_of(page, 'microphone').split()[1])
    assert 380 < hertz < 500
    picture = int(page.get_attribute('#picture', 'data-picture') or '-1')
    # Four pictures a second.
    assert abs(picture - 32) <= 1
    # The pictures grow brighter by 10 a second.
    shade = page.locator('#picture').evaluate(
        "canvas => canvas.getContext('2d').getImageData(80, 60, 1, 1).data[0]"
    )
    assert abs(shade - 80) <= 12


def test_wheel_drag_keys_and_buttons_move_all_rows_together(page: 'Page') -> None:
    assert range_of(page) == 'all 0:24'
    point_at(page, 'camera', 8.0)
    page.mouse.wheel(0, -900)
    zoomed = range_of(page)
    assert zoomed != 'all 0:24'
    # What was under the mouse stays there.
    box = canvas_of(page, 'truth')
    page.mouse.move(box['x'] + box['width'] * 8 / SECONDS, box['y'] + 5)
    assert page.inner_text('#cursor-time').startswith(('0:07.9', '0:08.0'))
    page.mouse.down()
    page.mouse.move(box['x'] + box['width'] / 3 + 150, box['y'] + 5)
    page.mouse.up()
    assert range_of(page) != zoomed
    page.focus('#rows')
    page.keyboard.press('0')
    assert range_of(page) == 'all 0:24'
    page.keyboard.press('+')
    assert range_of(page) != 'all 0:24'
    page.click('#zoom-all')
    assert range_of(page) == 'all 0:24'
    page.keyboard.press('Tab')
    before = page.evaluate('window.scrollY')
    point_at(page, 'truth', 8.0)
    page.mouse.wheel(0, 300)
    page.wait_for_function(f'window.scrollY > {before}')


def test_filters_leave_what_was_asked_for(page: 'Page') -> None:
    everything = ink(page, 'first')
    page.check('#mistakes')
    page.wait_for_function("document.getElementById('filtered').textContent")
    assert range_of(page)
    shown, total = (int(word) for word in page.inner_text('#filtered').split() if word.isdigit())
    assert 0 < shown < total / 2
    assert ink(page, 'first') < everything / 2
    page.click('.chip:has-text("sit")')
    assert page.get_attribute('.chip:has-text("sit")', 'aria-pressed') == 'true'
    assert int(page.inner_text('#filtered').split()[0]) < shown
    # Of three mistaken clips one is of "sit", and one was taken for it.
    assert page.locator('#clips li').count() == 2
    page.click('#clear-filters')
    assert page.locator('#clips li').count() == 3
    assert page.inner_text('#filtered') == ''


def test_mistakes_can_be_stepped_through_by_keys(page: 'Page') -> None:
    page.click('.clip >> nth=0')
    title = page.inner_text('#clip-title')
    assert title.startswith('Mistake 1 of 3: ')
    assert 'of 0:24' in range_of(page)
    first = page.get_attribute('#picture', 'data-picture')
    page.keyboard.press('ArrowRight')
    assert int(page.get_attribute('#picture', 'data-picture') or 0) == int(first or 0) + 1
    assert page.inner_text('#announcer') != title
    page.keyboard.press('n')
    assert page.inner_text('#clip-title').startswith('Mistake 2 of 3: ')
    page.keyboard.press('Escape')
    assert page.is_hidden('#clip-bar')
    assert range_of(page) == 'all 0:24'


def test_a_confusion_leads_to_its_clips(page: 'Page') -> None:
    page.click('td.has-clip >> nth=0')
    assert page.inner_text('#clip-title') == 'Mistake 1 of 1: walk taken for wave by first'


def test_a_long_title_leaves_the_switch_on_a_phone(browser: 'Browser', url: str) -> None:
    with opened(browser, url, (390, 844)) as page:
        page.wait_for_selector('body[data-ready]')
        page.evaluate(
            "document.querySelector('h1').textContent = 'imu_wrist_unimodal_v2'.repeat(4)"
        )
        box = page.locator('#theme').bounding_box()
        assert box
        assert box['x'] + box['width'] <= 390


@pytest.mark.parametrize('size', [(1280, 900), (390, 844)])
def test_it_fits_and_follows_the_scheme_at_any_size(
    browser: 'Browser', url: str, size: tuple[int, int]
) -> None:
    with opened(browser, url, size, 'dark') as page:
        page.wait_for_selector('body[data-drawn-at]')
        background = 'getComputedStyle(document.body).backgroundColor'
        dark = page.evaluate(background)
        assert page.evaluate('document.documentElement.scrollWidth') == size[0]
        page.click('#theme')
        light = page.evaluate(background)
        assert sum(map(int, light[4:-1].split(', '))) > 700
        assert sum(map(int, dark[4:-1].split(', '))) < 100
        box = canvas_of(page, 'first')
        assert box['width'] > 0.6 * size[0]
        page.locator('#rows').scroll_into_view_if_needed()
        # On a phone the values stay in sight above the rows, so the upper ones may lie under them.
        box = canvas_of(page, 'microphone')
        x, y = box['x'] + box['width'] * 8 / SECONDS, box['y'] + 10
        if size[0] < 500:
            page.touchscreen.tap(x, y)
            assert value_of(page, 'truth') == 'walk'


def edges(page: 'Page') -> tuple[float, float]:
    """By how many grey levels a table's heading differs from its middle at its edges in sight."""
    place = page.locator('section[aria-labelledby=input-title] .scroll')
    row = place.locator('thead').bounding_box()
    outer = place.bounding_box()
    assert row
    assert outer
    shot = page.screenshot(
        clip={'x': outer['x'], 'y': row['y'] + 3, 'width': outer['width'], 'height': 6}
    )
    picture = cv2.imdecode(np.frombuffer(shot, np.uint8), cv2.IMREAD_GRAYSCALE)
    grey = np.asarray(picture).mean(axis=0)
    middle = np.median(grey)
    return abs(grey[1:4].mean() - middle), abs(grey[-4:-1].mean() - middle)


@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_on_a_phone_a_shadow_tells_where_a_table_goes_on(
    browser: 'Browser', url: str, scheme: Literal['light', 'dark']
) -> None:
    with opened(browser, url, (390, 844), scheme) as page:
        page.wait_for_selector('body[data-ready]')
        # What is written there is not to be taken for a shadow.
        page.add_style_tag(content='th, td { color: transparent; border-color: transparent }')
        place = page.locator('section[aria-labelledby=input-title] .scroll')
        place.scroll_into_view_if_needed()
        assert place.evaluate('at => at.scrollWidth > at.clientWidth + 100')
        left, right = edges(page)
        assert left < 2 < 20 < right
        place.evaluate('at => { at.scrollLeft = 50 }')
        assert min(edges(page)) > 20
        place.evaluate('at => { at.scrollLeft = at.scrollWidth }')
        left, right = edges(page)
        assert right < 2 < 20 < left
        page.emulate_media(media='print')
        assert place.evaluate('at => getComputedStyle(at).backgroundImage') == 'none'


def test_on_paper_everything_is_there_and_nothing_to_press(page: 'Page') -> None:
    page.emulate_media(media='print', color_scheme='dark')
    page.wait_for_selector('#paper canvas', state='visible')
    assert page.locator('#paper canvas').count() == page.locator('#rows canvas').count()
    assert page.locator('details:not([open])').count() == 0
    for hidden in ('#rows', '#zoom-in', '#mistakes', '#theme', '.chip >> nth=0', '#readout'):
        assert page.is_hidden(hidden), hidden
    said = page.inner_text('body')
    assert not [word for word in ('Choose one', 'hover', 'Underlined') if word in said]
    background = page.evaluate('getComputedStyle(document.body).backgroundColor')
    assert background == 'rgb(255, 255, 255)'
    page.emulate_media(media='screen', color_scheme='light')
    page.wait_for_selector('#paper canvas', state='detached')


def test_names_from_recordings_do_nothing_but_appear(browser: 'Browser', tmp_path: Path) -> None:
    labels = ('sit', HOSTILE, 'sit')
    path = write_sensed_bag(tmp_path / 'bag', labels, sensors=[IMU], subject=HOSTILE, clip_s=3)
    evaluation = decide(imu_info(tmp_path / 'bundle'), path, HOSTILE, [2])
    write_report(evaluation, tmp_path / 'report.html', HOSTILE)
    with opened(browser, (tmp_path / 'report.html').as_uri()) as page:
        page.wait_for_selector('body[data-ready]')
        assert page.title() == HOSTILE
        assert page.locator('img').count() == 0
        # No camera: no pictures, neither as a row nor beside the values.
        assert page.locator('#rows .row', has_text='pictures').count() == 0
        assert page.is_hidden('#picture')
        box = canvas_of(page, 'truth')
        page.mouse.move(box['x'] + box['width'] * 5 / 12, box['y'] + 3)
        assert HOSTILE in page.inner_text('#values')
        page.click('.clip >> nth=0')
        assert HOSTILE in page.inner_text('#clip-title')
        assert page.title() == HOSTILE


def test_without_decisions_labels_or_recordings_there_is_still_a_page(
    browser: 'Browser', tmp_path: Path
) -> None:
    path = write_sensed_bag(tmp_path / 'bag', ('sit',), sensors=[IMU], clip_s=2)
    evaluation = decide(imu_info(tmp_path / 'bundle'), path, 'imu', [])
    (bag,) = evaluation.bags
    bare = replace(bag, segments=(), truth=(), offline=replace(bag.offline, predictions=()))
    for number, bags in enumerate([(bare,), (bare, replace(bare, path=tmp_path / 'gone')), ()]):
        file = tmp_path / f'{number}.html'
        write_report(replace(evaluation, bags=bags, scores=None), file, 'little')
        with opened(browser, file.as_uri()) as page:
            assert 'no scores' in page.inner_text('.cards')
            assert page.locator('#rows .row', has_text='acceleration').count() == min(1, len(bags))


@pytest.mark.parametrize('width', [1280, 390])
def test_a_verdict_of_training_is_drawn_where_there_is_one(
    browser: 'Browser', tmp_path: Path, width: int
) -> None:
    path = write_sensed_bag(tmp_path / 'bag', ('sit',), sensors=[IMU], clip_s=2)
    evaluation = decide(imu_info(tmp_path / 'bundle'), path, 'imu', [])
    people = 'abcd'
    ways = [
        Way(names, dict.fromkeys(people, score), dict.fromkeys(people, score - 0.03))
        for names, score in ((('imu_chest',), 0.47), (('imu_chest', 'imu_waist'), 0.52))
    ]
    alone = {person: 0.4 + 0.01 * number for number, person in enumerate(people)}
    verdict = judge('imu', 'people', alone, ways)
    made = evaluation.info.model_copy(update={'provenance': {'verdict': verdict.document()}})
    write_report(replace(evaluation, info=made), tmp_path / 'taught.html', 'taught')
    write_report(evaluation, tmp_path / 'alone.html', 'alone')
    with opened(browser, (tmp_path / 'taught.html').as_uri(), (width, 900)) as page:
        figure = page.locator('figure.verdict')
        figure.scroll_into_view_if_needed()
        drawn = figure.locator('svg').bounding_box()
        assert drawn
        assert width / 2 < drawn['x'] + drawn['width'] <= width or width > 1000
        assert figure.locator('.bar').count() == 5
        # Each bar and its figure lie within the picture, below the name.
        for part in figure.locator('.bar, text').all():
            box = part.bounding_box()
            assert box
            assert drawn['x'] <= box['x'] + 1
            assert box['x'] + box['width'] <= drawn['x'] + drawn['width'] + 1
        taken, other = (
            page.locator(name).first.evaluate('each => getComputedStyle(each).fill')
            for name in ('.bar:not(.other)', '.bar.other')
        )
        assert taken != other
        assert verdict.sentence in figure.inner_text()
    with opened(browser, (tmp_path / 'alone.html').as_uri()) as page:
        assert page.locator('figure.verdict').count() == 0
