"""A verdict for people and machines. Reports read a verdict and nothing else."""
