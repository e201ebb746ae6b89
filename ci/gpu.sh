#!/usr/bin/env bash
# Runs claims on a machine that is lent for a while, and brings the results home.
#
#   OUT=DIR SECONDS_LEFT=540 ci/gpu.sh [arguments for pytest]
#
# MARK (default gpu) and WORKERS (default 4) choose what runs; WHEELS names a folder of wheels to install first, where no
# index can be reached. After SECONDS_LEFT the run is interrupted as by Ctrl-C: what is done is in the table, the same
# call goes on. $OUT receives log.txt, report.tgz and records.tgz: the records without weights, predictions and unfinished
# trainings, and the plans that ended; unpacked into a store (tar -xzf records.tgz -C STORE), they are decided and recorded anywhere.
set -u
cd "$(dirname "$0")/.."
: "${OUT:?Expected OUT to name a folder for the results; set it.}"
store="${STORE:-$OUT/../claims-store}"
report="$(mktemp -d)"
python="${PYTHON:-python3}"
if [ -n "${WHEELS:-}" ]; then
    site="$(mktemp -d)"
    "$python" -m pip install -q --no-index --no-deps --no-compile --target "$site" "$WHEELS"/*.whl || exit
    export PYTHONPATH="$site"
fi
mkdir -p "$OUT" "$store"
timeout -s INT -k 60 "${SECONDS_LEFT:-540}" "$python" -m pytest claims/ -m "${MARK:-gpu}" -n "${WORKERS:-4}" -v \
    --claims-store="$store" --claims-report="$report" "$@" 2>&1 | tee "$OUT/log.txt"
status=${PIPESTATUS[0]}
tar -C "$report" -czf "$OUT/report.tgz" .
mkdir -p "$store/entries" "$store/plans"
tar -C "$store" --exclude=weights.pt --exclude="*predictions.npz" -czf "$OUT/records.tgz" entries plans
exit "$status"
