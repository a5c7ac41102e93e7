"""What is wrong with a robot's perception: facts in, findings with remedies out."""
