"""What talks to microphones, cameras, files and streams; without ROS, with injected clocks."""
