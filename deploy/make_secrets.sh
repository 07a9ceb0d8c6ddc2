#!/bin/sh
# Random secrets for docker-compose.yml in deploy/secrets (never in git); what is there stays.
set -eu
umask 022
cd "$(dirname "$0")"
mkdir -p secrets && chmod 700 secrets  # the containers' users differ from this one: the folder is closed, its files are not
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
keep() { [ -s "secrets/$1" ] || cat >"secrets/$1"; }
for name in postgres_password s3_password grafana_password; do random | keep "$name"; done
printf autovoice | keep s3_user
printf 'http://127.0.0.1:9/unset' | keep alert_webhook
: >>secrets/metrics_key
keep pg_service.conf <<EOF
[autovoice]
host=postgres
dbname=autovoice
user=autovoice
password=$(cat secrets/postgres_password)

[mlflow]
host=postgres
dbname=mlflow
user=autovoice
password=$(cat secrets/postgres_password)
EOF
keep s3_credentials <<EOF
[default]
aws_access_key_id=$(cat secrets/s3_user)
aws_secret_access_key=$(cat secrets/s3_password)
EOF
