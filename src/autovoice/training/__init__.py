"""Adaptation and pretraining, driven by Lightning."""
