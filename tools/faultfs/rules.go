package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// rule lets a share of one operation's calls come out otherwise.
type rule struct {
	op, effect string
	share      float64
	delay      time.Duration
}

var errnos = map[string]syscall.Errno{
	"eio": syscall.EIO, "enospc": syscall.ENOSPC, "estale": syscall.ESTALE, "erofs": syscall.EROFS,
}

// maxDelay bounds a slow disk: nothing may wait longer than a test.
const maxDelay = time.Minute

// parseRules reads "op effect share [delay]; …".
func parseRules(line string) ([]rule, error) {
	var out []rule
	for text := range strings.SplitSeq(line, ";") {
		f := strings.Fields(text)
		if len(f) == 0 {
			continue
		}
		r, err := parseRule(f)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

func parseRule(f []string) (rule, error) {
	if len(f) < 3 {
		return rule{}, fmt.Errorf("%q: want OP EFFECT SHARE", strings.Join(f, " "))
	}
	r := rule{op: f[0], effect: f[1]}
	if !slices.Contains([]string{"open", "create", "read", "write", "fsync"}, r.op) {
		return rule{}, fmt.Errorf("operation %q is not known", r.op)
	}
	var err error
	if r.share, err = strconv.ParseFloat(f[2], 64); err != nil || !(r.share >= 0 && r.share <= 1) {
		return rule{}, fmt.Errorf("share %q: want 0 to 1", f[2])
	}
	_, known := errnos[r.effect]
	switch {
	case known && len(f) == 3:
	case r.effect == "flip" && r.op == "read" && len(f) == 3:
	case r.effect == "delay" && len(f) == 4:
		if r.delay, err = time.ParseDuration(f[3]); err != nil || r.delay < 0 || r.delay > maxDelay {
			return rule{}, fmt.Errorf("delay %q: want at most %s", f[3], maxDelay)
		}
	default:
		return rule{}, fmt.Errorf("effect %q of %s is not known", r.effect, r.op)
	}
	return r, nil
}

// table holds the rules in force and what they did.
type table struct {
	cached bool
	mu     struct {
		sync.Mutex
		rules []rule
		fired map[string]int // "op effect", since the start
	}
}

// flags are what the kernel is told of an opened file.
func (t *table) flags() uint32 {
	if t.cached {
		return 0
	}
	return fuse.FOPEN_DIRECT_IO
}

func (t *table) set(rules []rule) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.rules = rules
}

// strike rolls for an operation: an error to give, whether to flip a bit, how long to wait.
func (t *table) strike(op string) (errno syscall.Errno, flip bool, wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.mu.rules {
		if r.op != op || rand.Float64() >= r.share {
			continue
		}
		if t.mu.fired == nil {
			t.mu.fired = map[string]int{}
		}
		t.mu.fired[op+" "+r.effect]++
		switch r.effect {
		case "flip":
			flip = true
		case "delay":
			wait += r.delay
		default:
			errno = errnos[r.effect]
		}
	}
	return errno, flip, wait
}

// at waits and gives the error of an operation, 0 for none.
func (t *table) at(op string) syscall.Errno {
	errno, _, wait := t.strike(op)
	if wait > 0 {
		time.Sleep(wait)
	}
	return errno
}

func (t *table) counts() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	parts := []string{"fired"}
	for what, n := range t.mu.fired {
		parts = append(parts, what, strconv.Itoa(n))
	}
	return strings.Join(parts, " ")
}
