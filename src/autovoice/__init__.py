"""AutoVoice: clone a voice, convert speech into it, and measure the result."""

__version__ = "0.1.0"
