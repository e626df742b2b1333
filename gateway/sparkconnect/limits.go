package sparkconnect

import "time"

// Limits bound what clients can make the gateway hold. Zero fields mean the defaults.
type Limits struct {
	// StreamDuration and StreamBytes end a stream early, so that it is reattached:
	// load balancers cut longer ones. Spark's tests set them to 1 s and 123 bytes.
	StreamDuration time.Duration
	StreamBytes    int64
	// UnsentBytes is how far an execution runs ahead of its client, RetryBytes what
	// is kept of what was sent, for a client that reattaches. With one message
	// being made and one being sent a slow client costs less than 64 MiB.
	UnsentBytes int64
	RetryBytes  int64
	// ReleaseGrace is how long a stream that has sent RetryBytes waits for the
	// client to release some of it before it goes on and forgets the oldest: what
	// lies in sockets when a connection is cut was more than 10 MiB on loopback.
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
	set(&l.UnsentBytes, 8<<20)
	set(&l.RetryBytes, 16<<20)
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
