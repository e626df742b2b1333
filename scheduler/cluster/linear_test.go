package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/scheduler/record"
)

// Clients put and read values of one session through whatever scheduler they
// happen to ask, while leaders are cut off and stopped. A put whose outcome is
// unknown is asked for again, as the same request. The history must be one that
// a single copy of the record could have had.

type access struct {
	key   string
	put   bool
	value string // put, or read; empty: there was none
}

// register is one value as porcupine sees it.
var register = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byKey := map[string][]porcupine.Operation{}
		for _, o := range history {
			k := o.Input.(access).key
			byKey[k] = append(byKey[k], o)
		}
		var out [][]porcupine.Operation
		for _, ops := range byKey {
			out = append(out, ops)
		}
		return out
	},
	Init: func() any { return "" },
	Step: func(state, input, output any) (bool, any) {
		if in := input.(access); in.put {
			return true, in.value
		}
		return output.(access).value == state.(string), state
	},
}

// history is what clients did, in the order of a counter.
type history struct {
	clock atomic.Int64
	mu    struct {
		sync.Mutex
		ops    []porcupine.Operation
		faults map[string]int
	}
}

func (h *history) add(client int, in, out access, call, end int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mu.ops = append(h.mu.ops, porcupine.Operation{ClientId: client, Input: in, Output: out, Call: call, Return: end})
}

func (h *history) fault(kind string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mu.faults[kind]++
}

func (h *history) faulted(kind string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.mu.faults[kind]
}

// asker is one client.
type asker struct {
	w        *arena
	id, n    int
	name     string
	sequence uint64
	rng      *rand.Rand
}

// arena is a world whose schedulers come and go while clients ask.
type arena struct {
	*world
	h  *history
	mu sync.Mutex // up; nobody waits for time while it is held, since time would not pass
}

func (a *arena) get(name string) (g *Group) {
	a.change(func() { g = a.up[name] })
	return g
}

func (a *arena) any(rng *rand.Rand) *Group { return a.get(a.names[rng.IntN(len(a.names))]) }

func (a *arena) change(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f()
}

func (c *asker) run(ops int) {
	for range ops {
		time.Sleep(time.Duration(c.rng.IntN(20)) * time.Millisecond)
		key := fmt.Sprint("k", c.rng.IntN(8))
		if c.rng.IntN(2) == 0 {
			c.put(key)
		} else {
			c.read(key)
		}
	}
}

// tries bounds how often a client asks; then what it put stays open to the end.
const tries = 40

func (c *asker) put(key string) {
	c.n++
	c.sequence++
	in := access{key, true, fmt.Sprintf("%d.%d", c.id, c.n)}
	request := record.Request{Client: c.name, Sequence: c.sequence, Entry: record.SessionPut{Session: "s", Key: key, Value: []byte(in.value)}}
	call := c.w.h.clock.Add(1)
	maybe := false
	for range tries {
		err := c.ask(func(ctx context.Context, g *Group) error { return g.Append(ctx, request) })
		if err == nil {
			c.w.h.add(c.id, in, access{}, call, c.w.h.clock.Add(1))
			return
		}
		if _, unknown := errors.AsType[*Unknown](err); unknown {
			maybe = true
			c.w.h.fault("unknown outcome")
		}
		time.Sleep(50 * time.Millisecond)
	}
	if maybe {
		c.w.h.add(c.id, in, access{}, call, 1<<62)
		c.sequence, c.name = 0, fmt.Sprintf("%s+", c.name) // what is open must not be answered to another
		c.id += 1000
	}
}

