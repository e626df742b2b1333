#!/usr/bin/env bash
# Builds the CUDA driver library without a device (fakecuda.cpp) with the twins of the kernels. usage: build.sh OUTPUT.so
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
compiler=${CXX:-}
for candidate in clang++-19 clang++ g++; do
  [ -n "$compiler" ] || compiler=$(command -v "$candidate" || true)
done
[ -n "$compiler" ] || { echo "build.sh: no C++ compiler (clang++-19, clang++ or g++)" >&2; exit 3; }
mkdir -p "$(dirname "$1")"
"$compiler" -std=c++20 -O3 -march=native -ffp-contract=fast -fPIC -shared -fvisibility=hidden -Wno-psabi -Wno-unknown-pragmas \
  -o "$1" "$here/fakecuda.cpp" "$here/kernels.cpp"
