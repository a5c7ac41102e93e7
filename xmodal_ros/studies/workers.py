"""Processes that do a study's jobs side by side.

Each has a pipe of its own, so that one that dies, say for want of memory, takes no other with it
and its run can be told.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
import multiprocessing
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
import os
import signal
from typing import Final, Literal

from xmodal_ros.child_process import end_with_parent
from xmodal_ros.errors import XmodalError
from xmodal_ros.studies.results import RunRecord
from xmodal_ros.studies.runner import do_job, environment, Job, Task

# From a process: what it is about to run, what came of it, that it wants a job, or that it
# cannot go on, and why.
_Word = tuple[Literal['begin', 'end', 'idle', 'stuck'], Task | None, RunRecord | str | None]
_GRACE_S: Final = 5.0


class _Worker:
    """A process, its end of the pipe, and what it is at."""

    def __init__(self) -> None:
        context = multiprocessing.get_context('spawn')
        self.pipe, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=_work, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()
        self.job: Job | None = None
        self.running: Task | None = None
        self.done: list[Task] = []

    def stop(self) -> None:
        """End the process, by force where it does not listen."""
        self.pipe.close()
        self.process.terminate()
        self.process.join(_GRACE_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


@dataclass(frozen=True)
class Listeners:
    """Who hears of each run: ``begin`` before it starts, ``end`` when its record is kept."""

    begin: Callable[[Task], None]
    end: Callable[[Task, RunRecord], None]


def do_all(jobs: Sequence[Job], workers: int, listeners: Listeners) -> None:
    """Do jobs in so many processes at a time, in order.

    A process that dies is the failure of the run it was at; what is left of its job goes on in
    another. Whatever is raised in here, Ctrl-C among it, ends all of them first. Raises
    :class:`XmodalError` when results cannot be written.
    """
    todo = list(reversed(jobs))
    with _staff() as staff:
        while len(staff) < min(workers, len(todo)):
            staff.append(_Worker())
        while staff:
            by_pipe = {worker.pipe: worker for worker in staff}
            for pipe in wait(list(by_pipe)):
                assert isinstance(pipe, Connection)  # noqa: S101 - only pipes are waited for
                worker = by_pipe[pipe]
                try:
                    word: _Word = pipe.recv()
                except (EOFError, OSError):
                    staff.remove(worker)
                    todo += _bury(worker, listeners)
                    if todo:
                        staff.append(_Worker())
                    continue
                if _hear(worker, word, listeners):
                    _give(worker, todo, staff)


@contextmanager
def _staff() -> Iterator[list[_Worker]]:
    staff: list[_Worker] = []
    try:
        yield staff
    finally:
        for worker in staff:
            worker.stop()


def _hear(worker: _Worker, word: _Word, listeners: Listeners) -> bool:
    """Take in what a worker says; True when it wants a job."""
    kind, task, what = word
    if kind == 'stuck':
        raise XmodalError(str(what))
    if kind == 'begin' and task is not None:
        worker.running = task
        listeners.begin(task)
    elif kind == 'end' and task is not None and isinstance(what, RunRecord):
        worker.done.append(task)
        worker.running = None
        listeners.end(task, what)
    return kind == 'idle'


def _give(worker: _Worker, todo: list[Job], staff: list[_Worker]) -> None:
    if todo:
        worker.job, worker.running, worker.done = todo.pop(), None, []
        worker.pipe.send(worker.job)
    else:
        staff.remove(worker)
        worker.stop()


def _bury(worker: _Worker, listeners: Listeners) -> list[Job]:
    """Keep what a dead worker was at as failed; give what is left of its job."""
    worker.stop()
    job, code = worker.job, worker.process.exitcode
    if job is None:
        raise XmodalError(
            f'a process of the study ended by itself (exit code {code}) before it ran anything: '
            'is there enough memory?'
        )
    over = {task.path for task in worker.done}
    left = [task for task in job.tasks if task.path not in over]
    if not left:
        return []
    # Between two runs it is the next that is to blame, or there would be no end to trying.
    blamed = worker.running or left[0]
    record = RunRecord(
        run=dict(blamed.identity),
        environment=environment(job.device),
        duration_s=0.0,
        failure=f'its process ended by itself (exit code {code}): is there enough memory? Try '
        'fewer --jobs',
    )
    record.write(blamed.path)
    listeners.end(blamed, record)
    rest = tuple(task for task in left if task.path != blamed.path)
    return [replace(job, tasks=rest)] if rest else []


def _work(pipe: Connection) -> None:
    """Ask for jobs and do them, until the pipe is closed."""
    end_with_parent()
    # Ctrl-C goes to the whole group of processes; who started this one ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))
    # A closed pipe means that nobody listens any more.
    with suppress(EOFError, OSError):
        while True:
            pipe.send(('idle', None, None))
            job: Job = pipe.recv()
            try:
                do_job(
                    job,
                    lambda task: pipe.send(('begin', task, None)),
                    lambda task, record: pipe.send(('end', task, record)),
                )
            except XmodalError as error:
                pipe.send(('stuck', None, str(error)))
                return
