"""Records the command line at work for the documentation: docs/recordings/cli.webp. It runs what it shows.

python -m scripts.record_cli (needs the extra docs)
"""

import fcntl
import os
import pty
import select
import shutil
import struct
import subprocess
import tempfile
import termios
import time
from pathlib import Path

import pyte
from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont

from scripts.frames import Recording
from scripts.make_examples import SOURCES, recording, recordings

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "recordings" / "cli.webp"
COLUMNS, ROWS, FONT_PX = 100, 26, 14
LINE_PX = FONT_PX + 4
GROUND, INK = "#10131a", "#d6dae3"
COLOURS = {
    "green": "#7fd88f",
    "red": "#f07178",
    "brown": "#e6c07b",
    "cyan": "#6cc5d9",
    "blue": "#7aa2f7",
    "magenta": "#c099ff",
}
PROMPT = "\x1b[32m$\x1b[0m "
TICK_S, KEY_S = 0.1, 0.05
TARGET, N_REFERENCES = "june", 6
COMMANDS = (
    "ls recordings/june talk.flac",
    'autovoice clone june recordings/june --consent "by the licence of the recordings"',
    "autovoice convert talk.flac --voice june -o talk_as_june.wav",
    'autovoice speak "Good morning. It is 7:30." --voice june -o morning.wav',
    "autovoice verify talk_as_june.wav",
)


class Terminal:
    """What a terminal shows of what is written to it."""

    def __init__(self) -> None:
        self.screen = pyte.Screen(COLUMNS, ROWS)
        self.stream = pyte.ByteStream(self.screen)
        self.recording = Recording()
        fonts = Path(get_data_path()) / "fonts" / "ttf"
        self.font = ImageFont.truetype(str(fonts / "DejaVuSansMono.ttf"), FONT_PX)
        self.cell_px = self.font.getlength("m")

    def write(self, raw: bytes, duration_s: float) -> None:
        """Shows it, for so long."""
        self.stream.feed(raw)
        self.recording.see(self.picture(), duration_s)

    def picture(self) -> Image.Image:
        """The screen now."""
        image = Image.new("RGB", (round(COLUMNS * self.cell_px) + 24, ROWS * LINE_PX + 24), GROUND)
        draw = ImageDraw.Draw(image)
        for row in range(ROWS):
            for column in range(COLUMNS):
                cell = self.screen.buffer[row][column]
                if cell.data.strip():
                    at = (12 + column * self.cell_px, 12 + row * LINE_PX)
                    draw.text(at, cell.data, COLOURS.get(cell.fg, INK), font=self.font)
        return image

    def type(self, command: str) -> None:
        """As a person would."""
        for character in command:
            self.write(character.encode(), KEY_S)
        self.write(b"\r\n", 4 * KEY_S)

    def run(self, command: str, folder: Path) -> None:
        """Runs a command and shows what it says as it comes; raises CalledProcessError."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        env = os.environ | {"TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(ROWS)}
        process = subprocess.Popen(
            ["bash", "-c", command], cwd=folder, env=env, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        while True:
            ready, _, _ = select.select([ours], [], [], TICK_S)
            time.sleep(TICK_S if ready else 0)  # what comes within a tick is one picture
            try:
                self.write(os.read(ours, 1 << 16) if ready else b"", TICK_S)
            except OSError:  # its end is closed
                break
        os.close(ours)
        if code := process.wait():
            raise subprocess.CalledProcessError(code, command)


def main() -> None:
    """A folder as a newcomer has it, and the commands."""
    terminal = Terminal()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "recordings" / TARGET).mkdir(parents=True)
        for path in recordings(TARGET)[:N_REFERENCES]:
            shutil.copy(path, folder / "recordings" / TARGET)
        shutil.copy(recording(SOURCES[0]), folder / "talk.flac")
        for command in COMMANDS:
            terminal.write(PROMPT.encode(), 1.0)
            terminal.type(command)
            terminal.run(command, folder)
        terminal.write(PROMPT.encode(), 1.0)
    terminal.recording.save(OUT, lossless=True)


if __name__ == "__main__":
    main()
