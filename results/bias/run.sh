#!/bin/sh
# The comparisons and measurements of this folder, from the runs (their commands are in README.md):
#   results/bias/run.sh RUNS
set -eu
runs=$1 here=$(dirname "$0")
compare() {
    name=$1
    shift
    icl-eval compare "$@" --where data.n-rare-classes=8182 --out "$here/$name" > "$here/$name.txt"
    rm "$here/$name/compare.pdf" "$here/$name/compare.svg" # the picture once
    sed -i '/compare[._a-z]*\.[a-z]*$/d' "$here/$name.txt"
    mv "$here/$name.txt" "$here/$name/said.txt"
}
metric="--metric fewshot_holdout/accuracy_closed"
compare linear "$runs/linear" --with "$runs/vector" $metric
compare linear-loss "$runs/linear" --with "$runs/vector" --metric train/loss --threshold 1
for group in mark-items mark-all mark-labels mark-late mark-early mark-fixed; do
    [ -d "$runs/$group" ] || continue
    compare $group "$runs/$group" --with "$runs/vector" $metric --names $group vector
    compare $group-loss "$runs/$group" --with "$runs/vector" --metric train/loss --threshold 1 --names $group vector
done
set -- "$runs/linear" "$runs/vector"
for group in "$runs"/vector-checkpoints "$runs"/mark-*; do
    [ -d "$group" ] && set -- "$@" "$group"
done
python "$here/measure.py" "$@" --out "$here/checkpoints.csv"
python "$here/../fill.py"
