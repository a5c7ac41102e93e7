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

"""Where work that outgrows one process is done: in local processes, on a dask cluster, by Slurm.

All are a :class:`concurrent.futures.Executor`, so that who has work to do need not know. What is
submitted and what it gives is pickled; on a cluster it is done in the same folder as here, on
files that all machines see.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor
from contextlib import AbstractContextManager, chdir, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
import multiprocessing
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
import os
from pathlib import Path
import pickle
import signal
import sys
import threading
import time
from types import TracebackType
from typing import Any, Final, ParamSpec, TypeVar

from xmodal_ros.errors import ConfigurationError, UsageError, XmodalError

P = ParamSpec('P')
T = TypeVar('T')
OpenExecutor = Callable[[], AbstractContextManager[Executor]]

SLURM: Final = 'slurm'
# So long a dask scheduler has to answer.
_ANSWER_S: Final = 30
# Seconds within which it is known how a process ended.
_TOLD_S: Final = 10.0


class LostWorkerError(BrokenExecutor):
    """The process at work ended by itself; the work may be submitted again."""


@dataclass(frozen=True)
class ExecutorSettings:
    """Where work goes: to ``processes`` of this machine, or to a cluster at ``address``.

    An address is ``slurm``, a dask scheduler's (``tcp://HOST:PORT``) or the file that it wrote.
    ``options`` are Slurm's, by the names that submitit gives them; ``folder`` is where it keeps
    what jobs print. Of Slurm's jobs ``processes`` are queued at a time.
    """

    processes: int
    address: str = ''
    options: Mapping[str, str | int] | None = None
    folder: Path = Path('.xmodal_slurm')

    def open(self) -> AbstractContextManager[Executor]:
        """Give the executor, within a block.

        An exception that leaves the block ends local processes at once and cancels what a cluster
        has not begun. Raises :class:`ConfigurationError` where there is no such cluster.
        """
        if self.options and self.address != SLURM:
            raise ConfigurationError(
                f'--cluster-option is for --cluster {SLURM}: leave it out, or name that'
            )
        if not self.address:
            return LocalExecutor(self.processes)
        if self.address == SLURM:
            return SlurmExecutor(self.processes, self.folder, self.options or {})
        return _dask(self.address)


def parse_options(options: Sequence[str]) -> dict[str, str | int]:
    """Take ``NAME=VALUE`` apart; numbers become numbers. Raises :class:`UsageError`."""
    parsed: dict[str, str | int] = {}
    for option in options:
        name, equals, value = option.partition('=')
        if not name or not equals:
            raise UsageError(f'--cluster-option {option!r} is not of the form NAME=VALUE')
        parsed[name] = int(value) if value.isdecimal() else value
    return parsed


def is_lost_worker(error: BaseException) -> bool:
    """Say whether an error of a future is that the process ended, rather than of the work."""
    if isinstance(error, BrokenExecutor):
        return True
    scheduler = sys.modules.get('distributed.scheduler')
    return scheduler is not None and isinstance(error, scheduler.KilledWorker)


def sendable(error: Exception) -> Exception:
    """Give an error itself, or in its words what can be pickled and read again where it cannot."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - of our own process
    except Exception:  # noqa: BLE001 - whatever it raises, it cannot be sent
        if isinstance(error, XmodalError):
            return XmodalError(str(error))
        return RuntimeError(f'{type(error).__qualname__}: {error}')
    return error


class _ThreadedExecutor(Executor):
    """Submits by threads, each of which waits for what is done elsewhere."""

    def __init__(self, most: int) -> None:
        self._threads = ThreadPoolExecutor(most, thread_name_prefix='executor')

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Do it in the next free process."""
        return self._threads.submit(self._do, fn, args, kwargs)

    @abstractmethod
    def _do(self, function: Callable[..., T], args: Sequence[Any], named: Mapping[str, Any]) -> T:
        """Do it elsewhere and wait; raises :class:`LostWorkerError` where the process ended."""

    @abstractmethod
    def _end(self) -> None:
        """End what is at work now."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more work, and wait for what is being done."""
        self._threads.shutdown(wait, cancel_futures=cancel_futures)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            self._end()
        self.shutdown(cancel_futures=error is not None)


