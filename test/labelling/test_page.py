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

"""The page in a real browser: a person labels by keyboard, and the file is what they marked."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
import json
from pathlib import Path
import time

import pytest
from typer.testing import CliRunner

pytest.importorskip('playwright')

from playwright.sync_api import Browser, Page

from test.browsing import opened
from test.bundles import make_imu_bundle
from test.labelling.scenes import FRAME, LABELS, scene_clips, write_scene
from test.messages import EPOCH, SECOND
from test.waiting import PATIENCE_S
from xmodal_ros.bags.label_file import read_label_file
from xmodal_ros.bags.segment import Segment
from xmodal_ros.cli.main import app
from xmodal_ros.labelling.bag_queue import BagQueue
from xmodal_ros.labelling.server import LabelServer

END = EPOCH + 30 * SECOND


@contextmanager
def served(*bags: Path) -> Iterator[LabelServer]:
    with BagQueue(bags, LABELS) as queue, LabelServer(queue) as server:
        yield server


@contextmanager
def page_of(browser: Browser, server: LabelServer) -> Iterator[Page]:
    with opened(browser, server.url) as page:
        page.wait_for_selector('body[data-ready]')
        yield page


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def wait_saved(page: Page) -> None:
    page.wait_for_function('() => /^saved/.test(document.getElementById("saved").textContent)')


def wait_file(page: Page, file: Path, rows: list[tuple[float, float, str]]) -> None:
    """Wait until the table holds these, in seconds; a page that saves does so at once."""
    wanted = ''.join(f'{start:.3f},{end:.3f},{label}\n' for start, end, label in rows)

    def text() -> str:
        return file.read_text() if file.exists() else ''

    if not came_true(page, lambda: text() == (f'start,end,label\n{wanted}' if rows else '')):
        state = [page.inner_text(f'#{name}') for name in ('name', 'saved', 'banner', 'clock')]
        pytest.fail(f'{file} holds {text()!r} instead of {rows}; the page says {state}')


def came_true(page: Page, condition: Callable[[], object]) -> bool:
    """Let the page do what it does until a condition holds; False when it never does."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        page.wait_for_timeout(25)
    return True


def shown(page: Page) -> list[tuple[str, float, float]]:
    found: list[tuple[str, float, float]] = page.evaluate(
        '[...document.querySelectorAll(".segment")].map((s) => '
        '[s.dataset.label, s.dataset.start / 1e9, s.dataset.end / 1e9])'
    )
    return found


def test_a_bag_is_labelled_by_keyboard_alone_and_a_model_scored_on_it(browser, tmp_path):
    bag = write_scene(tmp_path / 'bag')
    with served(bag) as server, page_of(browser, server) as page:
        page.wait_for_selector('figure canvas[data-time]')
        for clip in scene_clips():
            press(page, str(1 + LABELS.index(clip.label)), *4 * ['Shift+ArrowRight'])
            press(page, '0', 'Shift+ArrowRight')
        # One is corrected by pictures: it ends later, and there the next may begin.
        press(page, *5 * ['ArrowUp'], 'ArrowRight', 'ArrowRight', ']')
        wait_saved(page)
        # The browser is closed without ado.
    file = bag / 'labels.csv'
    marked = read_label_file(file, EPOCH, END)
    expected = list(scene_clips())
    assert [s.label for s in marked] == [s.label for s in expected]
    corrected = marked[3]
    expected[3] = Segment(expected[3].start_ns, corrected.end_ns, expected[3].label)
    assert 0 < corrected.end_ns - scene_clips()[3].end_ns <= 2 * FRAME
    for found, wanted in zip(marked, expected, strict=True):
        assert abs(found.start_ns - wanted.start_ns) <= FRAME
        assert abs(found.end_ns - wanted.end_ns) <= FRAME
    # Training reads the same table in the same way; a model's scores are of these six clips.
    make_imu_bundle(tmp_path / 'model')
    words = ['evaluate', tmp_path / 'model', bag, '--json', tmp_path / 'scores.json']
    ended = CliRunner().invoke(app, [*map(str, words)])
    assert ended.exit_code == 0, ended.output
    assert json.loads((tmp_path / 'scores.json').read_text())['counts']['clips'] == 6


