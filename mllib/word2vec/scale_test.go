//go:build !race

package word2vec_test

// raced tells that the race detector runs: kernels are portable, under a lock and ten times slower, so tests do less.
const raced = false
