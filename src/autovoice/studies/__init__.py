"""Studies: trainings that differ in one thing, measured alike. They stand above training and evaluation, which are strangers."""