def test_what_was_done_is_undone_corrected_and_there_again_after_a_reload(browser, tmp_path):
    bag = write_scene(tmp_path / 'bag', sound=False)
    file = bag / 'labels.csv'
    with served(bag) as server, page_of(browser, server) as page:
        second = 'Shift+ArrowRight'
        # What runs ends where the next activity begins.
        press(page, '1', second, second, '2', second, second, '0')
        wait_file(page, file, [(0, 2, 'sit'), (2, 4, 'walk')])
        press(page, 'Control+z', 'Control+z')
        wait_file(page, file, [(0, 4, 'sit')])
        press(page, 'Control+z')
        wait_file(page, file, [])
        press(page, 'Control+Shift+z', 'Control+y', 'Control+y')
        wait_file(page, file, [(0, 2, 'sit'), (2, 4, 'walk')])
        # Marked by both ends over what was there, which is cut.
        press(page, 'Home', second, 'i', second, second, 'o')
        wait_file(page, file, [(0, 1, 'sit'), (1, 3, 'walk'), (3, 4, 'walk')])
        # In a segment, a key relabels what follows; with Shift all of it.
        press(page, 'Home', second, second, '3', 'Home', 'Shift+Digit2')
        wait_file(page, file, [(0, 1, 'walk'), (1, 2, 'walk'), (2, 3, 'wave'), (3, 4, 'walk')])
        # Just beside where two touch, that edge is moved, not the far one of the segment here.
        for there, key in (('ArrowLeft', '['), ('ArrowRight', ']')):
            press(page, 'Home', second, second, there, key)
            _, (_, start, end), (_, next_start, next_end), _ = shown(page)
            assert (start, end, next_end) == (1, next_start, 3), key
            assert 0 < abs(end - 2) < 0.5, key
            press(page, 'Control+z')
        press(page, 'Home', 'm', 'ArrowDown', 'Delete', 'ArrowDown', 'r')
        page.keyboard.type('jump')
        press(page, 'Enter')
        wait_file(page, file, [(0, 2, 'walk'), (3, 4, 'jump')])
        press(page, second, '[', 's')
        before = shown(page)
        page.reload()
        page.wait_for_selector('body[data-ready]')
        page.wait_for_selector('.segment')
        assert shown(page) == before
        assert 'jump' in page.inner_text('#activities')
        # Its edge is dragged; there is no neighbour it could run into.
        page.locator('.segment[data-label=walk] .edge.right').hover()
        page.mouse.down()
        box = page.locator('#track').bounding_box()
        assert box is not None
        page.mouse.move(box['x'] + box['width'] / 10, box['y'] + 5, steps=3)
        page.mouse.up()
        page.wait_for_function('() => document.querySelector(".segment").dataset.end > 2.2e9')
        wait_saved(page)
    (walk, _) = read_label_file(file, EPOCH, END)
    assert walk.end_ns == EPOCH + 3 * SECOND


def test_played_and_marked_as_it_happens_in_a_bag_of_motion_alone(browser, tmp_path):
    bag = write_scene(tmp_path / 'bag', camera=False)
    with served(bag) as server, page_of(browser, server) as page:
        assert 'no camera' in page.inner_text('#cameras')
        assert page.locator('.row canvas').count() == 2
        press(page, '>', '>', '>', '>', ' ', '1')
        page.wait_for_function('() => document.querySelector(".segment")?.dataset.end > 2.5e9')
        # What runs is saved while it does: a power cut costs two seconds of work.
        press(page, '2')
        page.wait_for_function('() => document.querySelectorAll(".segment").length > 1')
        press(page, ' ', '2')
        wait_saved(page)
        assert page.inner_text('#now-label') == ''
        (sit, walk) = shown(page)
    first, second = read_label_file(bag / 'labels.csv', EPOCH, END)
    assert (first.label, second.label) == ('sit', 'walk')
    assert first.end_ns == second.start_ns
    assert first.end_ns - first.start_ns == pytest.approx((sit[2] - sit[1]) * SECOND)
    assert second.end_ns - second.start_ns == pytest.approx((walk[2] - walk[1]) * SECOND)


