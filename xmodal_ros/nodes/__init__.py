"""ROS nodes, and what drives them: the only package that imports rclpy."""
