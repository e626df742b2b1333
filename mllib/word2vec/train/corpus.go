package train

import "context"

// Corpus is the training data, read once per epoch in parts. Implementations are safe for concurrent use of different parts.
type Corpus interface {
	// Open starts part shard of shards of an epoch. The same arguments give the same sentences in the same order; the parts of
	// one epoch together are every sentence once.
	Open(ctx context.Context, epoch, shard, shards int) (Sentences, error)
}

// Sentences is one part of a corpus. Used by one goroutine.
type Sentences interface {
	// Next returns the next sentences; a bare io.EOF ends them. The block belongs to the reader and is good until its next call.
	Next(ctx context.Context) (Block, error)
	Close() error
}

// Block is consecutive sentences as word ids: sentence i is Tokens[Ends[i-1]:Ends[i]]. Words outside of the vocabulary are
// left out by whoever makes the block.
type Block struct {
	Tokens []int32
	Ends   []int32
}

// Position is how far a training has come: whole epochs, and of the epoch under way the raw words consumed of each shard.
// A training resumes from it with as many shards.
type Position struct {
	Epoch  int
	Shards []int64
}

// Progress is what a watcher of a training is told, about once a second and at the end.
type Progress struct {
	Position Position
	Words    int64 // raw words consumed in all epochs
	Total    int64 // raw words of all epochs
	Trained  int64 // words left after sub-sampling
	Alpha    float64
	Loss     float64 // mean loss of one scored pair since the last report, estimated on a sample of the pairs
}

// Watch is told how a training goes. It is called by one goroutine at a time and must not block; it may read the weights,
// which other threads go on changing.
type Watch func(Progress)
