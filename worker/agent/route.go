package agent

import (
	"log/slog"
	"slices"
	"time"

	"google.golang.org/grpc/status"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
)

const (
	firstDelay = 25 * time.Millisecond
	// maxDelay holds while a new leader may be elected any moment, idleDelay once
	// that has taken long.
	maxDelay  = 200 * time.Millisecond
	idleDelay = time.Second
	longAfter = 50 // rounds
	// steady is how long a stream must have lived to count as a success: one that
	// is welcomed and dismissed at once does not bring the delays back to none.
	steady = time.Second
	// maxHints is how many hints in a row are followed without a pause. Schedulers
	// that point at each other would send a worker round and round.
	maxHints = 3
	// maxKnown bounds the addresses that hints may add.
	maxKnown = 64
)

// route decides whom to ask next, and after how long.
type route struct {
	known []string
	at    int
	fails int
	hints int
	mute  bool // the last attempt came to nothing, and that was said
}

func newRoute(known []string) *route { return &route{known: slices.Clone(known)} }

func (r *route) next() string {
	if len(r.known) == 0 {
		return ""
	}
	return r.known[r.at%len(r.known)]
}

// worked notes a stream that was welcomed.
func (r *route) worked(lived time.Duration) {
	r.hints = 0
	if lived >= steady {
		r.fails = 0
	}
}

// level is how loud the end of a stream is: while nobody leads, only the first
// of many attempts is news.
func (r *route) level(welcomed bool) slog.Level {
	repeated := r.mute && !welcomed
	r.mute = !welcomed
	if repeated {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// again asks the same one: at once if the last stream went well.
func (r *route) again() { r.fails++ }

// failed moves on to the next one.
func (r *route) failed() {
	r.at, r.fails, r.hints = r.at+1, r.fails+1, 0
}

// told follows a hint, for a while; without one it moves on.
func (r *route) told(address string) {
	if address == "" || r.hints >= maxHints {
		r.failed()
		return
	}
	i := slices.Index(r.known, address)
	if i < 0 {
		if len(r.known) >= maxKnown {
			r.failed()
			return
		}
		r.known, i = append(r.known, address), len(r.known)
	}
	r.at, r.hints = i, r.hints+1
}

// delay is how long to wait before the next attempt: none after a hint or a
// first failure, and none before all that are known were asked; then twice as
// long after each round. random is of [0, 1).
func (r *route) delay(random float64) time.Duration {
	round := max(len(r.known), 1)
	if r.fails <= 1 || r.hints > 0 || r.fails%round != 0 {
		return 0
	}
	d := min(firstDelay<<min(r.fails/round-1, 10), maxDelay)
	if r.fails/round > longAfter {
		d = idleDelay
	}
	return d/2 + time.Duration(random*float64(d)/2)
}

// leaderHint reads who leads from an error; told is false if it says nothing of that.
func leaderHint(err error) (address string, told bool) {
	if err == nil {
		return "", false
	}
	for _, d := range status.Convert(err).Details() {
		if n, ok := d.(*pb.NotLeader); ok {
			return n.GetAddress(), true
		}
	}
	return "", false
}