func (c *asker) read(key string) {
	call := c.w.h.clock.Add(1)
	out := access{key: key}
	for range tries {
		err := c.ask(func(ctx context.Context, g *Group) error {
			return g.Read(ctx, func(s *record.State) {
				out.value = ""
				if session := s.Session("s"); session != nil {
					v, _ := session.Value(key)
					out.value = string(v)
				}
			})
		})
		if err == nil {
			c.w.h.add(c.id, access{key: key}, out, call, c.w.h.clock.Add(1))
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (c *asker) ask(f func(context.Context, *Group) error) error {
	g := c.w.any(c.rng)
	if g == nil {
		return errors.New("it is down")
	}
	patience := 2 * time.Second
	if c.rng.IntN(4) == 0 { // about what an answer takes
		patience = time.Duration(c.rng.IntN(8)) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return f(ctx, g)
}

// harm does one thing to the group and undoes it.
func (a *arena) harm(rng *rand.Rand) {
	victim := a.names[rng.IntN(len(a.names))]
	if g := a.any(rng); g != nil && rng.IntN(3) > 0 {
		if id, _ := g.Leader(); slices.Contains(a.names, id) {
			victim = id
		}
	}
	for_ := time.Duration(rng.IntN(3000)) * time.Millisecond
	switch rng.IntN(3) {
	case 0:
		a.h.fault("cut")
		a.net.isolate(victim, a.names...)
		time.Sleep(for_)
		a.net.heal()
	case 1:
		a.h.fault("one link cut")
		a.net.isolate(victim, a.names[rng.IntN(len(a.names))])
		time.Sleep(for_)
		a.net.heal()
	case 2:
		a.h.fault("stopped")
		a.net.isolate(victim, a.names...) // it cannot say goodbye
		g := a.get(victim)
		a.change(func() { delete(a.up, victim) })
		require.NoError(a.t, g.Close())
		time.Sleep(for_)
		a.net.heal()
		g, err := Start(a.t.Context(), a.config(victim, len(a.names)))
		require.NoError(a.t, err)
		a.change(func() { a.up[victim] = g })
	}
	time.Sleep(time.Duration(1000+rng.IntN(2000)) * time.Millisecond)
}

func TestTheRecordIsLinearizable(t *testing.T) {
	ops := 6000
	if n, err := strconv.Atoi(os.Getenv("SPURWHEEL_LINEAR_OPS")); err == nil {
		ops = n
	}
	seed := uint64(1)
	if n, err := strconv.ParseUint(os.Getenv("SPURWHEEL_SEED"), 10, 64); err == nil {
		seed = n
	}
	h := &history{}
	h.mu.faults = map[string]int{}
	began := time.Now()
	inWorld(t, 3, func(_ *testing.T, w *world) { torment(w, h, ops, seed) })
	ran := time.Since(began)
	require.Greater(t, len(h.mu.ops), ops*9/10, "most got an answer")
	for _, kind := range []string{"cut", "one link cut", "stopped", "unknown outcome"} {
		require.Positive(t, h.mu.faults[kind], kind)
	}
	began = time.Now()
	result := porcupine.CheckOperationsTimeout(register, h.mu.ops, 5*time.Minute)
	t.Logf("%d operations in %v, checked in %v; %v", len(h.mu.ops), ran.Round(time.Millisecond), time.Since(began).Round(time.Millisecond), h.mu.faults)
	require.Equal(t, porcupine.Ok, result)
}

func torment(w *world, h *history, ops int, seed uint64) {
	const clients = 8
	a := &arena{world: w, h: h}
	w.net.delay.Store(int64(time.Millisecond))
	w.open("s")
	var asking, harming sync.WaitGroup
	over := make(chan struct{})
	harming.Go(func() {
		rng := rand.New(rand.NewPCG(seed, 0))
		for {
			select {
			case <-over:
				return
			default:
				a.harm(rng)
			}
		}
	})
	for i := range clients {
		c := &asker{w: a, id: i, name: fmt.Sprint("client", i), rng: rand.New(rand.NewPCG(seed, uint64(i+1)))}
		asking.Go(func() { c.run(ops / clients) })
	}
	asking.Wait()
	close(over)
	harming.Wait()
}
