"""A local page on which a person marks the activities of a recording; without torch or ROS."""
