package dispatch

import (
	"time"

	"github.com/spurwheel/spurwheel/scheduler/placement"
)

// Limits of a core, used where Config has none.
const (
	// DefaultLive is how many jobs run at once; more wait.
	DefaultLive = 1000
	// DefaultTasks is how many tasks the running jobs have together: each costs
	// about 200 bytes of the leader's memory.
	DefaultTasks = 2_000_000
	// DefaultQueued is how many jobs wait to run; more are refused.
	DefaultQueued = 10_000
)

// noWorkers is how long jobs wait for a worker when there is none at all.
const noWorkers = 30 * time.Second

// maxElapsed bounds what one event adds to the core's clock: a leader that was
// paused, or whose clock jumped, must not find all its patience gone at once.
const maxElapsed = 2 * time.Second

// Config sets a core up.
type Config struct {
	Policy placement.Policy
	// Users gives users a weight and a limit; others have the weight of their jobs.
	Users map[string]Share
	// MaxLive, MaxTasks and MaxQueued replace the defaults where positive.
	MaxLive, MaxTasks, MaxQueued int
	Speculation                  Speculation
}

// Share is a user's part of the workers.
type Share struct {
	Weight     int // 0: as the job says
	MaxRunning int // tasks at once; 0: no limit
}

func (c Config) filled() Config {
	set := func(p *int, n int) {
		if *p <= 0 {
			*p = n
		}
	}
	set(&c.MaxLive, DefaultLive)
	set(&c.MaxTasks, DefaultTasks)
	set(&c.MaxQueued, DefaultQueued)
	c.Speculation = c.Speculation.filled()
	return c
}
