"""Makes the Python environment in which xmodal_ros runs, with or without a ROS installation."""
