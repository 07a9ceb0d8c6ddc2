"""Metrics: arrays in, floats out. One metric a file; reading files, pairing and averaging live in autovoice.evaluation."""
