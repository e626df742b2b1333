// Random numbers by counter: the same (key, counter) gives the same number on any grid, in any order, on any device.
#pragma once

#include "lanes.h"

struct Random { laneu first, second; };

// drawRandom is Philox2x32 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011, with the seven rounds that
// the paper shows to pass its test batteries.
DEVICE Random drawRandom(unsigned key, laneu low, unsigned high) {
  laneu a = low, b = everywhere(high);
  UNROLL for (int round = 0; round < 7; round++) {
    laneu product = mulHigh(a, everywhere(0xD256D193u));
    laneu next = product ^ b ^ key;
    b = a * 0xD256D193u;
    a = next;
    key += 0x9E3779B9u;
  }
  return Random{a, b};
}
