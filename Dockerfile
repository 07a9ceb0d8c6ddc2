# CPU:  docker build -t autovoice .
# CUDA: docker build -t autovoice:gpu --build-arg DEVICE=gpu --build-arg TORCH_INDEX= .
# Both stand on the same base: the CUDA wheels of torch bring CUDA, so that a base of NVIDIA's would be a second copy of it.
ARG DEVICE=cpu
ARG BASE=python:3.11-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b

FROM ${BASE} AS build
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
# The base names the release, and Debian keeps no old versions that could be pinned.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends gcc g++ libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY requirements requirements
COPY scripts/install_image.sh scripts/install_image.sh
COPY pyproject.toml README.md LICENSE ./
COPY conf conf
COPY metrics/baseline.json metrics/baseline.json
COPY src src
RUN --mount=type=cache,target=/root/.cache/pip TORCH_INDEX="$TORCH_INDEX" sh scripts/install_image.sh /opt/autovoice

FROM ${BASE} AS runtime-cpu
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 tini && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --home-dir /data --no-create-home autovoice \
    && install -d -o autovoice -g autovoice /data
COPY --from=build /opt/autovoice /opt/autovoice
# All that is written goes to /data or /tmp: the root file system may be read-only.
ENV PATH=/opt/autovoice/bin:$PATH HOME=/data XDG_CACHE_HOME=/data/cache NUMBA_CACHE_DIR=/tmp/numba MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUTF8=1 OMP_WAIT_POLICY=PASSIVE MLFLOW_DISABLE_TELEMETRY=true
LABEL org.opencontainers.image.title=autovoice \
      org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.description="Reproducible voice cloning, conversion and measurement" \
      autovoice.sbom=/opt/autovoice/share/autovoice/sbom.cdx.json \
      autovoice.sbom.format=CycloneDX
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=90s --retries=4 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["tini", "--", "autovoice"]
CMD ["serve", "--host", "0.0.0.0", "--no-browser", "--data", "/data/serve", "--voices", "/data/voices", \
     "serve.baseline=/opt/autovoice/share/autovoice/baseline.json"]

FROM runtime-cpu AS runtime-gpu
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility

# One of the two stages above.
# hadolint ignore=DL3006
FROM runtime-${DEVICE}
