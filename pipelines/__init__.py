"""One thin file a DVC stage. A copy of the project (an experiment of DVC's queue, a worktree) runs its own code."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
