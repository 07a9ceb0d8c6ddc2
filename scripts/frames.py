"""A screen recording as an animated WebP: pictures, each with the time that it stays."""

from pathlib import Path

from PIL import Image

from autovoice.files import replacing

LONGEST_S = 1.5  # that one picture stays: waiting is cut to this, the last picture excepted
LAST_S = 4.0


class Recording:
    """Pictures of one size in the order in which they were seen; one like the last only makes the last stay longer."""

    def __init__(self) -> None:
        self.pictures: list[Image.Image] = []
        self.durations_s: list[float] = []

    def see(self, picture: Image.Image, duration_s: float) -> None:
        """Adds a picture that was seen for so long."""
        picture = picture.convert("RGB")
        if self.pictures and picture.tobytes() == self.pictures[-1].tobytes():
            self.durations_s[-1] += duration_s
        else:
            self.pictures.append(picture)
            self.durations_s.append(duration_s)

    def save(self, path: Path, lossless: bool) -> None:
        """Writes it, played over and over; lossless is smaller for text on one colour."""
        durations_s = [min(seconds, LONGEST_S) for seconds in self.durations_s]
        durations_s[-1] = LAST_S
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            self.pictures[0].save(
                temporary,
                format="WEBP",
                save_all=True,
                append_images=self.pictures[1:],
                duration=[round(1000 * seconds) for seconds in durations_s],
                loop=0,
                lossless=lossless,
                quality=100 if lossless else 75,
                method=4,
                minimize_size=True,
            )
