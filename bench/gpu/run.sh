#!/usr/bin/env bash
# Measures training on a GPU, in one call of less than nine minutes.
#
#   bench/gpu/run.sh --prepare   builds static programs and copies the corpus into build/gpu/carry (needs Go, and DATA)
#   bench/gpu/run.sh             measures on this machine's GPU; takes what --prepare has built, so it needs neither Go nor network
#   bench/gpu/run.sh --dry-run   all steps on the fake CUDA driver with a small part of the corpus (needs Go and a C++ compiler)
#
# DATA is the folder with books16m.txt.gz and the word tests (default ../shared/data/word2vec). Results go to $OUT, or to
# bench/results/ if OUT is not set: gpu.json, gpu.md, additions.json and the logs.
set -euo pipefail
cd "$(dirname "$0")/../.."

carry=build/gpu/carry
data=${DATA:-../shared/data/word2vec}

prepare() {
  mkdir -p "$carry/data"
  for target in gpubench:./bench/gpu/gpubench spurwheel-gpu:./cmd/spurwheel-gpu; do
    CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$carry/${target%%:*}" "${target#*:}"
  done
  CGO_ENABLED=0 go test -c -trimpath -ldflags '-s -w' -o "$carry/helper.test" ./cmd/spurwheel-gpu
  CGO_ENABLED=0 go test -c -trimpath -ldflags '-s -w' -o "$carry/work.test" ./cmd/spurwheel-gpu/internal/work
  for file in books16m.txt.gz EN-MEN-TR-3k.txt EN-WS-353-ALL.txt EN-SIMLEX-999.txt questions-words.txt; do
    cmp -s "$data/$file" "$carry/data/$file" || cp -f "$data/$file" "$carry/data/$file"
  done
  du -sh "$carry"
}

# step NAME LIMIT COMMAND... runs one step; a step that fails does not keep the others from running.
failures=0
step() {
  local name=$1 limit=$2 began=$SECONDS
  shift 2
  if timeout "$limit" "$@" >"$out/$name.log" 2>&1; then
    echo "$name: ok, $((SECONDS - began)) s"
  else
    echo "$name: FAILED ($?), $((SECONDS - began)) s"
    tail -n 15 "$out/$name.log"
    failures=$((failures + 1))
  fi
}

driver=
tests='Training|Helper|Faults|Start|BadCorpus|Nearest|Assign'
additions=1
bench_args=()
limit=360
tests_limit=90
case ${1:-} in
  --prepare)
    prepare
    exit
    ;;
  --dry-run)
    prepare
    driver=${SPURWHEEL_TEST_CUDA:-$PWD/build/gpu/libfakecuda.so}
    [ -n "${SPURWHEEL_TEST_CUDA:-}" ] || gpu/kernel/twin/build.sh "$driver"
    additions=
    limit=1200 tests_limit=600 # a processor is no GPU
    bench_args=(-sentences 400 -sweep 1 -repeat 1 -rows 0:0 -seeds 1 -epochs 1)
    OUT=${OUT:-build/gpu/dry-run}
    ;;
  '')
    driver=$(ldconfig -p 2>/dev/null | awk '/libcuda\.so\.1 / {print $NF; exit}') || true # awk ends before ldconfig does
    for candidate in /usr/local/nvidia/lib64/libcuda.so.1 /usr/local/nvidia/lib/libcuda.so.1; do
      [ -n "$driver" ] || { [ -e "$candidate" ] && driver=$candidate; } || true
    done
    driver=${driver:-libcuda.so.1}
    # Tests that make the driver fail belong to the fake one.
    tests='PlainLoops|Planted/(one|two)|Free|Cancelled|Killed|Parent|BadCorpus'
    ;;
  *)
    echo "usage: $0 [--prepare|--dry-run]" >&2
    exit 2
    ;;
esac

out=${OUT:-bench/results}
mkdir -p "$out"
out=$(cd "$out" && pwd)
export SPURWHEEL_GPU_HELPER=$PWD/$carry/spurwheel-gpu SPURWHEEL_TEST_CUDA=$driver SPURWHEEL_GPU_DRIVER=$driver

command -v nvidia-smi >/dev/null && step nvidia-smi 30 nvidia-smi
step gpu-tests "$tests_limit" "$carry/helper.test" -test.run "$tests" -test.v
step gpu-additions 60 env ${additions:+SPURWHEEL_ADDITIONS="$out/additions.json"} "$carry/work.test" -test.v
step gpu-bench "$limit" "$carry/gpubench" -helper "$SPURWHEEL_GPU_HELPER" -driver "$driver" -data "$carry/data" -out "$out" \
  -deadline 4m30s "${bench_args[@]}"
cat "$out/gpu.md" 2>/dev/null || true
echo "$failures steps failed, $SECONDS s"
exit $((failures > 0))
