// Skip-gram with negative sampling, one warp a sentence, no barrier between warps.
//
// The input rows of a window live in a ring in shared memory for as long as they stay in the window; what they learned is
// added to the weights when they leave. The output rows of a word and its negative examples, which all neighbours of the word
// share, live in registers for the time of one word. So a word costs (1 + negatives + 1) rows read and as many added.
//
// Every addition is scaled by the row's cap: how much of its gradients a row may take when many sentences hold stale copies
// of it. Without caps frequent words are pushed too far by hundreds of warps at once, and training diverges.
#include "lanes.h"
#include "random.h"

struct SkipGramArgs {
  const unsigned *tokens;  // word ids of a block of sentences
  const unsigned *ends;    // sentence i is tokens[ends[i-1]:ends[i]]
  float *in, *out;         // weights, rows of whole quads
  const unsigned *keep;    // per word: it stays in its sentence if a random number is not above
  const unsigned *aliases; // per word of the target part: threshold and other word, as pairs
  const float *capIn, *capOut;
  unsigned *nextSentence;
  wide *wordsSeen;         // in all blocks of all epochs, for the learning rate
  wide *wordsTrained;      // of this launch
  float *loss;             // of this launch: sum and number of the sampled losses
  unsigned sentences;
  unsigned firstSentence;  // number of the block's first sentence in the corpus, for the random numbers
  unsigned window, negative;
  unsigned keySample, keyDraw;     // of the epoch
  float alpha, minAlpha;
  float perWord;                   // 1 / words of all epochs
  unsigned contextFrom, contextTo; // only neighbours with these ids are trained: the context part of this device
  unsigned targetFrom, targetTo;   // likewise words and their negative examples
  unsigned sharedFloats;           // shared memory of one warp
};

static constexpr unsigned lossEvery = 64; // one word of so many is measured

// foldLanes sums eight values over the lanes in nine shuffles instead of forty. Lane l receives the sum of value targetOf(l).
DEVICE lanef foldLanes(lanef f[8]) {
  laneu lane = laneId();
  lanem far = (lane & 16u) != 0u, middle = (lane & 8u) != 0u, near = (lane & 4u) != 0u;
  UNROLL for (int k = 0; k < 4; k++) f[k] = select(far, f[k + 4], f[k]) + shuffleXor<16>(select(far, f[k], f[k + 4]));
  UNROLL for (int k = 0; k < 2; k++) f[k] = select(middle, f[k + 2], f[k]) + shuffleXor<8>(select(middle, f[k], f[k + 2]));
  lanef sum = select(near, f[1], f[0]) + shuffleXor<4>(select(near, f[0], f[1]));
  sum = sum + shuffleXor<2>(sum);
  return sum + shuffleXor<1>(sum);
}
DEVICE laneu targetOf(laneu lane) { return ((lane >> 4u) & 1u) * 4u + ((lane >> 3u) & 1u) * 2u + ((lane >> 2u) & 1u); }
DEVICE unsigned laneOf(int target) { return 16 * (target >> 2 & 1) + 8 * (target >> 1 & 1) + 4 * (target & 1); }

