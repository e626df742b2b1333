// All kernels as one translation unit, so that there is one file of PTX for each generation of devices.
#include "skipgram.cu"
#include "scores.cu"
