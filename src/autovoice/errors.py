"""The one exception family: what is wrong, where, and what to do."""


class AutovoiceError(Exception):
    """A problem that a person can mend. Raised deep, shown once at the door (CLI: exit code 2, API: 4xx).

    what: one clause without a full stop; where: a file, voice or option name; remedy: what to do.
    """

    def __init__(self, what: str, where: str = "", remedy: str = "") -> None:
        self.what, self.where, self.remedy = what, where, remedy
        super().__init__(self.sentence)

    @property
    def sentence(self) -> str:
        """`where: what; remedy.` on one line, with the parts that are known."""
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}; {self.remedy}." if self.remedy else f"{head}."


class AudioError(AutovoiceError):
    """Audio that cannot be read or is not usable."""


class ConfigError(AutovoiceError):
    """A wrong configuration key, type or value."""


class DataError(AutovoiceError):
    """A dataset, manifest or voice folder that is unusable."""


class AssetError(AutovoiceError):
    """A model file that no source could serve."""
