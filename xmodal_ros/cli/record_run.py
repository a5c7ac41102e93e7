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

"""What ``xmodal record`` does, apart from its options."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
import os
from pathlib import Path
import shutil
import signal
import threading
import time
from types import FrameType
from typing import Any, Final, TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.markup import escape
import typer

from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.cli.needing_ros import needing_ros
from xmodal_ros.cli.record_page import render, summary
from xmodal_ros.cli.record_wanted import Asked
from xmodal_ros.cli.result import write_result
from xmodal_ros.errors import ConfigurationError, XmodalError
from xmodal_ros.files import check_folder, check_writable
from xmodal_ros.paths import is_there
from xmodal_ros.tools.record.choice import Chosen, sensors_of, TopicChoice

if TYPE_CHECKING:
    # It needs ROS, whose absence is to be said in words.
    from xmodal_ros.tools.record.recorder import Recorder

_STEP_S: Final = 0.02
_DRAWN_EVERY_S: Final = 0.5
_LINE_EVERY_S: Final = 10.0
# Fast DDS announces itself every 3 s; who is missed at first is found by then.
_DISCOVERY_S: Final = 4.0
# Left for the end of the bag, and for whatever else the machine has to write.
_KEPT_FREE: Final = 256 << 20
_ENDING: Final = tuple(
    getattr(signal, name) for name in ('SIGINT', 'SIGTERM', 'SIGHUP') if hasattr(signal, name)
)


def run(
    out: Path,
    asked: Asked,
    *,
    duration_s: float | None,
    wait_s: float,
    ros2_bag: bool,
    json: Path | None,
) -> None:
    """Record until told to end; raises :class:`XmodalError` subclasses."""
    check_writable(json)
    wanted, metadata = asked.wanted(), asked.metadata()
    if os.path.lexists(out):
        raise ConfigurationError(f'{out} exists already and is not overwritten: name another')
    check_folder(out, 'OUT')
    _check_space(out)
    with needing_ros():
        from xmodal_ros.tools.record.recorder import Recorder
    console = Console(stderr=True)
    with told_to_end() as over, Recorder(wanted) as recorder:
        topics = _wait_for(recorder, wait_s, over, console, all_of_them=not wanted)
        if ros2_bag:
            from xmodal_ros.tools.record.ros2_bag import record_by_ros2_bag

            record_by_ros2_bag(out, topics, asked.subject, metadata, over, duration_s)
            console.print(f'written: {escape(str(out))}', soft_wrap=True, highlight=False)
            write_result(json, {'path': str(out), 'topics': [each.topic for each in topics]})
            return
        recorder.begin(topics)
        writer = BagWriter(
            out,
            sensors=sensors_of(topics),
            subject=asked.subject,
            metadata=metadata,
            # After a power failure a recording may be read from there, and nowhere else.
            keep_abandoned=True,
        )
        begun = time.monotonic()
        with writer:
            full = _record(recorder, writer, over, duration_s, console)
        seconds = time.monotonic() - begun
    result: Mapping[str, Any] = summary(out, seconds, recorder.topics.values())
    console.print(render(recorder.topics.values(), seconds, None))
    for each in recorder.topics.values():
        if not each.count:
            console.print(f'[yellow]warning:[/] nothing came on {escape(each.chosen.topic)}')
    console.print(
        f'written: {escape(str(out))}; look at it with "xmodal inspect"',
        soft_wrap=True,
        highlight=False,
    )
    write_result(json, result)
    if full:
        raise XmodalError(f'{full}: recording was ended, what came until then is in {out}')


@contextmanager
def told_to_end() -> Iterator[threading.Event]:
    """Give what is set by Ctrl-C, by SIGTERM, and when the terminal goes, while it runs."""
    over = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        over.set()

    before = {number: signal.signal(number, end) for number in _ENDING}
    try:
        yield over
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait_for(
    recorder: 'Recorder',
    wait_s: float,
    over: threading.Event,
    console: Console,
    *,
    all_of_them: bool,
) -> tuple[Chosen, ...]:
    """Wait until everything is there; of everything there is, as long as discovery may take."""
    begun = time.monotonic()
    told = ''
    ambiguity: XmodalError | None = None
    choice = TopicChoice((), ())
    while True:
        passed = time.monotonic() - begun
        try:
            choice, ambiguity = recorder.look(), None
        except XmodalError as error:
            ambiguity = error
        ready = ambiguity is None and not choice.missing
        if ready and (not all_of_them or passed >= min(_DISCOVERY_S, wait_s)):
            return choice.topics
        if over.is_set():
            raise typer.Exit(130)
        if passed >= wait_s:
            break
        words = '; '.join(choice.missing)
        if words != told and passed > 1:
            told = words
            console.print(f'waiting: {escape(words)}', soft_wrap=True, highlight=False)
        over.wait(0.1)
    if ambiguity is not None:
        raise ambiguity
    remedy = (
        'start a driver, or wait longer with --wait'
        if all_of_them
        else 'start its driver, wait longer with --wait, or record without it'
    )
    raise ConfigurationError(
        f'after {wait_s:g} s: {"; ".join(choice.missing)}: {remedy}; "xmodal doctor" looks closer'
    )


def _record(
    recorder: 'Recorder',
    writer: BagWriter,
    over: threading.Event,
    duration_s: float | None,
    console: Console,
) -> str:
    """Write what comes until the end; says what has ended it where nobody wanted it to."""
    begun = drawn = time.monotonic()
    every_s = _DRAWN_EVERY_S if console.is_terminal else _LINE_EVERY_S
    console.print(f'recording {len(recorder.topics)} topics; Ctrl-C ends it', highlight=False)
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while not over.wait(_STEP_S):
            recorder.step(writer)
            now = time.monotonic()
            if duration_s is not None and now - begun >= duration_s:
                break
            if now - drawn < _DRAWN_EVERY_S:
                continue
            for topic in recorder.topics.values():
                topic.note(time.monotonic_ns())
            free = _free(writer.path)
            if free < _KEPT_FREE:
                return f'only {free >> 20} MiB are left on the disk of {writer.path}'
            if console.is_terminal:
                drawn = now
                live.update(render(recorder.topics.values(), now - begun, free), refresh=True)
            elif now - drawn >= every_s:
                drawn = now
                console.print(_line(recorder, now - begun), soft_wrap=True, highlight=False)
        recorder.step(writer)
    return ''


def _line(recorder: 'Recorder', seconds: float) -> str:
    size = sum(topic.size for topic in recorder.topics.values())
    silent = [name for name, topic in recorder.topics.items() if topic.rates()[0] == 0]
    words = f'{seconds:.0f} s, {size / 1e6:.1f} MB'
    return words + (f'; silent: {", ".join(silent)}' if silent else '')


def _free(path: Path) -> int:
    folder = next(each for each in path.resolve().parents if is_there(each))
    return shutil.disk_usage(folder).free


def _check_space(out: Path) -> None:
    free = _free(out)
    if free < _KEPT_FREE:
        raise ConfigurationError(
            f'only {free >> 20} MiB are left on the disk of {out}, {_KEPT_FREE >> 20} are kept '
            'free: make room, or record elsewhere'
        )
