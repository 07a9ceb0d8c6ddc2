"""Metrics: arrays in, floats out. One a file; reading files, pairing and averaging live in autovoice.evaluation."""
