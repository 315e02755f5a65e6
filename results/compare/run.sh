#!/bin/sh
# The comparisons of this folder, from the runs (their commands are in README.md) and the archived CSV files:
#   results/compare/run.sh RUNS ARCHIVE
set -eu
runs=$1 archive=$2 here=$(dirname "$0")
compare() {
    name=$1
    shift
    icl-eval compare "$@" --names "PyTorch" "JAX" --out "$here/$name" > "$here/$name.txt"
    rm "$here/$name/compare.pdf" "$here/$name/compare.svg" # the picture once
    sed -i '/compare[._a-z]*\.[a-z]*$/d' "$here/$name.txt"
    mv "$here/$name.txt" "$here/$name/said.txt"
}
compare gaussian-8192 "$runs/linear" "$runs/linear-split0" --where data.n-rare-classes=8182 --with "$archive"/gaussian-8192-s*.csv
compare gaussian-8192-loss "$runs/linear" "$runs/linear-split0" --where data.n-rare-classes=8182 --with "$archive"/gaussian-8192-s*.csv \
    --metric train/loss --threshold 1
compare gaussian-100 "$runs/linear" "$runs/linear-split0" --where data.n-rare-classes=90 --with "$archive"/gaussian-100-s*.csv
compare symbolic-100 "$runs/symbolic" --with "$archive"/symbolic-100-s*.csv
python "$here/../fill.py"
