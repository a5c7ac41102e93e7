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

"""Commands and code of the pages are those that there are, and the tutorials' are run."""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path
import re
import shlex
from statistics import mean
from typing import Any, Final

import cv2
import numpy as np
import pytest
from scipy.io import wavfile
import typer
from typer.testing import CliRunner

from xmodal_ros.bags.labels import read_segments
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.cli.main import app
from xmodal_ros.models.bundle import load_bundle

ROOT: Final = Path(__file__).parents[1]
DOCS: Final = ROOT / 'docs'
PAGES: Final = (
    *sorted(ROOT.glob('*.md')),
    *sorted(DOCS.rglob('*.md')),
    *sorted((ROOT / 'examples').rglob('*.md')),
)
# What the tutorials do with patience, done with little of it and on recordings that are there.
_LITTLE: Final = '--epochs 1 --jobs 1 --device cpu'
SHORTER: Final = {
    '--target imu_wrist': '--target imu',
    'imu=imu_cnn --epochs 15': f'imu=imu_cnn {_LITTLE}',
    'models/imu models/camera recordings --html report.html': 'models/imu recordings',
    'subject_05 subject_06': '3',
    '--test-subjects cleo': f'--test-subjects cleo --method distillation '
    f'--encoder imu=imu_cnn --window 1 {_LITTLE}',
}
# What takes its time, and is run by other tests.
SKIPPED: Final = ('xmodal simulate ', 'xmodal train recordings --target camera ')


def blocks(page: Path, title: str = '') -> Iterator[list[str]]:
    """Give the commands of each block of a page, or section, that holds some, a line each."""
    text = page.read_text(encoding='utf-8')
    if title:
        # To the next title, of which a line of code is none.
        text = re.split(r'^#+ .*\n', text.split(f'\n### {title}\n')[1], flags=re.MULTILINE)[0]
    for block in re.findall(r'^```sh\n(.*?)^```', text, flags=re.DOTALL | re.MULTILINE):
        joined = re.sub(r'\\\n\s*', ' ', block)
        lines = (re.sub(r'(^|\s+)#.*', '', line).strip() for line in joined.splitlines())
        yield [line for line in lines if line]


def commands() -> Iterator[Any]:
    for page in PAGES:
        for block in blocks(page):
            for line in block:
                if re.match('xmodal [a-z]', line):
                    yield pytest.param(line, id=f'{page.stem}: {line[:60]}')


def find(words: Sequence[str]) -> tuple[Any, list[str]]:
    """Give the command that the words begin with, and the rest of them."""
    command: Any = typer.main.get_command(app)
    rest = list(words)
    while hasattr(command, 'commands'):
        command = command.commands[rest.pop(0)]
    return command, rest


@pytest.mark.parametrize('line', [*commands()])
def test_a_command_of_a_page_is_one_that_there_is(line: str) -> None:
    command, rest = find(shlex.split(line)[1:])
    if '[' in line or '...' in line:  # Not typed so: what may be typed.
        options = {option for each in command.params for option in each.opts}
        assert set(re.findall(r'--[a-z][\w-]*', line)) <= options
    else:
        command.make_context('xmodal', rest)


def run_the_commands_of(page: Path, title: str = '') -> None:
    """Run the blocks that hold nothing but commands of ours, in the folder one is in.

    With a ``title``, those of that section.
    """
    done = 0
    for block in blocks(page, title):
        if not all(line.startswith('xmodal ') for line in block):
            continue
        for line in block:
            if line.startswith(SKIPPED):
                continue
            for long, short in SHORTER.items():
                line = line.replace(long, short)
            result = CliRunner().invoke(app, shlex.split(line)[1:])
            assert result.exit_code == 0, f'{line}\n{result.output}'
            done += 1
    assert done >= (2 if title else 3)


def test_the_first_robot_is_had_as_the_tutorial_says(
    recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / 'recordings').mkdir()
    for number, recording in enumerate(sorted(recordings.iterdir()), 1):
        (tmp_path / 'recordings' / f'subject_{number:02}').symlink_to(recording)
    monkeypatch.chdir(tmp_path)
    run_the_commands_of(DOCS / 'tutorials' / 'first_robot.md')
    load_bundle(Path('models/imu'))


def test_own_files_become_a_model_as_the_tutorial_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(('ada', 'bea', 'cleo')):
        record_with_whatever_there_is(Path(name), seed)
    run_the_commands_of(DOCS / 'tutorials' / 'own_data.md')
    bundle = load_bundle(Path('models/imu'))
    assert bundle.info.labels == ('rest', 'wave')
    assert Path('report.html').stat().st_size > 10_000


