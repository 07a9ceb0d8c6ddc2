"""Configuration of the server."""

from dataclasses import dataclass, field


@dataclass
class ServeConfig:
    """Where the server listens, what it keeps where, and how much it takes on (docs/api.md, docs/security.md)."""

    host: str = "127.0.0.1"
    port: int = 8000
    data: str = "serve"  # folder of the database, the cloned voices and the files of jobs
    database: str = ""  # SQLAlchemy's URL (postgresql+psycopg://...); empty: SQLite in `data`
    storage: str = ""  # fsspec's URL of files (s3://bucket/folder); empty: `data`
    voices: str = "voices"  # folder of `autovoice clone`: everybody may speak in these, nobody can delete them here
    device: str = "auto"
    bundle: str = ""  # folder of `autovoice export`; empty: graphs of the installed weights, made once, in the cache
    preset: str = "balanced"
    require_key: bool = False  # on loopback too; elsewhere always
    allowed_hosts: list[str] = field(
        default_factory=list
    )  # names that clients may call it by; empty, off loopback: any
    workers: int = 1  # threads that convert
    batch: int = 8  # short conversions that one worker makes together
    queue: int = 64  # jobs that wait; one more is answered 429
    max_streams: int = 4
    stream_queue_s: float = 0.5  # of audio that waits in a stream; older is dropped and counted
    stream_idle_s: float = 30.0
    sync_s: float = 60.0  # audio up to this is answered at once
    sync_chars: int = 300  # and text
    text_chars: int = 20000
    upload_bytes: int = 209715200
    upload_s: float = 3600.0
    upload_channels: int = 8
    voice_files: int = 20
    voices_per_key: int = 100
    job_timeout_s: float = 3600.0
    drain_s: float = 30.0  # that what runs may take to end after SIGTERM
    lease_s: float = 30.0  # a job whose process has not been heard of for so long starts again
    retention_s: float = 604800.0  # finished jobs and their files are kept for so long
    requests_per_minute: int = 300  # of one key
    audio_s_per_day: float = 36000.0  # of one key
    quality_sample: float = 0.05  # share of conversions whose quality is measured
    baseline: str = "metrics/baseline.json"  # what that quality is compared with
    traces: str = ""  # console, or the OTLP/HTTP address of an OpenTelemetry collector (extra `traces`)
