// Scores of many rows against many rows, and the best of them: nearest neighbours of words and assignment to centres.
//
// scores_* is a matrix product A x B' of rows that both lie along the depth, with a factor and a term per column. A warp makes
// tiles of 32 x 32. The tensor cores take 10 bits of mantissa, so every input is split into a high and a low part and three of
// the four products are summed: the result is as good as with floats. best keeps the greatest scores of each row.
#include "lanes.h"

struct ScoresArgs {
  const float *a, *b; // rows x depth and columns x depth; both padded with zeros to whole tiles
  const float *term;  // per column, or null
  float *c;           // rows x columns
  unsigned rows, columns, depth;
  unsigned stride;    // floats from row to row of c
  float factor;
  unsigned sharedFloats;
};

static constexpr unsigned tile = 32;

// loadTile copies 32 rows of 32 floats into shared memory, rows `pitch` floats apart.
template <unsigned pitch> DEVICE void loadTile(float *to, const float *from, unsigned depth) {
  laneu lane = laneId();
  lanem all = lane < tile;
  for (unsigned r = 0; r < tile; r++) scatter(to + r * pitch, lane, gather(from + (wide)r * depth, lane, all), all);
}

DEVICE void storeScores(const ScoresArgs &a, laneu row, laneu column, lanef sum) {
  lanem on = row < a.rows && column < a.columns;
  lanef term = everywhereFloat(0);
  if (a.term) term = gather(a.term, column, on);
#ifdef __CUDA_ARCH__
  if (on) a.c[(wide)row * a.stride + column] = sum * a.factor + term;
#else
  lanef value = sum * a.factor + term;
  EACH if (on.v[l]) a.c[(wide)row.v[l] * a.stride + column.v[l]] = value.v[l];
#endif
}

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
// splitTF32 cuts a float into two that the tensor cores read without rounding, but for the last bits of the second.
DEVICE void splitTF32(lanef v, laneu &high, laneu &low) {
  high = bitsOf(v) & 0xffffe000u;
  low = bitsOf(v - floatOf(high)) & 0xffffe000u;
}

DEVICE void scoreTilesMMA(const ScoresArgs &a, unsigned warp, unsigned warps, float *shared) {
  constexpr unsigned pitch = 36; // lanes of a fragment fall on different banks
  float *as = shared, *bs = shared + tile * pitch;
  laneu group = laneId() >> 2u, in = laneId() & 3u;
  unsigned across = (a.columns + tile - 1) / tile, tiles = across * ((a.rows + tile - 1) / tile);
  for (unsigned t = warp; t < tiles; t += warps) {
    unsigned row = t / across * tile, column = t % across * tile;
    lanef sums[2][4][4];
    UNROLL for (int m = 0; m < 2; m++)
      UNROLL for (int n = 0; n < 4; n++)
        UNROLL for (int r = 0; r < 4; r++) sums[m][n][r] = everywhereFloat(0);
    for (unsigned k = 0; k < a.depth; k += tile) {
      syncLanes();
      loadTile<pitch>(as, a.a + (wide)row * a.depth + k, a.depth);
      loadTile<pitch>(bs, a.b + (wide)column * a.depth + k, a.depth);
      syncLanes();
      lanem all = laneId() < tile;
      for (unsigned step = 0; step < tile; step += 8) {
        laneu ahigh[2][4], alow[2][4];
        UNROLL for (int m = 0; m < 2; m++) {
          UNROLL for (int r = 0; r < 4; r++) {
            laneu at = (group + (unsigned)(16 * m + 8 * (r & 1))) * pitch + in + step + (unsigned)(4 * (r >> 1));
            splitTF32(gather(as, at, all), ahigh[m][r], alow[m][r]);
          }
        }
        UNROLL for (int n = 0; n < 4; n++) {
          laneu bhigh[2], blow[2];
          UNROLL for (int r = 0; r < 2; r++) {
            laneu at = (group + (unsigned)(8 * n)) * pitch + in + step + (unsigned)(4 * r);
            splitTF32(gather(bs, at, all), bhigh[r], blow[r]);
          }
          UNROLL for (int m = 0; m < 2; m++) {
            mmaTF32(sums[m][n], alow[m], bhigh);
            mmaTF32(sums[m][n], ahigh[m], blow);
            mmaTF32(sums[m][n], ahigh[m], bhigh);
          }
        }
      }
    }
    UNROLL for (int m = 0; m < 2; m++)
      UNROLL for (int n = 0; n < 4; n++)
        UNROLL for (int r = 0; r < 4; r++)
          storeScores(a, group + (row + 16 * m + 8 * (r >> 1)), in * 2u + (column + 8 * n + (r & 1)), sums[m][n][r]);
  }
}
KERNEL(scores_mma, ScoresArgs, scoreTilesMMA)
#endif

