"""An exception, as the person at the command line is told it: one sentence and an exit code."""

from autovoice.errors import AutovoiceError

FAULT, MISUSE = 1, 2


def explain(error: BaseException) -> tuple[str, int]:
    """An exception -> (one sentence for the person, exit code)."""
    if isinstance(error, AutovoiceError):
        return error.sentence, MISUSE
    if _out_of_space(error):
        return "no space left on the device; free some or write elsewhere.", MISUSE
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}; check the path and its permissions.", MISUSE
    if isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith("autovoice"):
        return f"the package {error.name} is missing; pip install 'autovoice[all]'.", MISUSE
    what = " ".join(str(error).split())[:300]
    return f"unexpected {type(error).__name__}: {what}; run again with --debug to see where.", FAULT


def _out_of_space(error: BaseException | None) -> bool:
    """Some writers wrap ENOSPC in errors of their own: look at the whole chain."""
    while error is not None:
        if "No space left" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
