# CPU image of the command line: docker build -t autovoice . && docker run --rm -v "$PWD:/work" autovoice doctor
FROM python:3.11-slim-bookworm AS build
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /build
RUN python -m venv /opt/autovoice
ENV PATH=/opt/autovoice/bin:$PATH
COPY requirements/lock.txt requirements/lock.txt
RUN pip install --no-cache-dir --extra-index-url "$TORCH_INDEX" -r requirements/lock.txt
COPY pyproject.toml README.md LICENSE ./
COPY conf conf
COPY src src
RUN pip install --no-cache-dir --no-deps --no-build-isolation . && pip check

FROM python:3.11-slim-bookworm
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home autovoice
COPY --from=build /opt/autovoice /opt/autovoice
ENV PATH=/opt/autovoice/bin:$PATH OMP_WAIT_POLICY=PASSIVE PYTHONUTF8=1 MLFLOW_DISABLE_TELEMETRY=true
USER autovoice
WORKDIR /work
HEALTHCHECK NONE
ENTRYPOINT ["autovoice"]
CMD ["--help"]
