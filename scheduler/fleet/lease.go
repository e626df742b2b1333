package fleet

import "time"

// Terms are the times of a worker's lease.
type Terms struct {
	Heartbeat time.Duration // between two signs of life of an idle worker
	Lease     time.Duration // silence that ends an epoch
	Redial    time.Duration // a broken stream's worker must be back within it
	Suspect   time.Duration // a worker that gossip holds dead must speak within it
	Check     time.Duration // between two looks at the leases
}

// StandardTerms find a broken stream within 0.8 s and silence within 5.3 s. A
// second needs no more than the heartbeat's, and a machine whose cores are all
// busy wakes a sleeper up to 3.8 s late.
func StandardTerms() Terms {
	return Terms{
		Heartbeat: time.Second, Lease: 5 * time.Second, Redial: 600 * time.Millisecond, Suspect: time.Second, Check: 100 * time.Millisecond,
	}
}

// Reasons of a loss, as people and the record read them.
const (
	Killed    = "killed"    // its connection was reset and it did not come back
	Silent    = "silent"    // it said nothing for the time of its lease
	Cut       = "cut"       // the same as killed, of a worker that others still hear
	Drained   = "drained"   // it left with nothing to do
	Stopped   = "stopped"   // it left by its own will
	Restarted = "restarted" // the same name came with a fresh epoch
	Overflow  = "overflow"  // it took its messages too slowly
)

// signs are what is known of a worker's life. A zero time: never.
type signs struct {
	heard     time.Time // its last message
	cut       time.Time // when its stream broke; zero: it is open
	suspected time.Time // when gossip last held it dead
	vouched   bool      // gossip holds it alive
}

// due is when the worker must be given up unless it is heard, and why.
func (t Terms) due(s signs) (time.Time, string) {
	due, reason := s.heard.Add(t.Lease), Silent
	if !s.suspected.IsZero() && !s.suspected.Before(s.heard) {
		if d := s.suspected.Add(t.Suspect); d.Before(due) {
			due = d
		}
	}
	if !s.cut.IsZero() {
		if d := s.cut.Add(t.Redial); d.Before(due) {
			due, reason = d, Killed
			if s.vouched {
				reason = Cut
			}
		}
	}
	return due, reason
}

// later moves the signs by the time that nobody could have heard anything.
func (s signs) later(d time.Duration) signs {
	for _, t := range []*time.Time{&s.heard, &s.cut, &s.suspected} {
		if !t.IsZero() {
			*t = t.Add(d)
		}
	}
	return s
}

// confirmations is how many looks in a row, all on time, must find a worker
// overdue: between two of them its messages had a chance to be read.
const confirmations = 2

// watch tells whether the looks at the leases come on time. Under a starved
// scheduler they do not, and then the workers' messages wait as well.
type watch struct{ last time.Time }

// late is by how much the present look missed its time; small delays are none.
func (w *watch) late(now time.Time, every time.Duration) time.Duration {
	gap := now.Sub(w.last)
	first := w.last.IsZero()
	w.last = now
	if first || gap <= every+every/2 {
		return 0
	}
	return gap - every
}
