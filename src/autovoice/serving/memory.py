"""What a long-lived process does about its memory."""

import ctypes
import sys

M_ARENA_MAX = -8  # malloc.h
ARENAS = 2


def share_arenas() -> bool:
    """Makes glibc's malloc use two arenas, where each of many threads otherwise keeps what it freed; -> whether it could.

    To be called before threads start. With eight conversions at once a third of the memory was kept so (docs/api.md).
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    return mallopt is not None and mallopt(M_ARENA_MAX, ARENAS) == 1
