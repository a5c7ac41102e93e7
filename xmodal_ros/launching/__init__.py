"""What the launch files start; only ``actions`` needs ROS's launch packages."""
