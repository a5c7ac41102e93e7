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

"""What one of several processes does: train as one of them and alone, and say how that compares.

Started by torchrun. Writes for each method the largest difference of the weights, and for each
sensor how many windows this process read and how many there are.
"""

from dataclasses import replace
import json
from pathlib import Path
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray
import torch

from test.training.small_trainer import learning_sets, TARGET, trainer
from xmodal_ros.methods.method import make_method
from xmodal_ros.methods.verdict import Verdict
from xmodal_ros.training.distributed import DistributedContext, init_distributed, SINGLE_PROCESS
from xmodal_ros.training.trainer import repeatable
from xmodal_ros.windows.windowing import SECOND_NS

METHODS = ('unimodal', 'distillation', 'cotraining', 'shared_trunk')


class CountingRows:
    """Windows that say how many of them were read."""

    def __init__(self, values: NDArray[np.float32]) -> None:
        self.values, self.shape, self.read = values, values.shape, 0

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: Any) -> NDArray[np.float32]:
        found: NDArray[np.float32] = self.values[rows]
        self.read += len(found)
        return found


def weights(method: str, context: DistributedContext) -> tuple[torch.Tensor, dict[str, int]]:
    sets, rows = learning_sets(), {}
    for name, found in sets.items():
        rows[name] = CountingRows(np.asarray(found.training.values))
        sets[name] = replace(found, training=replace(found.training, values=rows[name]))
    with repeatable(3):
        sources = () if method == 'unimodal' else ('chest',)
        fitted = trainer(sources, sets=sets, context=context).fit(make_method(method, {}), sources)
        flat = torch.cat([p.detach().flatten() for p in fitted.classifier.parameters()])
        return flat, {name: each.read for name, each in rows.items()}


def guarded(context: DistributedContext) -> tuple[torch.Tensor, dict[str, object]]:
    """Give the weights and the verdict of the recipe that holds people out first."""
    sets = learning_sets()
    for name, found in sets.items():
        # Everybody shows each activity.
        person = found.training.ends_ns // SECOND_NS // 12
        sets[name] = replace(found, training=replace(found.training, recordings=person))
    with repeatable(3):
        made = trainer(('chest',), sets=sets, context=context, people='abcd')
        fitted = make_method('xmodal', {'folds': 2}).train_target(made)
        flat = torch.cat([p.detach().flatten() for p in fitted.classifier.parameters()])
    return flat, {} if made.verdict is None else made.verdict.document()


def after_all(context: DistributedContext) -> torch.Tensor:
    """Give the weights of a target that the main process alone wants to be without sources."""
    with repeatable(3):
        made = trainer(('chest',), sets=learning_sets(), context=context)
        made.conclude(Verdict(TARGET, ('chest',), 'people', 'kept', 0.1, 0.0, 4, 4), (), ())
        fitted = made.fit_alone_after_all(wanted=context.rank == 0)
    assert fitted is not None
    return torch.cat([p.detach().flatten() for p in fitted.classifier.parameters()])


def main(folder: Path) -> None:
    with init_distributed('cpu') as (context, _):
        found: dict[str, Any] = {}
        for method in METHODS:
            alone, all_read = weights(method, SINGLE_PROCESS)
            together, read = weights(method, context)
            difference = float((alone - together).abs().max())
            found[method] = {
                'difference': difference,
                'read': {name: [read[name], all_read[name]] for name in (TARGET, 'chest')},
            }
        (one, verdict), (several, same) = guarded(SINGLE_PROCESS), guarded(context)
        found['guard'] = {
            'difference': float((one - several).abs().max()),
            'verdicts': [verdict, same],
        }
        alone, together = after_all(SINGLE_PROCESS), after_all(context)
        found['after all'] = float((alone - together).abs().max())
        (folder / f'{context.rank}.json').write_text(json.dumps(found))


if __name__ == '__main__':
    main(Path(sys.argv[1]))
