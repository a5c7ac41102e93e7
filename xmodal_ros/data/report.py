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

"""What of a data set is used and what is left out, and why."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from xmodal_ros.bags.clocks import ClockCorrection
from xmodal_ros.bags.segment import about_unseen, count_unseen
from xmodal_ros.data.build import BrokenRecording
from xmodal_ros.data.clock_report import ClockReport, compare_clocks, CorrectBy
from xmodal_ros.data.cutting import CutSpec
from xmodal_ros.data.recording import RecordingFacts, RecordingWindows, SensorWindows
from xmodal_ros.data.scan import ExcludedRecording, NO_LABELS, ScanResult
from xmodal_ros.modalities.checks import Problem
from xmodal_ros.windows.windowing import SECOND_NS, WindowingSpec

# Windows and messages that are not used, by the words they are counted under.
REASONS: Final = {
    'unlabelled': 'windows outside every labelled segment',
    'weak': 'windows with too few samples, in or beside a gap',
    'activity_left_out': 'windows of activities that are not learnt',
    'touches_validation': 'windows that reach into a segment that validates',
    'of_validation_subjects': 'windows without a label of people who validate',
    'touches_test': 'windows that reach into a segment that tests',
    'of_sources_only': 'windows of people of whom only sources learn',
    'label_withheld': 'windows whose label the target is not told',
    'unpaired': 'windows without a label that no other sensor has at the same time',
    'late': 'messages out of order',
    'duplicate': 'messages with the stamp of another',
}


def in_words(reason: str) -> str:
    """Say what was left out for a reason."""
    return REASONS.get(reason, f'messages refused ({reason})')


@dataclass(frozen=True)
class SensorReport:
    """One sensor of a recording: ``windows`` are used, ``left_out`` are not, by reason.

    Of ``windows`` so many are ``unlabelled``.
    ``gaps`` of its stream leave ``gap_s`` seconds without samples, ``longest_gap_s`` is the
    longest step; time jumped ``resets`` times, so that ``moved`` windows, by up to ``moved_s``
    seconds, are placed by when they were received. Of the labelled segments ``unseen`` lie outside
    the time of its data, as far as windows tell. ``problem`` says why nothing of it is used, where
    nothing is; ``problems`` are what is doubtful about its data. Messages usually came at
    ``rate_hz``, 0 where that is not known.
    """

    sensor: str
    modality: str
    messages: int = 0
    windows: int = 0
    unlabelled: int = 0
    left_out: Mapping[str, int] | None = None
    gaps: int = 0
    gap_s: float = 0.0
    longest_gap_s: float = 0.0
    resets: int = 0
    moved: int = 0
    moved_s: float = 0.0
    unseen: int = 0
    problem: str = ''
    problems: tuple[Problem, ...] = ()
    rate_hz: float = 0.0


@dataclass(frozen=True)
class RecordingReport:
    """One recording: its ``use`` is learning, test or nothing, for which there is a ``reason``.

    Of its ``segments``, ``labelled_s`` seconds together, ``too_short`` are shorter than half a
    window, which no window can show.
    """

    path: str
    name: str = ''
    subject: str = ''
    session: str = ''
    use: str = ''
    reason: str = ''
    duration_s: float = 0.0
    segments: int = 0
    labelled_s: float = 0.0
    too_short: int = 0
    sensors: tuple[SensorReport, ...] = ()
    clocks: tuple[ClockReport, ...] = ()


@dataclass(frozen=True)
class DataReport:
    """All recordings of a data set, in the order in which they were found."""

    recordings: tuple[RecordingReport, ...]

    def document(self) -> list[dict[str, Any]]:
        """Give it in a form that JSON can hold."""
        return [asdict(recording) for recording in self.recordings]

    @property
    def left_out(self) -> tuple[RecordingReport, ...]:
        """The recordings of which nothing is used."""
        return tuple(recording for recording in self.recordings if not recording.use)


def report_data(
    scanned: ScanResult,
    read: Sequence[RecordingWindows | BrokenRecording],
    cut_specs: Mapping[str, CutSpec],
    *,
    test: Collection[RecordingFacts] = (),
    unlabelled: bool = False,
    correct_by: CorrectBy = 'receipt',
) -> tuple[DataReport, Mapping[Path, Mapping[str, ClockCorrection]]]:
    """Tell of all recordings of a scan, of which those ``read`` were cut as ``cut_specs`` say.

    Those to ``test`` on are not cut here but by the engine. With ``unlabelled`` recordings without
    labels are learnt from too. Gives beside the report, for each recording that needs some, how to
    correct the clocks of its sensors.
    """
    length_ns = max(window.length_ns for _, window in cut_specs.values())
    told: list[RecordingReport] = []
    corrections: dict[Path, Mapping[str, ClockCorrection]] = {}
    for each in read:
        if isinstance(each, BrokenRecording):
            told.append(_left_out(ExcludedRecording(each.facts.path, each.reason, each.facts)))
            continue
        clocks = compare_clocks(each, cut_specs, correct_by)
        if clocks.corrections:
            corrections[each.facts.path] = clocks.corrections
        report = _recording(each, cut_specs, length_ns, clocks.reports)
        if not each.facts.segments and not unlabelled:
            report = replace(report, use='', reason=NO_LABELS)
        told.append(report)
    told += [_facts(facts, 'test', '', length_ns) for facts in test]
    told += map(_left_out, scanned.left_out)
    place = {str(path): number for number, path in enumerate(scanned.paths)}
    return DataReport(tuple(sorted(told, key=lambda each: place[each.path]))), corrections


def _left_out(left: ExcludedRecording) -> RecordingReport:
    if left.facts is None:
        return RecordingReport(str(left.path), left.path.name, reason=left.reason)
    return _facts(left.facts, '', left.reason, 0)


def _recording(
    recording: RecordingWindows,
    cut_specs: Mapping[str, CutSpec],
    length_ns: int,
    clocks: Sequence[ClockReport],
) -> RecordingReport:
    facts = recording.facts
    sensors = [
        _sensor(facts, name, windows, cut_specs[name][1])
        for name, windows in recording.windows.items()
    ]
    for name, problem in recording.unusable.items():
        sensors.append(SensorReport(name, facts.sensors[name].modality, problem=problem))
    sensors += [SensorReport(name, '', problem=reason) for name, reason in facts.missing.items()]
    report = _facts(facts, 'learning', '', length_ns)
    return replace(report, sensors=tuple(sensors), clocks=tuple(clocks))


def _facts(facts: RecordingFacts, use: str, reason: str, length_ns: int) -> RecordingReport:
    return RecordingReport(
        path=str(facts.path),
        name=facts.name,
        subject=facts.subject,
        session=facts.session,
        use=use,
        reason=reason,
        duration_s=(facts.end_ns - facts.start_ns) / SECOND_NS,
        segments=len(facts.segments),
        labelled_s=sum(s.end_ns - s.start_ns for s in facts.segments) / SECOND_NS,
        too_short=sum(s.end_ns - s.start_ns < length_ns // 2 for s in facts.segments),
    )


def _sensor(
    facts: RecordingFacts, name: str, windows: SensorWindows, spec: WindowingSpec
) -> SensorReport:
    report = SensorReport(
        name,
        facts.sensors[name].modality,
        windows=len(windows.ends_ns),
        unlabelled=int((windows.segment_of < 0).sum()),
        left_out=dict(windows.left_out),
    )
    if windows.cut is None:
        return report
    cut = windows.cut.facts
    return replace(
        report,
        messages=cut.received,
        gaps=cut.gaps.count,
        gap_s=cut.gaps.seconds,
        longest_gap_s=cut.gaps.longest_s,
        resets=cut.resets,
        moved=cut.moved,
        moved_s=cut.moved_s,
        problems=cut.problems,
        rate_hz=cut.rate_hz,
        unseen=count_unseen(facts.segments, windows.cut.index.ends_ns.tolist(), spec),
    )


def remarks(report: RecordingReport) -> Iterable[str]:
    """Give in words what a person should know of a recording that is used."""
    if report.too_short:
        yield (
            f'{report.too_short} of {report.segments} labelled segments are shorter than half a '
            'window, so no window shows them: a shorter --window would'
        )
    for sensor in report.sensors:
        if sensor.problem:
            yield sensor.problem
        else:
            for words in _of_sensor(sensor, report.segments):
                yield f'{sensor.sensor}: {words}'
    for clock in report.clocks:
        if clock.complaint:
            yield clock.complaint


def _of_sensor(sensor: SensorReport, segments: int) -> Iterator[str]:
    left_out = sensor.left_out or {}
    windows = sensor.windows + left_out.get('unlabelled', 0) + left_out.get('weak', 0)
    yield from about_unseen(sensor.unseen, segments, windows)
    if sensor.gaps:
        yield (
            f'{sensor.gaps} gaps, {sensor.gap_s:.1f} s without samples, the longest step '
            f'{sensor.longest_gap_s:.2f} s'
        )
    for problem in sensor.problems:
        # What is refused is counted by its reason, and notes are for who asks.
        if problem.level != 'note' and problem.code != 'refused':
            yield str(problem)
    if sensor.resets:
        moved = (
            f'; {sensor.moved} windows whose stamps are of another time, up to '
            f'{sensor.moved_s:.1f} s off, are placed and labelled by when they were received: '
            'correct the clock of its driver'
        )
        yield f'time jumped {sensor.resets} times{moved if sensor.moved else ""}'
