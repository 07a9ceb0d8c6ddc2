"""librosa, its compiled parts loaded by one process at a time.

Loading them compiles functions, each for several types, and numba keeps the results in files. Processes that write those files
at the same time mix them up (code for one type under the name of another), and whoever reads them afterwards crashes, for good.
"""

import getpass
import tempfile
from pathlib import Path

from filelock import FileLock

__all__ = ["LOCK", "librosa"]

LOCK = Path(tempfile.gettempdir()) / f"autovoice-librosa-{getpass.getuser()}.lock"

with FileLock(LOCK):
    import librosa
    import librosa.core.audio
    import librosa.core.pitch
    import librosa.util.utils
