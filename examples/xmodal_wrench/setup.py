from setuptools import find_packages, setup

package_name = 'xmodal_wrench'

setup(
    name=package_name,
    version='0.1.0',
    packages=find_packages(include=[package_name]),
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{package_name}']),
        (f'share/{package_name}', ['package.xml']),
    ],
    install_requires=['setuptools'],
    zip_safe=True,
    maintainer='xmodal_ros maintainers',
    maintainer_email='xmodal_ros@example.com',
    description='An example: force-torque sensors for xmodal_ros',
    license='Apache-2.0',
    # All that xmodal_ros needs to know: names, and where what they stand for is.
    entry_points={
        'xmodal_ros.modalities': ['wrench = xmodal_wrench.modality:Wrench'],
        'xmodal_ros.encoders': ['gru = xmodal_wrench.configuration_gru:GruConfig'],
        'xmodal_ros.lanes': ['wrench = xmodal_wrench.lane:WrenchLane'],
        'xmodal_ros.methods': ['feature_mse = xmodal_wrench.feature_mse:FeatureMse'],
    },
)
