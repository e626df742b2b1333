// What a caller of the twin sees: kernels by name.
#pragma once

#include "../lanes.h"

struct TwinKernel {
  void (*run)(const void *args, unsigned warps);
  size_t argsSize;
};

const std::map<std::string, TwinKernel> &twinKernels();
