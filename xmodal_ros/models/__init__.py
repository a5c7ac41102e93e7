"""Models: preprocessing, encoders, the classifier, and the bundle they travel in."""
