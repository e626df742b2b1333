#!/usr/bin/env bash
# Compiles the kernels to PTX with Debian's clang; no part of NVIDIA's toolkit is needed. usage: ptx.sh OUTPUT-FOLDER
set -euo pipefail

out=$1
clang=${CLANG:-clang-19}
here=$(cd "$(dirname "$0")" && pwd)

# compile ARCHITECTURE PTX-VERSION: the PTX version bounds which drivers take it. 8.1 has vector reductions (CUDA 12.1 and
# later), 6.0 is what Volta came with.
compile() {
  (cd "$here" && "$clang" -x cuda --cuda-device-only --cuda-gpu-arch="$1" -nocudainc -nocudalib \
    -Xclang -target-feature -Xclang "+ptx$2" -std=c++20 -O3 -Wall -Werror -Wno-unknown-cuda-version -Wno-pass-failed \
    -S -o - kernels.cu) >"$out/$1.ptx"
}

mkdir -p "$out"
"$clang" --version | grep -q 'version 19\.1\.7' || { echo "ptx.sh: the committed PTX is made by clang 19.1.7 (Debian's clang-19), this is $("$clang" --version | head -1)" >&2; exit 1; }
compile sm_70 60
compile sm_90 81
