#!/usr/bin/env bash
# What a GPU is worth, measured in calls of under ten minutes, each of which goes on where the last one ended:
#
#     ICL_OMNIGLOT=FOLDER bash benchmarks/gpu.sh RESULTS [SECONDS]
#
# 1. RESULTS/table.*: every engine over classes, layers and batches, and ensembles (bench_table.py)
# 2. RESULTS/profile.json: where an update of the full model on 105x105 images goes, beside the ceilings of the device
# 3. RESULTS/figure3a: five class counts, 50,000 updates each, one run after the other; then the figure and its CSVs
#
# DEVICE=cpu ENGINE=eager STEPS=20 COUNTS="16 32" MORE="--data.downsample --batch-size 4" tries the whole on a machine without one.
set -euo pipefail

if [ $# -lt 1 ]; then
  echo "gpu.sh: error: the folder of the results must be given: bash benchmarks/gpu.sh RESULTS [SECONDS]" >&2
  exit 2
fi
results=$1
ends=$((SECONDS + ${2:-540}))
device=${DEVICE:-cuda}
engine=${ENGINE:-fused}
steps=${STEPS:-50000}
counts=${COUNTS:-100 200 400 800 1600}
read -ra more <<<"${MORE:-}"
here=$(cd "$(dirname "$0")" && pwd)
omniglot=${ICL_OMNIGLOT:?the folder of Omniglot}
mkdir -p "$results"

left() { echo $((ends - SECONDS)); }

if [ ! -e "$results/table.csv" ] && [ "$(left)" -gt 120 ]; then
  python3 "$here/bench_table.py" --device "$device" --out "$results/table" --minutes "${MINUTES:-1}"
fi
if [ ! -e "$results/profile.json" ] && [ "$(left)" -gt 60 ]; then
  timeout "$(left)" python3 -m icl_train profile chan2022 --data.omniglot "$omniglot" --device "$device" \
    --engine "$engine" "${more[@]}" --json >"$results/profile.part"
  mv "$results/profile.part" "$results/profile.json"
fi
if [ ! -e "$results/figure3a.done" ]; then
  if [ "$(left)" -le 30 ]; then
    echo "not done yet: the same command goes on"
    exit 0
  fi
  started=$SECONDS
  # shellcheck disable=SC2086 # the counts are words
  timeout --signal TERM "$(($(left) - 20))" python3 -m icl_train sweep figure3a --class-counts $counts \
    --max-steps "$steps" --data.omniglot "$omniglot" --device "$device" --engine "$engine" \
    --jobs 1 --root "$results/figure3a" "${more[@]}" || status=$?
  echo "$((SECONDS - started)) s" >>"$results/figure3a.seconds"
  if [ "${status:-0}" -ne 0 ]; then
    echo "not done yet (exit code $status): the same command goes on"
    exit 0
  fi
  touch "$results/figure3a.done"
fi
if python3 -c "import icl_eval, polars" 2>/dev/null; then
  python3 -m icl_eval figure3a "$results/figure3a" --out "$results/figure3a-figure"
else
  echo "icl-eval is not installed here: draw the figure with icl-eval figure3a $results/figure3a"
fi
