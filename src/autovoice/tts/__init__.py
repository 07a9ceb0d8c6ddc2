"""Text to speech: a text -> audio in the front-end's own voice. English needs the extra `speech`, Kokoro and Piper `tts`."""
