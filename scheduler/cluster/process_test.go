package cluster

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/scheduler/record"
)

// question is what a client asks a scheduler that is a process, and reply is
// its answer: one line of JSON each.
type question struct {
	Put      bool
	Key      string
	Value    string
	Client   string
	Sequence uint64
}

type reply struct {
	Value   string
	Err     string
	Unknown bool
}

// listenFor serves questions until ctx ends.
func listenFor(ctx context.Context, g *Group, l net.Listener) {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			var q question
			if json.NewDecoder(conn).Decode(&q) == nil {
				_ = json.NewEncoder(conn).Encode(questioned(ctx, g, q))
			}
		}()
	}
}

func questioned(ctx context.Context, g *Group, q question) (r reply) {
	var err error
	if q.Put {
		put := record.SessionPut{Session: "s", Key: q.Key, Value: []byte(q.Value)}
		if !has(g, "s") {
			err = g.Append(ctx, record.OpenSession{Session: "s"})
		}
		if err == nil {
			err = g.Append(ctx, record.Request{Client: q.Client, Sequence: q.Sequence, Entry: put})
		}
	} else {
		err = g.Read(ctx, func(s *record.State) {
			if session := s.Session("s"); session != nil {
				v, _ := session.Value(q.Key)
				r.Value = string(v)
			}
		})
	}
	if err != nil {
		_, r.Unknown = errors.AsType[*Unknown](err)
		r.Err = err.Error()
	}
	return r
}

// questionDelay is a client's patience.
const questionDelay = time.Second

// questionTo asks over a connection of its own. An error says that the question
// may have been heard.
func questionTo(address string, q question) (r reply, err error) {
	conn, err := net.DialTimeout("tcp", address, questionDelay)
	if err != nil {
		return reply{Err: "not there"}, nil
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(questionDelay))
	if err := json.NewEncoder(conn).Encode(q); err != nil {
		return reply{}, err
	}
	return r, json.NewDecoder(bufio.NewReader(conn)).Decode(&r)
}

// questioner is a client of processes.
type questioner struct {
	p        *processes
	h        *history
	id       int
	at       int // whom it asks: one that answered last time
	name     string
	sequence uint64
	rng      *rand.Rand
}

// run asks until all is asked and there were faults enough to be worth it.
func (c *questioner) run(ops int) {
	const faults = 2
	for i := 0; i < ops || c.h.faulted("stopped")+c.h.faulted("killed") < faults; i++ {
		q := question{Put: c.rng.IntN(2) == 0, Key: fmt.Sprint("k", c.rng.IntN(8))}
		if q.Put {
			c.sequence++
			q.Value, q.Client, q.Sequence = fmt.Sprintf("%d.%d", c.id, i), c.name, c.sequence
		}
		c.insist(q)
	}
}

// insist asks until there is an answer.
func (c *questioner) insist(q question) {
	in := access{q.Key, q.Put, q.Value}
	call := c.h.clock.Add(1)
	for range 200 {
		r, err := questionTo(c.p.serves[c.at], q)
		if err == nil && r.Err == "" {
			c.h.add(c.id, in, access{key: q.Key, value: r.Value}, call, c.h.clock.Add(1))
			return
		}
		if err != nil || r.Unknown {
			c.h.fault("unknown outcome")
		}
		c.at = c.rng.IntN(len(c.p.serves))
		time.Sleep(20 * time.Millisecond)
	}
	if q.Put { // it may still come
		c.h.add(c.id, in, access{}, call, 1<<62)
		c.id += 1000
		c.name, c.sequence = c.name+"+", 0
	}
}

// torment stops and kills processes until all is asked.
func (p *processes) torment(h *history, rng *rand.Rand, over <-chan struct{}) {
	leader := p.wait(p.leads, -1)
	for {
		select {
		case <-over:
			return
		case leader = <-p.leads:
			continue
		case <-time.After(time.Duration(500+rng.IntN(1000)) * time.Millisecond):
		}
		victim := leader
		if rng.IntN(4) == 0 {
			victim = rng.IntN(len(p.cmds))
		}
		if rng.IntN(2) == 0 {
			h.fault("stopped")
			_ = p.cmds[victim].Process.Signal(syscall.SIGSTOP)
			time.Sleep(time.Duration(rng.IntN(2500)) * time.Millisecond)
			_ = p.cmds[victim].Process.Signal(syscall.SIGCONT)
			continue
		}
		h.fault("killed")
		p.kill(victim)
		p.start(victim)
		p.wait(p.here, -1)
	}
}

// The same as TestTheRecordIsLinearizable of real processes that wait for the
// disk, and are stopped as well: a leader that sleeps while others elect one,
// and wakes up, must not answer from the past.
func TestProcessesAreLinearizable(t *testing.T) {
	ops := 3000
	if n, err := strconv.Atoi(os.Getenv("SPURWHEEL_PROCESS_OPS")); err == nil {
		ops = n
	}
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed, "(of the faults only)")
	const clients = 12
	p := newProcesses(t, 3)
	h := &history{}
	h.mu.faults = map[string]int{}
	var asking, harming sync.WaitGroup
	over := make(chan struct{})
	for range 3 {
		p.wait(p.here, -1)
	}
	harming.Go(func() { p.torment(h, rand.New(rand.NewPCG(seed, 0)), over) })
	began := time.Now()
	for i := range clients {
		c := &questioner{p: p, h: h, id: i, name: fmt.Sprint("client", i), rng: rand.New(rand.NewPCG(seed, uint64(i+1)))}
		asking.Go(func() { c.run(ops / clients) })
	}
	asking.Wait()
	close(over)
	harming.Wait()
	t.Logf("%d operations in %v; %v", len(h.mu.ops), time.Since(began).Round(time.Millisecond), h.mu.faults)
	require.Greater(t, len(h.mu.ops), ops*9/10)
	require.Equal(t, porcupine.Ok, porcupine.CheckOperationsTimeout(register, h.mu.ops, 5*time.Minute))
}
