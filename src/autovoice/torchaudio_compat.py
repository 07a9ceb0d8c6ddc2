"""Imports torchaudio, also beside a CPU torch.

torchaudio's Linux wheel is built for CUDA: beside a CPU torch its native extension fails to load (OSError:
libc10_cuda.so). Nothing here needs that extension (transforms and datasets are plain torch), so a stand-in takes its place.
"""

import sys
import types


def _import_torchaudio() -> types.ModuleType:
    try:
        import torchaudio
    except OSError:
        for name in [n for n in sys.modules if n.split(".")[0] == "torchaudio"]:
            del sys.modules[name]
        stand_in = types.ModuleType("torchaudio._extension")
        stand_in._IS_TORCHAUDIO_EXT_AVAILABLE = False  # type: ignore[attr-defined]
        stand_in._IS_RIR_AVAILABLE = False  # type: ignore[attr-defined]
        stand_in._IS_ALIGN_AVAILABLE = False  # type: ignore[attr-defined]
        stand_in.fail_if_no_align = lambda function: function  # type: ignore[attr-defined]
        sys.modules["torchaudio._extension"] = stand_in
        import torchaudio
    return torchaudio


torchaudio = _import_torchaudio()
