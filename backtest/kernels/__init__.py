"""The compiled layer: numba, numpy and nothing else."""