def test_a_table_with_a_label_a_sample_is_imported_as_its_section_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    record_with_whatever_there_is(Path('dora'), 4)
    header, *rows = (tmp_path / 'dora' / 'wrist.csv').read_text().splitlines()
    said = [f'{row},{"wave" if n // 150 % 2 else "rest"}' for n, row in enumerate(rows)]
    Path('dora.csv').write_text('\n'.join([f'{header},activity', *said]))
    run_the_commands_of(DOCS / 'importing.md', 'A label a sample')
    with BagReader(Path('recordings/dora_1')) as reader:
        found = read_segments(reader)
    lasted = [((each.end_ns - each.start_ns) / 1e9, each.label) for each in found]
    assert lasted == [(3.0, 'rest'), (3.0, 'wave')] * 2


def record_with_whatever_there_is(folder: Path, seed: int) -> None:
    """Write a table, a video, a sound file and labels: half of the time somebody waves."""
    folder.mkdir()
    drawn = np.random.default_rng(seed)
    times = np.arange(0, 12, 0.02)
    waving = times % 6 >= 3
    motion = np.where(waving, np.sin(2 * np.pi * 2 * times), 0)
    imu = drawn.normal(scale=0.1, size=(len(times), 6)) + motion[:, None]
    imu[:, 2] += 9.81
    rows = np.column_stack([times, imu])
    header = 't,ax,ay,az,gx,gy,gz'
    np.savetxt(folder / 'wrist.csv', rows, '%.4f', ',', header=header, comments='')
    segments = [f'{t},{t + 3},{"wave" if t % 6 else "rest"}' for t in range(0, 12, 3)]
    (folder / 'labels.csv').write_text('\n'.join(['start,end,label', *segments]))
    sound = drawn.normal(scale=300, size=12 * 8000).astype(np.int16)
    wavfile.write(folder / 'sound.wav', 8000, sound)
    fourcc = cv2.VideoWriter.fourcc(*'mp4v')
    film = cv2.VideoWriter(str(folder / 'film.mp4'), fourcc, 10.0, (80, 60))
    for shown in motion[::5]:
        grey = drawn.integers(60, 90, size=(60, 80), dtype=np.uint8)
        grey[15:30, 30 + int(20 * shown) : 45 + int(20 * shown)] = 220
        film.write(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR))
    film.release()


# Where a node makes what it publishes and answers, and the page that says so.
MADE_IN: Final = {
    'nodes/activity_selector_node.py': 'activity_selector',
    'nodes/annotator_node.py': 'annotator',
    'nodes/bag_player_node.py': 'bag_player',
    'nodes/camera_node.py': 'camera',
    'nodes/evaluator_node.py': 'evaluator',
    'nodes/microphone_node.py': 'microphone',
    'nodes/pose_estimator_node.py': 'pose_estimator',
    'nodes/trainer_node.py': 'trainer',
    'ros/classifier.py': 'imu_classifier',
}
MAKERS: Final = frozenset(
    {'create_publisher', 'create_lifecycle_publisher', 'create_service', 'advertise'}
)


def interfaces(path: Path) -> Iterator[tuple[str, str | None]]:
    """Give what a module publishes or answers: type, and name where it is written there."""
    tree = ast.parse(path.read_text(encoding='utf-8'))
    types = {
        alias.asname or alias.name: f'{(node.module or "").split(".")[0]}/{alias.name}'
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or '').endswith(('.msg', '.srv'))
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            named = [each for each in node.args if isinstance(each, ast.Name)]
            if node.func.attr in MAKERS and named and named[0].id in types:
                texts = [each.value for each in node.args if isinstance(each, ast.Constant)]
                yield types[named[0].id], next(map(str, texts), None)


@pytest.mark.parametrize('module', MADE_IN)
def test_the_page_of_a_node_names_what_it_publishes_and_answers(module: str) -> None:
    page = (DOCS / f'{MADE_IN[module]}.md').read_text(encoding='utf-8')
    found = list(interfaces(ROOT / 'xmodal_ros' / module))
    assert found
    for kind, name in found:
        assert kind in page
        assert name is None or f'`{name}`' in page
    assert re.search('^## (Published|Services)', page, flags=re.MULTILINE)
    assert '\n## Parameters\n' in page


@pytest.mark.parametrize('page', ['README.md', 'xmodal.md'])
def test_figures_of_studies_that_are_told_by_hand_are_those_of_the_results(page: str) -> None:
    results, told = (
        path.read_text(encoding='utf-8').replace('**', '')
        for path in (DOCS / 'results.md', DOCS / 'methods' / page)
    )
    of_means = False
    for line in told.splitlines():
        figures = re.findall(r'[+-]?\b\d\.\d{3}\b(?: \([+-]\S+ to [+-]\S+\))?', line)
        of_means = line.startswith('|') and (of_means or line.endswith('| mean |'))
        if of_means and line.startswith('| `'):
            *figures, last = figures
            assert float(last) == pytest.approx(mean(map(float, figures)), abs=0.0006), line
        assert [each for each in figures if each not in results] == [], line
