// The kernels of this repository as functions of a processor: the same sources, compiled against the lanes of lanes_twin.h.
#include "kernels.h"

thread_local Additions additions;

#include "../kernels.cu"

const std::map<std::string, TwinKernel> &twinKernels() {
  static const std::map<std::string, TwinKernel> kernels = {
      {"skipgram_q1", {skipgram_q1, sizeof(SkipGramArgs)}},
      {"skipgram_q2", {skipgram_q2, sizeof(SkipGramArgs)}},
      {"skipgram_q3", {skipgram_q3, sizeof(SkipGramArgs)}},
      {"skipgram_q4", {skipgram_q4, sizeof(SkipGramArgs)}},
      {"scores_mma", {scores_mma, sizeof(ScoresArgs)}},
      {"scores_fma", {scores_fma, sizeof(ScoresArgs)}},
      {"best_scores", {best_scores, sizeof(BestArgs)}},
      {"add_rows", {add_rows, sizeof(ReduceArgs)}},
  };
  return kernels;
}
