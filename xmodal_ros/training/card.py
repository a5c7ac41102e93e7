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

"""The page in a bundle that tells people what the model is, how good, and what it cannot do."""

from collections.abc import Iterable
from typing import Final

import jinja2

from xmodal_ros.data.report import in_words
from xmodal_ros.evaluation.scoring import Evaluation
from xmodal_ros.models.configuration_bundle import BundleInfo
from xmodal_ros.models.description import ModelDescription
from xmodal_ros.windows.windowing import SECOND_NS

_SHOWN: Final = {
    'macro_f1': 'macro-F1 per clip',
    'macro_f1_window': 'macro-F1 per window',
    'accuracy': 'accuracy per clip',
    'accuracy_window': 'accuracy per window',
}
# Of other modalities it is the node ``classifier``.
_OWN_EXECUTABLE: Final = ('imu', 'camera', 'audio', 'skeleton')


def model_card(
    info: BundleInfo, model: ModelDescription, evaluation: Evaluation, topic: str
) -> str:
    """Give the page as Markdown, of a trained bundle's document, model and test.

    ``topic`` is where the recordings have the sensor.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader('xmodal_ros.training', ''),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - it is Markdown
        keep_trailing_newline=True,
    )
    environment.filters['names'] = _names
    environment.filters['in_words'] = in_words
    made, scores = info.provenance, evaluation.scores
    intervals = evaluation.measures.intervals
    return environment.get_template('card.md.j2').render(
        info=info,
        made=made,
        model=model,
        subjects=made['subjects'],
        counts=made['counts'],
        length_s=info.window.length_ns / SECOND_NS,
        hop_s=info.window.hop_ns / SECOND_NS,
        scores=scores,
        rows=[
            (title, getattr(scores, name), intervals.get(name))
            for name, title in _SHOWN.items()
            if scores is not None
        ],
        unit=next(iter(intervals.values()), None),
        worst=sorted(scores.f1_by_label.items(), key=lambda each: each[1]) if scores else [],
        tested=len(made['subjects']['test']),
        unlearnt=evaluation.unknown_labels,
        topic=topic,
        **_node(info.modality, topic),
    )


def _node(modality: str, topic: str) -> dict[str, str]:
    """Give the executable that classifies a modality, and its parameters."""
    parameters = f'-p model:=BUNDLE -p topic:={topic}'
    if modality in _OWN_EXECUTABLE:
        return {'node': f'{modality}_classifier', 'parameters': parameters}
    return {'node': 'classifier', 'parameters': f'-p modality:={modality} {parameters}'}


def _names(names: Iterable[str]) -> str:
    """Give names as a sentence has them; bars would end a cell of a table."""
    return ', '.join(str(name).replace('|', '\\|') for name in names) or 'none'
