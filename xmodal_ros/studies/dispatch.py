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

"""Have a study's jobs done by an executor, beside whoever else works in the same folder."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace
from pathlib import Path
import time
from typing import Final

from xmodal_ros.errors import XmodalError
from xmodal_ros.executors import is_lost_worker, OpenExecutor
from xmodal_ros.studies.claims import claim, failed_attempts, is_claimed
from xmodal_ros.studies.runner import do_job, Job, MOST_ATTEMPTS, record_lost_worker

# Between two looks at the results, which other processes write.
_LOOK_S: Final = 0.25


def do_all(jobs: Sequence[Job], open_executor: OpenExecutor, look: Callable[[], None]) -> None:
    """Have jobs done until all their runs have a result; ``look`` is called now and then.

    What another process is at is waited for, and taken over where that process dies. A worker of
    this one that dies at a run is its failure when it happens again; the other runs go on.
    Whatever is raised in here, Ctrl-C among it, ends all workers first. Raises
    :class:`XmodalError` when results cannot be written, or where workers die before they begin.
    """
    share = False
    left = _left(jobs)
    while left:
        free = [job for job in left if any(not is_claimed(task.path) for task in job.tasks)]
        if free:
            _do_round(free, open_executor, look, share=share)
        else:
            time.sleep(_LOOK_S)
        look()
        share = True
        left = _left(left)


def _left(jobs: Sequence[Job]) -> list[Job]:
    """Give jobs without the runs that have a result."""
    left = []
    for job in jobs:
        tasks = tuple(task for task in job.tasks if not task.is_done())
        if tasks:
            left.append(replace(job, tasks=tasks))
    return left


def _do_round(
    jobs: Sequence[Job], open_executor: OpenExecutor, look: Callable[[], None], *, share: bool
) -> None:
    """Submit each job, and again one whose worker died."""
    losses: Counter[Path] = Counter()
    with open_executor() as executor:
        at: dict[Future[None], Job] = {}
        try:
            for job in jobs:
                at[executor.submit(do_job, job, share=share)] = job
            while at:
                ended, _ = wait(at, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
                look()
                for future in ended:
                    job = at.pop(future)
                    error = future.exception()
                    if error is None:
                        continue
                    if not is_lost_worker(error):
                        raise error
                    _count_lost_worker(job, error, losses)
                    for rest in _left([job]):
                        at[executor.submit(do_job, rest, share=True)] = rest
        finally:
            for future in at:
                future.cancel()


def _count_lost_worker(job: Job, error: BaseException, losses: Counter[Path]) -> None:
    """Keep as failed what a worker died at once too often."""
    failed = [(task, failed_attempts(task.path)) for task in job.tasks if not task.is_done()]
    for task, attempts in failed:
        if attempts >= MOST_ATTEMPTS:
            with claim(task.path) as attempt:
                if attempt is not None and not task.is_done():
                    record_lost_worker(job, task, str(error))
    if not any(attempts for _, attempts in failed):
        losses[job.tasks[0].path] += 1
        if losses[job.tasks[0].path] >= MOST_ATTEMPTS:
            raise XmodalError(
                f'a process of the study ended by itself ({error}) before it ran anything: is '
                'there enough memory?'
            )