// Q is the number of quads in a row, G how many output rows are held in registers at a time (at most 8).
template <int Q, int G> struct SkipGramWarp {
  static constexpr unsigned rowFloats = Q * quadFloats;

  float *ring;      // slots x (the row now, the row when it came)
  unsigned *words;  // the word of each slot
  unsigned *queue;  // words that survived sub-sampling and wait for their turn
  unsigned slots;
  unsigned sentence, begin_, cursor, end; // raw words
  unsigned queued, taken;                 // of the queue
  unsigned admitted, centre;              // kept words of the sentence: those put in the ring, and the one to train next
  unsigned slotAdmit, slotCentre;
  unsigned comingWord;
  bool active, coming;
  float alpha, loss, losses;
  laneu drawn; // lane k holds the k-th negative example of the word to train next, lane 0 the reach of its window
  quad comingRow[Q]; // read one word ahead, so that no word waits for memory

  METHOD void begin(const SkipGramArgs &a, float *shared) {
    slots = 2 * a.window + 1;
    ring = shared;
    words = (unsigned *)(shared + slots * 2 * rowFloats);
    queue = words + slots;
    active = false;
    loss = 0, losses = 0;
  }

  // step trains one word; false when no sentence is left.
  METHOD bool step(const SkipGramArgs &a) {
    if (!active && !start(a)) return false;
    while (coming && admitted <= centre + a.window) admit(a);
    if (centre == admitted) {
      finish(a);
      return true;
    }
    trainWord(a);
    centre++;
    slotCentre = slotCentre + 1 == slots ? 0 : slotCentre + 1;
    return true;
  }

  METHOD bool start(const SkipGramArgs &a) {
    sentence = take(a.nextSentence);
    if (sentence >= a.sentences) return false;
    begin_ = cursor = sentence == 0 ? 0 : a.ends[sentence - 1];
    end = a.ends[sentence];
    wide seen = addTo(a.wordsSeen, end - begin_);
    float rate = a.alpha - (a.alpha - a.minAlpha) * ((float)seen * a.perWord);
    alpha = rate > a.minAlpha ? rate : a.minAlpha;
    queued = taken = admitted = centre = slotAdmit = slotCentre = 0;
    active = true;
    drawn = draw(a, 0);
    fetch(a);
    return true;
  }

  METHOD void finish(const SkipGramArgs &a) {
    unsigned held = admitted < slots ? admitted : slots;
    for (unsigned slot = 0; slot < held; slot++) retire(a, slot);
    addTo(a.wordsTrained, admitted);
    if (losses > 0) {
      addTo(a.loss, loss);
      addTo(a.loss + 1, losses);
    }
    loss = losses = 0;
    active = false;
  }

  // nextWord is the next word that survives sub-sampling.
  METHOD bool nextWord(const SkipGramArgs &a, unsigned &word) {
    while (taken == queued) {
      if (cursor >= end) return false;
      laneu at = laneId() + cursor;
      lanem on = at < end;
      laneu token = gather(a.tokens, at, on);
      Random random = drawRandom(a.keySample, at - begin_, a.firstSentence + sentence);
      unsigned kept = ballot(on && random.first <= gather(a.keep, token, on));
      syncLanes(); // every lane has read the last word of the queue
      packLanes(queue, token, kept);
      queued = __builtin_popcount(kept), taken = 0;
      cursor += warpLanes;
    }
    word = queue[taken++];
    return true;
  }

  METHOD bool isContext(const SkipGramArgs &a, unsigned word) { return word >= a.contextFrom && word < a.contextTo; }

  METHOD void fetch(const SkipGramArgs &a) {
    coming = nextWord(a, comingWord);
    if (!coming || !isContext(a, comingWord)) return;
    UNROLL for (int q = 0; q < Q; q++) comingRow[q] = loadWeights(a.in + (wide)comingWord * rowFloats + q * quadFloats);
  }

  // admit puts the coming row into the ring, in the place of the row that left the window.
  METHOD void admit(const SkipGramArgs &a) {
    if (admitted >= slots) retire(a, slotAdmit);
    float *row = ring + slotAdmit * 2 * rowFloats;
    UNROLL for (int q = 0; q < Q; q++) {
      storeShared(row + q * quadFloats, comingRow[q]);
      storeShared(row + rowFloats + q * quadFloats, comingRow[q]);
    }
    syncLanes(); // a lane that is ahead must not overwrite a word that others have still to read
    words[slotAdmit] = comingWord;
    admitted++;
    slotAdmit = slotAdmit + 1 == slots ? 0 : slotAdmit + 1;
    fetch(a);
  }

  METHOD void retire(const SkipGramArgs &a, unsigned slot) {
    unsigned word = words[slot];
    if (!isContext(a, word)) return;
    float cap = a.capIn[word];
    float *row = ring + slot * 2 * rowFloats;
    UNROLL for (int q = 0; q < Q; q++) {
      quad learned = loadShared(row + q * quadFloats);
      subtract(learned, loadShared(row + rowFloats + q * quadFloats));
      scale(learned, cap);
      addWeights(a.in + (wide)word * rowFloats + q * quadFloats, learned);
    }
  }

  // draw takes the reach of a word's window and its negative examples, and has the rows of these brought near.
  METHOD laneu draw(const SkipGramArgs &a, unsigned position) {
    laneu lane = laneId();
    Random random = drawRandom(a.keyDraw, lane + position * warpLanes, a.firstSentence + sentence);
    lanem on = lane >= 1u && lane <= a.negative;
    laneu slot = mulHigh(random.first, everywhere(a.targetTo - a.targetFrom));
    laneu threshold = gather(a.aliases, slot * 2u, on), other = gather(a.aliases, slot * 2u + 1u, on);
    laneu word = select(random.second <= threshold, slot, other) + a.targetFrom;
    laneu result = select(lane == 0u, mulHigh(random.first, everywhere(a.window)) + 1u, word);
    constexpr unsigned lines = Q * 4; // of 128 bytes in a row
    for (unsigned from = 0; from < a.negative * lines; from += warpLanes) {
      laneu line = lane + from;
      laneu id = shuffle(result, line / lines + 1u);
#ifdef __CUDA_ARCH__
      prefetchLine(a.out + (wide)id * rowFloats, (line % lines) * 32u, line < a.negative * lines);
#else
      (void)id;
#endif
    }
    return result;
  }

  METHOD void trainWord(const SkipGramArgs &a) {
    unsigned word = words[slotCentre];
    laneu examples = drawn;
    drawn = draw(a, centre + 1);
    if (word < a.targetFrom || word >= a.targetTo) return;
    unsigned reach = bcast(examples, 0u);
    unsigned from = centre > reach ? centre - reach : 0, to = centre + reach;
    if (to >= admitted) to = admitted - 1;
    for (unsigned first = 0; first <= a.negative; first += G) trainTargets(a, word, examples, first, from, to);
  }

  // trainTargets trains up to G output rows, example number first and those after it, against all neighbours.
  METHOD void trainTargets(const SkipGramArgs &a, unsigned word, laneu examples, unsigned first, unsigned from, unsigned to) {
    laneu number = targetOf(laneId()) + first;
    laneu example = shuffle(examples, number);
    lanem on = number <= a.negative && targetOf(laneId()) < (unsigned)G && (number == 0u || example != word);
    lanef rate = select(on, alpha, 0.0f), label = select(number == 0u, 1.0f, 0.0f);
    quad target[G][Q], delta[G][Q];
    unsigned ids[G];
    UNROLL for (int g = 0; g < G; g++) {
      ids[g] = first + g == 0 ? word : bcast(examples, first + g);
      bool there = first + g <= a.negative;
      UNROLL for (int q = 0; q < Q; q++) {
        target[g][q] = there ? loadWeights(a.out + (wide)ids[g] * rowFloats + q * quadFloats) : zeroQuad();
        delta[g][q] = zeroQuad();
      }
    }
    bool measure = centre % lossEvery == 0;
    for (unsigned at = nextContext(a, from, to); at <= to; measure = false) {
      unsigned place[2] = {slotOf(at), 0};
      at = nextContext(a, at + 1, to);
      if (at <= to) { // two neighbours at a time hide each other's latency
        place[1] = slotOf(at);
        at = nextContext(a, at + 1, to);
        trainContexts<2>(place, target, delta, rate, label, measure);
      } else {
        trainContexts<1>(place, target, delta, rate, label, measure);
      }
    }
    UNROLL for (int g = 0; g < G; g++) {
      if (first + g > a.negative || (first + g > 0 && ids[g] == word)) continue;
      float cap = a.capOut[ids[g]];
      UNROLL for (int q = 0; q < Q; q++) {
        scale(delta[g][q], cap);
        addWeights(a.out + (wide)ids[g] * rowFloats + q * quadFloats, delta[g][q]);
      }
    }
  }

  // nextContext is the first neighbour from at that this device trains; above to if there is none.
  METHOD unsigned nextContext(const SkipGramArgs &a, unsigned at, unsigned to) {
    while (at <= to && (at == centre || !isContext(a, words[slotOf(at)]))) at++;
    return at;
  }

  METHOD unsigned slotOf(unsigned position) {
    int slot = (int)slotCentre + (int)(position - centre);
    if (slot < 0) slot += slots;
    return (unsigned)slot >= slots ? slot - slots : slot;
  }

  template <int C>
  METHOD void trainContexts(const unsigned place[2], const quad (&target)[G][Q], quad (&delta)[G][Q], lanef rate, lanef label, bool measure) {
    quad row[C][Q];
    lanef gradient[C];
    UNROLL for (int c = 0; c < C; c++) {
      lanef products[8];
      UNROLL for (int q = 0; q < Q; q++) row[c][q] = loadShared(ring + place[c] * 2 * rowFloats + q * quadFloats);
      UNROLL for (int g = 0; g < 8; g++) {
        products[g] = everywhereFloat(0);
        if (g >= G) continue;
        products[g] = dot(row[c][0], target[g][0]);
        UNROLL for (int q = 1; q < Q; q++) products[g] = products[g] + dot(row[c][q], target[g][q]);
      }
      lanef guess = reciprocal(exp2Of(foldLanes(products) * -1.44269504f) + 1.0f);
      gradient[c] = (label - guess) * rate;
      if (c == 0 && measure) addLoss(guess, label, rate);
    }
    UNROLL for (int c = 0; c < C; c++) {
      quad old[Q];
      UNROLL for (int q = 0; q < Q; q++) old[q] = row[c][q];
      UNROLL for (int g = 0; g < G; g++) {
        float step = bcast(gradient[c], laneOf(g));
        UNROLL for (int q = 0; q < Q; q++) {
          axpy(row[c][q], step, target[g][q]);
          axpy(delta[g][q], step, old[q]);
        }
      }
      UNROLL for (int q = 0; q < Q; q++) storeShared(ring + place[c] * 2 * rowFloats + q * quadFloats, row[c][q]);
    }
  }

  // addLoss adds -log of the probability that was given to the truth; every sum stands in four lanes, one of them counts.
  METHOD void addLoss(lanef guess, lanef label, lanef rate) {
    lanem on = (laneId() & 3u) == 0u && rate > 0.0f;
    lanef right = select(label > 0.5f, guess, 1.0f - guess);
    lanef bits = select(on, log2Of(select(right > 1e-7f, right, 1e-7f)) * -0.69314718f, 0.0f);
    bits = bits + shuffleXor<16>(bits);
    bits = bits + shuffleXor<8>(bits);
    bits = bits + shuffleXor<4>(bits);
    loss += bcast(bits, 0u);
    losses += (float)__builtin_popcount(ballot(on));
  }
};

// Rows of up to 512 components; the widest hold fewer output rows at a time, or they would not fit into the registers.
STEPPED_KERNEL(skipgram_q1, SkipGramArgs, SkipGramWarp<1, 6>)
STEPPED_KERNEL(skipgram_q2, SkipGramArgs, SkipGramWarp<2, 6>)
STEPPED_KERNEL(skipgram_q3, SkipGramArgs, SkipGramWarp<3, 6>)
STEPPED_KERNEL(skipgram_q4, SkipGramArgs, SkipGramWarp<4, 4>)
