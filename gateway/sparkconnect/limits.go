package sparkconnect

import "time"

// Limits bound what clients can make the gateway hold. Zero fields mean the defaults.
type Limits struct {
	// StreamDuration and StreamBytes end a stream early, so that it is reattached:
	// load balancers cut longer ones. Spark's tests set them to 1 s and 123 bytes.
	StreamDuration time.Duration
	StreamBytes    int64
	// UnsentBytes is how far an execution runs ahead of its client, RetryBytes what
	// is sent and not yet released by a client that reattaches: its window. With
	// one message being made a slow client costs less than 64 MiB, heap's slack included.
	UnsentBytes int64
	RetryBytes  int64
	// ReleaseGrace is how long a stream that has sent RetryBytes waits for a
	// client's first release. A client that has none in that time does not release
	// at all: from then on the oldest responses are forgotten instead.
	ReleaseGrace time.Duration
	// BatchRows and BatchBytes are where a result message ends: 50,000 to 100,000
	// rows and 2 to 4 MB are what the Python client reads fastest.
	BatchRows  int
	BatchBytes int
	// Abandoned is how long an execution, or its result, waits for its client.
	Abandoned time.Duration
	// SessionIdle is how long a session is kept after its last call.
	SessionIdle time.Duration
	// ProgressFirst and ProgressEvery space progress messages; short queries send none.
	ProgressFirst, ProgressEvery time.Duration
}

// withDefaults fills what is not set: Spark's values where it has the same notion.
func (l Limits) withDefaults() Limits {
	set(&l.StreamDuration, 2*time.Minute)
	set(&l.StreamBytes, 1<<30)
	set(&l.UnsentBytes, 4<<20)
	set(&l.RetryBytes, 8<<20)
	set(&l.ReleaseGrace, 5*time.Second)
	set(&l.BatchRows, 64<<10)
	set(&l.BatchBytes, 4<<20)
	set(&l.Abandoned, 5*time.Minute)
	set(&l.SessionIdle, time.Hour)
	set(&l.ProgressFirst, 100*time.Millisecond)
	set(&l.ProgressEvery, time.Second)
	return l
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Bounds that nobody needs to change.
const (
	maxMessage    = 128 << 20 // what clients accept and send
	maxRow        = 512 << 20 // of a result, in several messages: encoding it takes three times as much
	maxSessions   = 10_000
	maxTombstones = 10_000 // as Spark
	maxOperations = 1_000  // of a session at a time
	maxFinished   = 1_000  // states remembered for GetStatus
	maxRemotes    = 1_000  // checkpointed plans of a session
	maxErrors     = 100    // stored errors of a session
	maxArtifact   = 2 << 30
	maxNames      = 10_000 // of one ArtifactStatus call
	maxStreams    = 1_000  // concurrent calls on one connection
	// maxCommandRows is what a command's rows may take in its answer.
	maxCommandBytes = 64 << 20
)
