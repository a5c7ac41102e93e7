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

"""What the clocks of a recording's sensors are like, and how to correct them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from xmodal_ros.bags.clock_fit import ClockFit, fit_receipt
from xmodal_ros.bags.clocks import ClockCorrection, MOST_OFFSET_S, StampShift
from xmodal_ros.data.activity_lag import find_lag, stream_energy
from xmodal_ros.data.cutting import Cut, CutSpec
from xmodal_ros.data.recording import RecordingWindows
from xmodal_ros.windows.windowing import SECOND_NS

CorrectBy = Literal['receipt', 'motion']

# More than any transport delays a message: another clock.
_APART_S: Final = 1.0
# A delay of transport may lie behind less than this, and must not be taken for an offset.
_WORTH_S: Final = 0.3
_WORTH_MOTION_S: Final = 0.03
_WORTH_DRIFT_S: Final = 0.05
_SURE: Final = 4.0
# A lag by motion is looked for so far either way.
MOST_LAG_S: Final = 10.0


@dataclass(frozen=True)
class ClockReport:
    """A sensor's clock in one recording, corrected as the recording says.

    ``behind_s`` is how far its stamps are behind the times of receipt, ``drift_ppm`` by how many
    microseconds they fall behind further each second, with standard errors; both hold a constant
    delay of transport. ``apart_s`` is ``behind_s`` against the sensor that is least behind.
    ``lag_s`` is what to add to its stamps for its activity to fall together with that of the
    sensor ``against``, None where that was not asked for or where no lag stands out;
    ``lag_correlation`` is that of their energies then. ``complaint`` says what is wrong, if so.
    """

    sensor: str
    behind_s: float
    drift_ppm: float
    drift_error_ppm: float
    jitter_s: float
    apart_s: float
    against: str = ''
    lag_s: float | None = None
    lag_correlation: float | None = None
    complaint: str = ''


@dataclass(frozen=True)
class ClockComparison:
    """The clocks of a recording, and what to write into its ``clocks.yaml`` to correct them."""

    reports: tuple[ClockReport, ...]
    corrections: Mapping[str, ClockCorrection]


def compare_clocks(
    recording: RecordingWindows, cut_specs: Mapping[str, CutSpec], by: CorrectBy = 'receipt'
) -> ClockComparison:
    """Compare the clocks of a recording's sensors with each other.

    ``by`` motion compares also what they sense, which tells a clock's offset from a delay of
    transport. Corrections are given for those that need one: beyond any delay of transport by
    receipt, or by a lag that stands out.
    """
    fits = {
        name: fit
        for name, windows in recording.windows.items()
        if windows.cut is not None
        and (fit := _by_receipts(windows.cut, recording.facts.clocks.get(name)))
    }
    if not fits:
        return ClockComparison((), {})
    base = min(fits, key=lambda name: abs(fits[name].offset_s))
    lags = _lags(recording, cut_specs, base) if by == 'motion' else {}
    seconds = (recording.facts.end_ns - recording.facts.start_ns) / SECOND_NS
    reports: list[ClockReport] = []
    corrections: dict[str, ClockCorrection] = {}
    for name, fit in fits.items():
        apart_s = fit.offset_s - fits[base].offset_s
        lag = lags.get(name)
        correction = (
            _by_receipt(fit, fits[base], seconds)
            if by == 'receipt' or abs(apart_s) > MOST_LAG_S
            else _by_motion(
                lag, (cut_specs[name][1].period_ns + cut_specs[base][1].period_ns) / SECOND_NS / 2
            )
        )
        if correction is not None and name != base:
            corrections[name] = correction
        reports.append(
            ClockReport(
                name,
                fit.offset_s,
                fit.drift_ppm,
                fit.drift_error_ppm,
                fit.scatter_s,
                apart_s,
                base if by == 'motion' and name != base else '',
                None if lag is None else lag[0].offset_s,
                None if lag is None else lag[1],
                _complaint(name, base, apart_s, fit, fits[base], seconds),
            )
        )
    return ClockComparison(tuple(reports), corrections)


def _by_receipts(cut: Cut, shift: StampShift | None) -> ClockFit | None:
    """Compare stamps with times of receipt, or nothing with itself where these were the stamps.

    What was imported, or recorded at its own stamps, is received as stamped: once the stamps are
    corrected, their distance from that is the correction, and says nothing of a clock.
    """
    received_ns, delays_ns = cut.index.received_ns, cut.index.delays_ns
    if shift is not None:
        stamped_as_received = np.array([shift.shifted(each) for each in received_ns.tolist()])
        if np.array_equal(stamped_as_received, received_ns - delays_ns):
            delays_ns = np.zeros_like(delays_ns)
    return fit_receipt(received_ns, delays_ns)


def _lags(
    recording: RecordingWindows, cut_specs: Mapping[str, CutSpec], base: str
) -> dict[str, tuple[ClockFit, float]]:
    energies = {}
    for name, windows in recording.windows.items():
        if windows.cut is not None and windows.stream is not None:
            stream, spec = cut_specs[name]
            energy = stream_energy(windows.cut, windows.stream, spec, stream.modality)
            if energy is not None:
                energies[name] = energy
    if base not in energies:
        return {}
    lags = {}
    for name, energy in energies.items():
        found = None if name == base else find_lag(energies[base], energy, MOST_LAG_S)
        if found is not None and found.certain:
            lags[name] = found.fit, found.correlation
    return lags


def _by_receipt(fit: ClockFit, base: ClockFit, seconds: float) -> ClockCorrection | None:
    drift_ppm = _sure_drift(fit, base, seconds)
    offset_s = fit.offset_s - base.offset_s
    # Times of receipt that far off are no clock's: nothing could correct them.
    if abs(offset_s) > MOST_OFFSET_S or (abs(offset_s) < _WORTH_S and not drift_ppm):
        return None
    return _correction(offset_s, drift_ppm, fit.reference_ns)


def _by_motion(lag: tuple[ClockFit, float] | None, exact_s: float) -> ClockCorrection | None:
    """Correct by a lag beyond its error and beyond ``exact_s``, half a sample of each sensor."""
    if lag is None:
        return None
    worth_s = max(_WORTH_MOTION_S, exact_s, _SURE * lag[0].offset_error_s)
    if abs(lag[0].offset_s) < worth_s:
        return None
    # Drift by motion was off by 70 ppm (median) in two minutes: it is not corrected by that.
    return _correction(lag[0].offset_s, 0.0, lag[0].reference_ns)


def _correction(offset_s: float, drift_ppm: float, reference_ns: int) -> ClockCorrection:
    return ClockCorrection(
        offset_s=offset_s, drift_ppm=drift_ppm, reference_s=max(0.0, reference_ns / SECOND_NS)
    )


def _sure_drift(fit: ClockFit, base: ClockFit, seconds: float) -> float:
    """Give the drift against another clock where it is beyond doubt and matters, else 0."""
    drift_ppm = fit.drift_ppm - base.drift_ppm
    error_ppm = fit.drift_error_ppm + base.drift_error_ppm
    matters = abs(drift_ppm) * 1e-6 * seconds > _WORTH_DRIFT_S
    return drift_ppm if matters and abs(drift_ppm) > _SURE * error_ppm else 0.0


def _complaint(
    name: str, base: str, apart_s: float, fit: ClockFit, base_fit: ClockFit, seconds: float
) -> str:
    if abs(apart_s) > _APART_S:
        where = 'behind' if apart_s > 0 else 'ahead of'
        return (
            f"{name}: its stamps are {abs(apart_s):.3f} s {where} those of '{base}': their "
            'clocks were not synchronised, and windows of the same time show different activity. '
            'Correct them with clocks.yaml (--write-clocks)'
        )
    if name != base and (drift_ppm := _sure_drift(fit, base_fit, seconds)):
        return (
            f"{name}: its clock drifts by {drift_ppm:.0f} ppm against that of '{base}', "
            f'{abs(drift_ppm) * 1e-6 * seconds:.3f} s over the recording. Correct it with '
            'clocks.yaml (--write-clocks)'
        )
    return ''