def test_a_second_tab_only_looks_until_it_takes_over(browser, tmp_path):
    bag = write_scene(tmp_path / 'bag', sound=False, camera=False)
    # The browser itself reports the refusal of what the first tab still tries to write.
    with served(bag) as server, pytest.raises(AssertionError, match='409'):
        label_in_two_tabs(browser, server, bag / 'labels.csv')


def label_in_two_tabs(browser, server, file):
    with page_of(browser, server) as first, page_of(browser, server) as second:
        assert 'open in another tab' in second.inner_text('#banner')
        press(second, '1', 'Shift+ArrowRight', '0')
        press(first, '2', 'Shift+ArrowRight', '0')
        wait_file(first, file, [(0, 1, 'walk')])
        # It sees what the first one does.
        second.wait_for_selector('.segment[data-label=walk]')
        # The first one does not hear of it before it writes.
        deaf, held = [True], []
        first.route('**/state?*', lambda route: held.append(route) if deaf else route.continue_())
        second.click('text=take over here')
        second.wait_for_function('() => document.getElementById("banner").hidden')
        press(first, 'End', 'PageUp', '3', 'Shift+ArrowRight', '0')
        first.wait_for_selector('text=Another tab has taken over')
        press(second, 'Home', 'Shift+Digit1')
        wait_file(second, file, [(0, 1, 'sit')])
        deaf.clear()
        for route in held:
            route.continue_()
        first.wait_for_selector('.segment[data-label=sit]')
        assert first.locator('.segment').count() == 1


def test_an_answer_from_before_a_change_was_saved_undoes_nothing(browser, tmp_path):
    bag = write_scene(tmp_path / 'bag', sound=False, camera=False)
    file = bag / 'labels.csv'
    with served(bag) as server, page_of(browser, server) as page:
        late = []

        def hold(route):
            # The server answers now, and the page hears of it once it has saved.
            late.append((route, route.fetch(timeout=1000 * PATIENCE_S)))

        page.route('**/state?*', hold, times=1)
        assert came_true(page, lambda: late)
        press(page, '1', 'Shift+ArrowRight', '0')
        wait_file(page, file, [(0, 1, 'sit')])
        wait_saved(page)
        ((route, answer),) = late
        route.fulfill(response=answer)
        page.wait_for_timeout(100)
        press(page, '2', 'Shift+ArrowRight', '0')
        wait_file(page, file, [(0, 1, 'sit'), (1, 2, 'walk')])
        assert page.locator('#banner').is_hidden()


def test_what_was_refused_is_not_sent_again_by_itself(browser, tmp_path):
    bag = write_scene(tmp_path / 'bag', sound=False, camera=False)
    # The browser itself reports each refusal.
    with served(bag) as server, pytest.raises(AssertionError, match='409') as refusals:
        label_over_another_program(browser, server, bag / 'labels.csv')
    assert str(refusals.value).count('409') == 1


def label_over_another_program(browser, server, file):
    with page_of(browser, server) as page:
        sent, deaf, held = [], [True], []
        page.on('request', lambda request: sent.append(request.url.endswith('/labels')))
        page.route('**/state?*', lambda route: held.append(route) if deaf else route.continue_())
        press(page, '1', 'Shift+ArrowRight', '0')
        wait_file(page, file, [(0, 1, 'sit')])
        # The last key may be on its way to the file that holds all of it already.
        wait_saved(page)
        file.write_text('start,end,label\n0,1,theirs\n')
        before = sum(sent)
        press(page, '2', 'Shift+ArrowRight', '0')
        page.wait_for_selector('text=Another program has changed')
        page.wait_for_timeout(500)
        assert sum(sent) == before + 1
        deaf.clear()
        for route in held:
            route.continue_()
        page.wait_for_timeout(1500)
        page.click('text=keep these')
        wait_file(page, file, [(0, 1, 'sit'), (1, 2, 'walk')])


