"""What leaves the project: bundles."""
