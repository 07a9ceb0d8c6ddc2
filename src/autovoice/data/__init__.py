"""Recordings in, validated and split segments out."""