def test_labels_from_elsewhere_are_offered_and_a_change_on_the_disk_is_noticed(browser, tmp_path):
    topic = write_scene(tmp_path / 'bag', labelled=True, sound=False, camera=False)
    other = write_scene(tmp_path / 'other', sound=False, imu=False)
    with served(topic, other) as server, page_of(browser, server) as page:
        # It begins with the one that has no labels at all.
        page.wait_for_selector('h1:text("other")')
        press(page, 'p')
        page.wait_for_selector('text=holds 6 labels (/activity_label), and training uses them')
        page.wait_for_selector('text=6 in the bag')
        page.wait_for_selector('text=1 of 2 labelled')
        page.click('text=start from them')
        file = topic / 'labels.csv'
        clips = scene_clips()
        rows = [((c.start_ns - EPOCH) / 1e9, (c.end_ns - EPOCH) / 1e9, c.label) for c in clips]
        wait_file(page, file, rows)
        file.write_text('start,end,label\n0,1,theirs\n')
        page.wait_for_selector('text=Another program has changed')
        press(page, 'Home', 'Delete')
        assert file.read_text().endswith('theirs\n')
        page.click('text=load those')
        page.wait_for_selector('.segment[data-label=theirs]')
        file.write_text('start,end,label\n0,2,theirs\n')
        page.wait_for_selector('text=Another program has changed')
        page.click('text=keep these')
        wait_file(page, file, [(0, 1, 'theirs')])
        # On to the next bag, with the same activities.
        press(page, 'n')
        page.wait_for_selector('h1:text("other")')
        press(page, '/')
        page.keyboard.type('the')
        press(page, 'Enter', 'Shift+ArrowRight', '0')
        wait_file(page, other / 'labels.csv', [(0, 1, 'theirs')])
        page.wait_for_selector('text=2 of 2 labelled')
        press(page, '?')
        assert page.locator('#keys').is_visible()


def test_labels_in_the_bag_that_cannot_be_read_are_told(browser, tmp_path):
    bag = tmp_path / 'bag'
    unknown = Segment(EPOCH, EPOCH + SECOND, 'unknown')
    write_scene(bag, segments=[unknown], labelled=True, sound=False, camera=False)
    with served(bag) as server, page_of(browser, server) as page:
        page.wait_for_selector('#banner >> text=labels that it holds cannot be read')
        assert 'stands for no activity' in page.inner_text('#banner')
        press(page, '1', 'Shift+ArrowRight', '0')
        wait_file(page, bag / 'labels.csv', [(0, 1, LABELS[0])])


def test_where_nothing_can_be_saved_it_is_said_before_anything_is_marked(browser, tmp_path):
    bag = write_scene(tmp_path / 'bag', sound=False, camera=False)
    (bag / 'labels.csv').write_text('start,end,label\n0,99,sit\n')
    with served(bag) as server, page_of(browser, server) as page:
        assert 'Nothing can be marked here' in page.inner_text('#banner')
        assert 'labels.csv:2' in page.inner_text('#banner')
        press(page, '1', 'Shift+ArrowRight', '0')
        assert shown(page) == []
    assert (bag / 'labels.csv').read_text().endswith('99,sit\n')


def test_nothing_is_wider_than_a_telephone(browser, tmp_path):
    bag = write_scene(tmp_path / 'bag')
    with served(bag) as server, opened(browser, server.url, (400, 850)) as page:
        page.wait_for_selector('body[data-ready]')
        wide = page.evaluate(
            """() => [...document.querySelectorAll('header, main, #transport, #timeline')]
              .flatMap((part) => [part, ...part.querySelectorAll('button, output, li, canvas')])
              .filter((each) => each.getBoundingClientRect().right > 401)
              .map((each) => each.id || each.className || each.tagName)"""
        )
        assert wide == []
        # One below the other, none over another.
        tops = page.evaluate(
            """() => ['header', 'main', '#transport', '#timeline'].flatMap((name) => {
              const {top, bottom} = document.querySelector(name).getBoundingClientRect();
              return [Math.round(top), Math.round(bottom)];
            })"""
        )
        assert tops == sorted(tops)
        aside = page.evaluate('document.querySelector("aside").getBoundingClientRect().bottom')
        assert aside <= tops[3] + 1
