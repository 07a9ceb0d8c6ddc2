"""Text to speech: a text and a voice -> audio. English; the front-end needs the extra `tts`."""
