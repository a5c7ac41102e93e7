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

"""Parts of a training are the same wherever they are done, and end with who wants them."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
import multiprocessing
import os
from pathlib import Path
import pickle
import signal
import subprocess
import sys
import traceback
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
import torch

from test.test_executors import (
    assert_its_process_ends_with,
    is_alive,
    OfTwoThingsError,
    write_and_sleep,
)
from test.training.small_trainer import (
    chosen,
    examples,
    learning_sets,
    Notes,
    trainer,
)
from test.waiting import poll_for
from xmodal_ros.errors import TrainingError
from xmodal_ros.methods.method import make_method
from xmodal_ros.methods.verdict import judge
from xmodal_ros.progress import EpochMetrics, NullReporter
from xmodal_ros.training import ensemble, parts, train
from xmodal_ros.training.epoch_log import EpochLogger
from xmodal_ros.training.parts import FitHooks, PartExecutor, processes_for
from xmodal_ros.training.trainer import repeatable
from xmodal_ros.windows.windowing import SECOND_NS


@dataclass(frozen=True)
class Draw:
    """Work that draws random numbers and tells of it."""

    number: int

    def __call__(self, hooks: FitHooks) -> list[float]:
        hooks.reporter.begin(f'drawing {self.number}', 2)
        hooks.reporter.note(f'drew {self.number}')
        return torch.rand(100).tolist()


def fail(_hooks: FitHooks, error: Exception) -> None:
    raise error


def tell_and_fail(hooks: FitHooks, epoch: EpochMetrics) -> None:
    hooks.reporter.begin('failing', 1)
    hooks.reporter.note('a state cannot be kept')
    for callback in hooks.callbacks:
        callback.on_epoch_end(SimpleNamespace(name='training wrist'), epoch)
    raise OfTwoThingsError('ann', 'bob')


def die_elsewhere(hooks: FitHooks) -> str:
    hooks.reporter.begin('dying', 1)
    if multiprocessing.parent_process() is not None:
        os._exit(9)
    return 'done here'


def write_and_wait(_hooks: FitHooks, file: Path) -> None:
    write_and_sleep(file)


def meet(_hooks: FitHooks, own: Path, other: Path) -> int:
    """Come to an end only beside another that does the same."""
    own.touch()
    poll_for(other.exists)
    return os.getpid()


def tell_and_meet(hooks: FitHooks, own: Path, other: Path) -> None:
    hooks.reporter.begin('resting', 3)
    meet(hooks, own, other)


class Heard(Notes):
    """What was told by an executor of two processes, and the epochs of parts."""

    def __init__(self) -> None:
        super().__init__()
        self.forget()

    def forget(self) -> None:
        self.notes = []
        self.detail = ''
        self.log = EpochLogger(self.note)

    def advance(self, done: float, detail: str = '') -> None:
        self.detail = detail

    def epochs(self, stage: str, metrics: EpochMetrics) -> None:
        self.log.log(stage, metrics)


@pytest.fixture(scope='module')
def shared():
    heard, others = Heard(), set(multiprocessing.active_children())
    with PartExecutor(2, 0, heard, heard.epochs) as executor:
        yield executor, heard
    assert set(multiprocessing.active_children()) <= others


@pytest.fixture
def two(shared):
    """Give an executor of two processes, which start once for all tests, and what it tells."""
    shared[1].forget()
    with repeatable(0):
        yield shared


@contextmanager
def one() -> Iterator[tuple[PartExecutor, Heard]]:
    heard = Heard()
    with repeatable(0), PartExecutor(1, 0, heard, heard.epochs) as executor:
        yield executor, heard


def results(executor: PartExecutor, works: Sequence[Callable[[FitHooks], Any]]) -> list[Any]:
    pending = [executor.submit(work, FitHooks(executor.reporter)) for work in works]
    return [each.result() for each in pending]


def test_parts_are_done_beside_each_other_and_here_too(two, tmp_path):
    a, b = tmp_path / 'a', tmp_path / 'b'
    pair = [partial(meet, own=a, other=b), partial(meet, own=b, other=a)]
    processes = results(two[0], pair)
    assert len({*processes}) == 2
    assert os.getpid() in processes


def test_random_numbers_and_notes_are_the_same_whoever_does_it(two):
    with one() as alone:
        found = []
        for executor, heard in (alone, two):
            before = torch.get_rng_state()
            found.append((results(executor, [Draw(n) for n in range(4)]), heard.notes))
            assert torch.equal(torch.get_rng_state(), before)
    assert found[0] == found[1]
    assert found[0][1] == [f'drew {number}' for number in range(4)]


def test_what_another_process_is_at_is_told(two, tmp_path):
    executor, heard = two
    a, b = tmp_path / 'a', tmp_path / 'b'
    part = executor.submit(partial(tell_and_meet, own=a, other=b), FitHooks())
    poll_for(a.exists)

    def is_told() -> bool:
        executor.reporter.advance(1, 'loss 0.1')
        return bool(heard.detail == 'loss 0.1; beside it resting, 0 of 3')

    poll_for(is_told)
    b.touch()
    part.result()


@pytest.mark.parametrize('error', [TrainingError('the loss is nan'), ZeroDivisionError('windows')])
def test_an_error_comes_in_its_own_words_with_where_it_was_raised(two, error):
    part: Any = two[0].submit(partial(fail, error=error), FitHooks())
    poll_for(lambda: part.future is not None and part.future.done())
    with pytest.raises(type(error), match=str(error)) as raised:
        part.result()
    assert 'in fail' in ''.join(traceback.format_exception(raised.value))


def test_what_a_part_told_before_it_failed_is_told(two):
    executor, heard = two
    epoch = EpochMetrics(1, 0.5, 0.5, 0.5, {})
    part: Any = executor.submit(partial(tell_and_fail, epoch=epoch), FitHooks())
    poll_for(lambda: part.future is not None and part.future.done())
    # It cannot be pickled, and is no lost process for that.
    with pytest.raises(RuntimeError, match='OfTwoThingsError: ann is no bob') as raised:
        part.result()
    assert 'in tell_and_fail' in ''.join(traceback.format_exception(raised.value))
    assert heard.notes == ['a state cannot be kept']
    assert 'training wrist,1,' in heard.log.text()


def of_three_people():
    sets = learning_sets()
    for name, each in sets.items():
        own = each.training
        of_three = replace(own, recordings=own.ends_ns // (15 * SECOND_NS) % 3)
        sets[name] = replace(each, training=of_three)
    return sets


def test_the_recipe_trains_the_same_in_any_number_of_processes(two, monkeypatch):
    # Then the target learns alone once more, beside learning from others.
    monkeypatch.setattr(
        'xmodal_ros.methods.xmodal.judge',
        lambda *given: replace(judge(*given), decision='averaged'),
    )
    found = []
    with one() as alone:
        for executor, heard in (alone, two):
            busy = trainer(
                sets=of_three_people(),
                reporter=executor.reporter,
                people=('ann', 'bob', 'cid'),
                callbacks=[heard.log],
                executor=executor,
            )
            fitted = make_method('xmodal', {'folds': 3}).train_target(busy)
            flat = torch.cat([v.flatten() for v in fitted.classifier.state_dict().values()])
            assert busy.verdict is not None
            said = (fitted.history, fitted.sources, busy.candidates, busy.verdict.document())
            log = heard.log.text()
            found.append((flat.tolist(), said, sorted(busy.durations_s), log, heard.notes))
    assert found[0] == found[1]
    assert 'judging, part 3 of 3: training wrist (xmodal from thigh, chest)' in found[0][2]


def test_a_source_that_proves_no_good_is_not_judged_by_what_was_begun(two, monkeypatch):
    found = []
    with one() as alone:
        for executor, _ in (alone, two):
            busy = trainer(sets=of_three_people(), people='abc', executor=executor)
            monkeypatch.setattr(busy, 'skill', lambda name: 0.5 * (name == 'chest'))
            make_method('xmodal').train_target(busy)
            assert busy.verdict is not None
            found.append(busy.verdict.document())
    assert found[0] == found[1]
    assert found[0]['sources'] == ['chest']


def test_an_encoder_is_chosen_alike_in_any_number_of_processes(two, monkeypatch):
    gather = Mock(wraps=ensemble._gather)
    monkeypatch.setattr(ensemble, '_gather', gather)
    own = examples(96)
    training = replace(own, recordings=own.ends_ns // (24 * SECOND_NS))
    with one() as alone:
        documents = [
            chosen(training, executor.reporter, executor=executor).document
            for executor, _ in (alone, two)
        ]
    assert documents[0] == documents[1]
    assert documents[0]['over'] == 'people'
    # Nets that have begun are not asked about windows gathered anew.
    assert gather.call_count == 2


def test_what_a_process_was_at_that_ended_by_itself_is_done_here_and_told():
    heard = Notes()
    with repeatable(0), PartExecutor(2, 0, heard) as executor:
        part: Any = executor.submit(die_elsewhere, FitHooks())
        poll_for(lambda: part.future is not None and part.future.done())
        assert part.result() == 'done here'
        assert results(executor, [Draw(0)]) == results(executor, [Draw(1)])
    (note,) = heard.notes[:1]
    assert 'ended by itself (exit code 9): its part is done here' in note
    assert executor.beside() == ''


def test_where_no_process_can_begin_parts_are_done_here_and_it_is_told(monkeypatch):
    def refuse(*_: object) -> None:
        raise BlockingIOError(11, 'Resource temporarily unavailable')

    heard = Notes()
    monkeypatch.setattr(ProcessPoolExecutor, 'submit', refuse)
    with repeatable(0), PartExecutor(2, 0, heard) as executor:
        assert results(executor, [Draw(0), Draw(0)]) == [Draw(0)(FitHooks())] * 2
    assert 'it did not begin: [Errno 11] Resource' in ''.join(heard.notes)


def test_whatever_leaves_the_block_ends_processes_at_once(tmp_path):
    file = tmp_path / 'number'

    def interrupted() -> None:
        with repeatable(0), PartExecutor(2, 0, Notes()) as executor:
            executor.submit(partial(write_and_wait, file=file), FitHooks())
            poll_for(lambda: file.exists() and bool(file.read_text()))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not is_alive(int(file.read_text()))


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGKILL])
def test_processes_end_with_the_one_that_waits_for_them(tmp_path, number):
    script = (
        'import sys\n'
        'from functools import partial\n'
        'from pathlib import Path\n'
        'from test.training.test_parts import write_and_wait\n'
        'from xmodal_ros.progress import NullReporter\n'
        'from xmodal_ros.training.parts import FitHooks, PartExecutor\n'
        'if __name__ == "__main__":\n'
        '    file = Path(sys.argv[1])\n'
        '    with PartExecutor(2, 0, NullReporter()) as executor:\n'
        '        part = executor.submit(partial(write_and_wait, file=file), FitHooks())\n'
        '        while not part.future.running(): pass\n'
        '        part.result()\n'
    )
    assert_its_process_ends_with(script, tmp_path, number)


def test_a_process_that_begins_has_not_loaded_torch_when_it_can_be_ended():
    """Else Ctrl-C would wait for that."""
    with PartExecutor(2, 0, NullReporter()) as executor:
        executor.submit(Draw(0), FitHooks()).result()
        assert executor._executor is not None
        begin = pickle.dumps(executor._executor._initializer)
    script = (
        'import pickle, sys\n'
        f'pickle.loads({begin!r})\n'
        'import xmodal_ros.executors\n'
        'assert "xmodal_ros.training.slots" in sys.modules\n'
        'assert "torch" not in sys.modules\n'
    )
    subprocess.run([sys.executable, '-c', script], check=True, timeout=60)


def test_as_many_processes_as_cores_where_there_is_memory_and_enough_to_do(monkeypatch):
    monkeypatch.setattr(parts, 'usable_cores', lambda: 4)
    monkeypatch.setattr(parts, 'free_bytes', lambda: 32 * 2**30)
    monkeypatch.setenv('XMODAL_TRAINING_THREADS', '1')
    assert processes_for(None, 5000) == 4
    assert processes_for(None, 100) == 1
    assert processes_for(2, 100) == 2
    monkeypatch.setenv('XMODAL_TRAINING_THREADS', '2')
    assert processes_for(None, 5000) == 2
    monkeypatch.setattr(parts, 'free_bytes', lambda: 10**9)
    assert processes_for(None, 5000) == 1


def test_one_process_tries_nets_only_when_they_are_asked_for():
    """Else those that learn together would not ask for the same things in the same order."""
    asked: list[str] = []
    config: Any = SimpleNamespace(target='imu')
    split = SimpleNamespace(training=SimpleNamespace(unlabelled=()))
    data: Any = SimpleNamespace(recipes={'imu': SimpleNamespace(auto=True)}, sets={'imu': split})
    learner: Any = SimpleNamespace(document=asked.append)
    assert train._try_nets(config, data, learner, torch.device('cpu'), parts.IN_TURN) is None
    assert asked == []
