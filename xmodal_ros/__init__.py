"""Activity recognition for ROS 2 that learns from the sensors a robot will not have."""

__version__ = '0.2.0'
