#!/bin/sh
# What the container image holds, into the environment $1 (the Dockerfile and scripts/rehearse_image.sh run these same steps).
# TORCH_INDEX: an index of torch wheels; empty takes the default index, whose Linux wheels bring their own CUDA.
set -eu
target=$1
python3 -m venv "$target"
"$target/bin/pip" install --disable-pip-version-check ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} \
  -c requirements/lock.txt -c requirements/image.txt ".[train,metrics,serve,speech,postgres,s3,traces]"
"$target/bin/pip" check
python3 -m venv "$target.tools"
"$target.tools/bin/pip" install --disable-pip-version-check --quiet cyclonedx-bom==7.5.0
mkdir -p "$target/share/autovoice"
"$target.tools/bin/cyclonedx-py" environment "$target/bin/python" --output-reproducible -o "$target/share/autovoice/sbom.cdx.json"
cp metrics/baseline.json "$target/share/autovoice/baseline.json"
rm -rf "$target.tools"
