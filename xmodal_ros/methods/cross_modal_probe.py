"""Cross-modal few-shot learning with one head: the source's samples are further shots.

Reconstruction of Lin, Yu, Kuang, Pathak, Ramanan, "Multimodality Helps Unimodality: Cross-Modal
Few-Shot Learning with Multimodal Models" (CVPR 2023): one linear head classifies the features of
both modalities, half of every batch is of either, and the head starts from the other modality's
class vectors. There the two encoders are CLIP's and share a space. Ours are trained from scratch
and share none, so by default the target's encoder learns along: it has to move where the source's
head is right. ``encoder=frozen`` is the paper's linear probe, on encoders trained alone.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field
import torch
from torch import Tensor

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.methods.frozen_encoder import FrozenEncoderLearner
from xmodal_ros.methods.method import Fitted, MethodOptions, School, TransferMethod
from xmodal_ros.methods.source import Source
from xmodal_ros.methods.training_module import Batch, detached, Learner, Lesson, MethodTerms
from xmodal_ros.methods.unimodal import Unimodal
from xmodal_ros.models.classifier import Outputs


class CrossModalProbeOptions(MethodOptions):
    """Options of the cross-modal probe.

    ``weight`` is the source half's share in the loss. ``head`` says where the shared head
    starts: at the (first) ``source``'s, or ``own`` as it would without a source. ``encoder`` is
    ``trained`` with the head, or ``frozen`` after it was trained on the labels alone.
    """

    weight: Annotated[float, Field(ge=0, lt=1)] = 0.5
    head: Literal['source', 'own'] = 'source'
    encoder: Literal['trained', 'frozen'] = 'trained'


class CrossModalProbe(TransferMethod):
    """Minimise ``(1 − w) CE(target) + w CE(source)`` through one head; it needs no pairs."""

    name: ClassVar[str] = 'cross_modal_probe'
    Options: ClassVar[type[MethodOptions]] = CrossModalProbeOptions
    options: CrossModalProbeOptions

    def start(self, lesson: Lesson) -> Learner:
        """Give a learner that shows the head as many source windows as target windows."""
        frozen = self.options.encoder == 'frozen'
        if not self.options.weight:
            return FrozenEncoderLearner(lesson) if frozen else Learner(lesson)
        return (_FrozenProbe if frozen else _Probe)(lesson, self.options)

    def course(self, school: School[Fitted]) -> Fitted:
        """Train the encoder alone first, where it is to be frozen."""
        if self.options.encoder == 'trained':
            return school.fit(self, school.sources)
        return school.fit(self, school.sources, school.fit(Unimodal(MethodOptions()), ()))


class _Probe(Learner):
    def __init__(self, lesson: Lesson, options: CrossModalProbeOptions) -> None:
        super().__init__(lesson)
        self._options = options
        self._sources: Mapping[str, Source] = lesson.sources
        self._task_loss = lesson.task_loss
        head = self.target.head
        for source in lesson.sources.values():
            if source.classifier.head.in_features != head.in_features:
                raise ConfigurationError(
                    f"one head cannot read the target's {head.in_features} features and the "
                    f"{source.classifier.head.in_features} of source '{source.name}': train both "
                    'with the same encoder dim'
                )
        if options.head == 'source':
            first = next(iter(lesson.sources.values()))
            head.load_state_dict(first.classifier.head.state_dict())

    def terms(self, batch: Batch, outputs: Outputs, task_loss: Tensor) -> MethodTerms:
        losses = []
        for source in self._sources.values():
            chosen = source.labelled[torch.randint(len(source.labelled), (len(batch.rows),))]
            features = source.outputs.feature[chosen.to(outputs.feature.device)]
            labels = source.windows.labels[chosen].to(outputs.feature.device)
            losses.append(self._task_loss(self.target.head(self.target.dropout(features)), labels))
        other = torch.stack(losses).mean()
        weight = self._options.weight
        return MethodTerms(
            (1 - weight) * task_loss + weight * other, {'source half': detached(other)}
        )


class _FrozenProbe(_Probe, FrozenEncoderLearner):
    """The same with an encoder that stays as it is."""
