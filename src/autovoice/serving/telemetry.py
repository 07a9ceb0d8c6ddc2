"""What Prometheus reads (docs/api.md lists it), and traces for OpenTelemetry."""

import shutil
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from autovoice.errors import ConfigError
from autovoice.spans import Tracer

SECONDS = (0.01, 0.03, 0.1, 0.3, 0.5, 1, 1.5, 3, 10, 30, 100)
RATIOS = (0.01, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5)
MILLISECONDS = (2, 4, 6, 8, 10, 12, 15, 20, 30, 50, 100)


class Telemetry:
    """The metrics of one server."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        name = "autovoice_{}".format
        self.requests = Counter(name("requests"), "Answers", ["method", "route", "status"], registry=registry)
        self.latency_s = Histogram(
            name("request_seconds"),
            "Until the answer was sent",
            ["method", "route"],
            buckets=SECONDS,
            registry=registry,
        )
        self.jobs = Counter(name("jobs"), "Ended jobs", ["kind", "status"], registry=registry)
        self.job_s = Histogram(name("job_seconds"), "From claim to end", ["kind"], buckets=SECONDS, registry=registry)
        self.rtf = Histogram(
            name("real_time_factor"),
            "Seconds of work a second of audio",
            ["kind", "preset"],
            buckets=RATIOS,
            registry=registry,
        )
        self.audio_s = Counter(name("audio_seconds"), "Audio that was made", ["kind"], registry=registry)
        self.batch = Histogram(name("batch_size"), "Jobs made together", buckets=(1, 2, 4, 8, 16), registry=registry)
        self.queue = Gauge(name("queue_length"), "Jobs that wait", registry=registry)
        self.streams = Gauge(name("streams"), "Open streams", registry=registry)
        self.stream_ms = Histogram(
            name("stream_block_ms"), "Milliseconds to convert a block", buckets=MILLISECONDS, registry=registry
        )
        self.stream_late = Counter(name("stream_dropped_blocks"), "Blocks dropped for being late", registry=registry)
        self.model_load_s = Gauge(name("model_load_seconds"), "Time that loading took", registry=registry)
        self.memory = Gauge(name("process_memory_bytes"), "Resident memory", registry=registry)
        self.ratings = Counter(name("ratings"), "Ratings by listeners", ["preset", "stars"], registry=registry)
        self.quality = Gauge(
            name("quality"), "Mean of the last measured conversions", ["metric", "preset"], registry=registry
        )
        self.drift = Gauge(
            name("quality_drift"), "That mean less the baseline's", ["metric", "preset"], registry=registry
        )
        self.memory.set_function(lambda: float(psutil.Process().memory_info().rss))

    def watch_disk(self, folder: Path) -> None:
        """Reads the space where jobs and voices are written at each scrape; folder: one that exists."""
        free = Gauge("autovoice_disk_free_bytes", "Free where jobs are written", registry=self.registry)
        free.set_function(lambda: float(shutil.disk_usage(folder).free))
        total = Gauge("autovoice_disk_total_bytes", "Of the disk there", registry=self.registry)
        total.set_function(lambda: float(shutil.disk_usage(folder).total))

    def watch_device(self, device: str) -> None:
        """Reads memory and utilisation of a CUDA device at each scrape."""
        if not device.startswith("cuda") or find_spec("torch") is None:
            return
        import torch

        memory = Gauge("autovoice_device_memory_bytes", "Allocated on the GPU", registry=self.registry)
        memory.set_function(lambda: float(torch.cuda.memory_allocated(device)))
        total = Gauge("autovoice_device_memory_total_bytes", "Of the GPU", registry=self.registry)
        total.set_function(lambda: float(torch.cuda.get_device_properties(device).total_memory))
        use = Gauge("autovoice_device_utilisation_ratio", "Of the GPU, 0 to 1", registry=self.registry)
        use.set_function(lambda: torch.cuda.utilization(device) / 100)


def tracer_of(traces: str) -> Tracer | None:
    """Who is told of each stage, as OpenTelemetry spans; traces: as serve.traces. Raises ConfigError without the packages."""
    if not traces:
        return None
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"needs the package {error.name}", "serve.traces", "pip install 'autovoice[traces]'"
        ) from error
    provider = TracerProvider(resource=Resource.create({"service.name": "autovoice"}))
    provider.add_span_processor(BatchSpanProcessor(_exporter(traces)))
    tracer = provider.get_tracer("autovoice")

    def span(name: str) -> AbstractContextManager:
        return tracer.start_as_current_span(name)

    return span


def _exporter(traces: str) -> Any:
    if traces == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter()
    if not traces.startswith(("http://", "https://")):
        raise ConfigError(
            f"{traces!r} is neither console nor an address", "serve.traces", "write http://host:4318/v1/traces"
        )
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"needs the package {error.name}", "serve.traces", "pip install 'autovoice[traces]'"
        ) from error
    return OTLPSpanExporter(endpoint=traces)