class LocalExecutor(_ThreadedExecutor):
    """Processes of this machine, each of which may die without harm to the others.

    They are fresh ones, for a fork of a process with threads may wait for ever, and end when this
    one does, however that ends. Ctrl-C in a terminal, which all of them hear, is left to this one.
    Each calls ``initializer`` with ``arguments``, which may be what processes share, before it
    works.
    """

    def __init__(
        self,
        processes: int,
        initializer: Callable[..., None] | None = None,
        arguments: Sequence[object] = (),
    ) -> None:
        super().__init__(processes)
        self._initializer = initializer
        self._arguments = tuple(arguments)
        self._context = multiprocessing.get_context('spawn')
        # Open as long as this process lives and wants the others to.
        self._watched, self._held = self._context.Pipe(duplex=False)
        self._own = threading.local()
        self._pools: list[ProcessPoolExecutor] = []

    def _do(self, function: Callable[..., T], args: Sequence[Any], named: Mapping[str, Any]) -> T:
        process: BaseProcess | None = None
        try:
            pool, process = self._pool()
            return pool.submit(_call, function, args, named).result()
        except BrokenProcessPool:
            self._own.pool = None
            raise LostWorkerError(_how_it_ended(process)) from None

    def _pool(self) -> tuple[ProcessPoolExecutor, BaseProcess | None]:
        """Give the one process of this thread, a new one where there is none."""
        if getattr(self._own, 'pool', None) is None:
            begin = (self._watched, self._initializer, self._arguments)
            pool = ProcessPoolExecutor(1, self._context, _begin, begin)
            self._pools.append(pool)
            # The process inherits what its thread holds back, until it ignores it.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                started = pool.submit(os.getpid)
            except OSError as error:
                raise LostWorkerError(f'it did not begin: {error}') from error
            finally:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            number = started.result()
            children = multiprocessing.active_children()
            self._own.pool = pool, next((c for c in children if c.pid == number), None)
        found: tuple[ProcessPoolExecutor, BaseProcess | None] = self._own.pool
        return found

    def _end(self) -> None:
        self._held.close()

    def end(self) -> None:
        """End the processes at once, whatever they are at; they are not to get more work."""
        self._end()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Who presses Ctrl-C again would only leave processes behind that are just ending.
        with _undisturbed(error) if error is not None else nullcontext():
            super().__exit__(kind, error, traceback)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes when they have done what they are at."""
        super().shutdown(wait, cancel_futures=cancel_futures)
        for pool in self._pools:
            pool.shutdown(wait)
        if wait:
            self._held.close()
            self._watched.close()


@contextmanager
def _undisturbed(error: BaseException) -> Iterator[None]:
    """Put off signals that would end this process; only its main thread can."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {
        each: signal.signal(each, lambda number, _: came.append(number))
        for each in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, signal.SIG_DFL if handler is None else handler)
        # What ends by an error that may be caught was told to end all the same.
        if signal.SIGTERM in came and not isinstance(error, KeyboardInterrupt | SystemExit):
            signal.raise_signal(signal.SIGTERM)


def _begin(
    watched: Connection, initializer: Callable[..., None] | None, arguments: Sequence[object]
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with, args=(watched,), daemon=True).start()
    if initializer is not None:
        initializer(*arguments)


def _call(function: Callable[..., T], args: Sequence[Any], named: Mapping[str, Any]) -> T:
    """Raise what can be sent, for the process would count as lost where its error is not read."""
    try:
        return function(*args, **named)
    except Exception as error:
        sent = sendable(error)
        if sent is error:
            raise
        raise sent from error