// scoreTilesFMA is for devices without tensor cores that take floats: lane l makes column l of a tile.
DEVICE void scoreTilesFMA(const ScoresArgs &a, unsigned warp, unsigned warps, float *shared) {
  constexpr unsigned pitch = 33; // lanes read one column of the tile from different banks
  float *as = shared, *bs = shared + tile * pitch;
  unsigned across = (a.columns + tile - 1) / tile, tiles = across * ((a.rows + tile - 1) / tile);
  lanem all = laneId() < tile;
  for (unsigned t = warp; t < tiles; t += warps) {
    unsigned row = t / across * tile, column = t % across * tile;
    lanef sums[tile];
    UNROLL for (unsigned r = 0; r < tile; r++) sums[r] = everywhereFloat(0);
    for (unsigned k = 0; k < a.depth; k += tile) {
      syncLanes();
      loadTile<pitch>(as, a.a + (wide)row * a.depth + k, a.depth);
      loadTile<pitch>(bs, a.b + (wide)column * a.depth + k, a.depth);
      syncLanes();
      for (unsigned d = 0; d < tile; d++) {
        lanef b = gather(bs, laneId() * pitch + d, all);
        UNROLL for (unsigned r = 0; r < tile; r++) sums[r] = sums[r] + b * as[r * pitch + d];
      }
    }
    UNROLL for (unsigned r = 0; r < tile; r++) storeScores(a, everywhere(row + r), laneId() + column, sums[r]);
  }
}
KERNEL(scores_fma, ScoresArgs, scoreTilesFMA)

struct BestArgs {
  const float *scores; // rows x columns
  float *best;         // rows x top, in no order
  unsigned *ids;       // of them
  unsigned rows, columns, stride;
  unsigned firstID;    // of the first column
  unsigned top;
  unsigned fresh;      // 1: forget what is in best and ids
  unsigned sharedFloats;
};

static constexpr float lowestScore = -3.4e38f;

// findLowest is the lowest of the scores that are kept, and its place.
DEVICE void findLowest(const float *kept, unsigned top, float &score, unsigned &place) {
  lanef low = everywhereFloat(3.4e38f);
  laneu at = everywhere(0);
  for (unsigned from = 0; from < top; from += warpLanes) {
    laneu i = laneId() + from;
    lanem on = i < top;
    lanef v = gather(kept, i, on);
    lanem less = on && v < low;
    low = select(less, v, low);
    at = select(less, i, at);
  }
#define FOLD(M)                                                              \
  {                                                                          \
    lanef other = shuffleXor<M>(low);                                        \
    laneu otherAt = shuffleXor<M>(at);                                       \
    lanem less = other < low || (other == low && otherAt < at);              \
    low = select(less, other, low);                                          \
    at = select(less, otherAt, at);                                          \
  }
  FOLD(16) FOLD(8) FOLD(4) FOLD(2) FOLD(1)
#undef FOLD
  score = bcast(low, 0u);
  place = bcast(at, 0u);
}

DEVICE void keepBest(const BestArgs &a, unsigned warp, unsigned warps, float *shared) {
  float *kept = shared;
  unsigned *ids = (unsigned *)(shared + a.top);
  for (unsigned row = warp; row < a.rows; row += warps) {
    syncLanes();
    for (unsigned from = 0; from < a.top; from += warpLanes) {
      laneu i = laneId() + from;
      lanem on = i < a.top, old = on && a.fresh == 0;
      scatter(kept, i, select(old, gather(a.best + (wide)row * a.top, i, old), lowestScore), on);
      scatter(ids, i, select(old, gather(a.ids + (wide)row * a.top, i, old), 0xffffffffu), on);
    }
    syncLanes();
    float lowest;
    unsigned place;
    findLowest(kept, a.top, lowest, place);
    for (unsigned from = 0; from < a.columns; from += warpLanes) {
      laneu column = laneId() + from;
      lanem on = column < a.columns;
      lanef score = gather(a.scores + (wide)row * a.stride, column, on);
      for (unsigned better = ballot(on && score > lowest); better != 0; better &= better - 1) {
        unsigned lane = (unsigned)__builtin_ctz(better);
        float candidate = bcast(score, lane);
        if (!(candidate > lowest)) continue;
        kept[place] = candidate;
        ids[place] = a.firstID + from + lane;
        syncLanes();
        findLowest(kept, a.top, lowest, place);
      }
    }
    syncLanes();
    for (unsigned from = 0; from < a.top; from += warpLanes) {
      laneu i = laneId() + from;
      lanem on = i < a.top;
      scatter(a.best + (wide)row * a.top, i, gather(kept, i, on), on);
      scatter(a.ids + (wide)row * a.top, i, gather(ids, i, on), on);
    }
  }
}
KERNEL(best_scores, BestArgs, keepBest)

// For measuring: additions to random rows, which is half of what training does. Rows are evenly spread or as words are.
struct ReduceArgs {
  float *rows;
  const unsigned *aliases; // as in training; null draws evenly
  unsigned words, quads, perWarp;
  unsigned sharedFloats;
};
#include "random.h"
DEVICE void addRows(const ReduceArgs &a, unsigned warp, unsigned, float *) {
  quad one = zeroQuad();
  for (unsigned i = 0; i < a.perWarp; i += warpLanes) {
    Random random = drawRandom(1u, laneId() + i, warp);
    laneu slot = mulHigh(random.first, everywhere(a.words));
    if (a.aliases) {
      lanem all = laneId() < warpLanes;
      slot = select(random.second <= gather(a.aliases, slot * 2u, all), slot, gather(a.aliases, slot * 2u + 1u, all));
    }
    for (unsigned k = 0; k < warpLanes; k++)
      for (unsigned q = 0; q < a.quads; q++) addWeights(a.rows + ((wide)bcast(slot, k) * a.quads + q) * quadFloats, one);
  }
}
KERNEL(add_rows, ReduceArgs, addRows)