def _end_with(watched: Connection) -> None:
    """End this process when the other end of a pipe is closed."""
    with suppress(EOFError, OSError):
        watched.recv()
    os._exit(1)


def _how_it_ended(process: BaseProcess | None) -> str:
    if process is None:
        return 'it did not begin'
    process.join(1.0)
    deadline = time.monotonic() + _TOLD_S
    # The kernel tells it once, perhaps to the pool's own thread, which has not noted it down yet.
    while process.exitcode is None and time.monotonic() < deadline:
        time.sleep(0.01)
    return f'exit code {process.exitcode}'


class SlurmExecutor(_ThreadedExecutor):
    """Jobs of Slurm, by submitit; ``most`` are queued at a time.

    ``cluster`` may also be submitit's ``local``, which does the same with processes.
    """

    def __init__(
        self,
        most: int,
        folder: Path,
        options: Mapping[str, str | int],
        cluster: str = SLURM,
    ) -> None:
        try:
            import submitit
        except ImportError as error:
            raise _missing('submitit', SLURM) from error
        super().__init__(most)
        self._lost: type[Exception] = submitit.core.utils.UncompletedJobError
        self._lock = threading.Lock()
        self._jobs: set[Any] = set()
        try:
            self._slurm = submitit.AutoExecutor(folder.absolute(), cluster=cluster)
            self._slurm.update_parameters(**options)
        except (RuntimeError, NameError, TypeError, OSError) as error:
            raise ConfigurationError(f'--cluster {cluster} cannot be used: {error}') from error

    def _do(self, function: Callable[..., T], args: Sequence[Any], named: Mapping[str, Any]) -> T:
        with self._lock:
            job = self._slurm.submit(_value_or_error, function, args, named)
            self._jobs.add(job)
        try:
            given: tuple[T, Exception | None] = job.result()
        except self._lost as lost:
            raise LostWorkerError(' '.join(str(lost).split())[:200]) from None
        finally:
            self._jobs.discard(job)
        value, error = given
        if error is not None:
            raise error
        return value

    def _end(self) -> None:
        for job in list(self._jobs):
            job.cancel()


def _value_or_error(
    function: Callable[..., T], args: Sequence[Any], named: Mapping[str, Any]
) -> tuple[T | None, Exception | None]:
    """Give an exception as a value, for submitit makes a text of it."""
    try:
        return function(*args, **named), None
    except Exception as error:  # noqa: BLE001 - it is raised where the job was submitted
        return None, sendable(error)


# What is done holds global state, such as seeds: one thing at a time, however many threads a
# worker has.
_at_work = threading.Lock()


@dataclass(frozen=True)
class _Alone:
    """Does something in the folder where it was submitted, and nothing beside it."""

    folder: str

    def __call__(self, function: Callable[..., T], *args: Any, **named: Any) -> T:
        with _at_work, chdir(self.folder):
            return function(*args, **named)


class _DaskExecutor(Executor):
    """Tasks on a dask cluster."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._alone = _Alone(str(Path.cwd()))

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Do it on the next free worker."""
        return self._executor.submit(partial(self._alone, fn), *args, **kwargs)


@contextmanager
def _dask(address: str) -> Iterator[Executor]:
    try:
        from distributed import Client
    except ImportError as error:
        raise _missing('distributed', 'dask') from error
    where = {'scheduler_file': address} if Path(address).is_file() else {'address': address}
    try:
        client = Client(**where, timeout=_ANSWER_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise ConfigurationError(
            f"--cluster {address}: no dask scheduler answers there, nor is it '{SLURM}' ({error})"
        ) from error
    with client:
        executor = client.get_executor(pure=False)
        try:
            yield _DaskExecutor(executor)
        except BaseException:
            executor.shutdown(wait=False)
            raise


def _missing(package: str, extra: str) -> XmodalError:
    return ConfigurationError(
        f"--cluster needs the package '{package}', which is not installed: pip install "
        f"'xmodal_ros[{extra}]', or {package} alone"
    )
