package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

// world is a group whose schedulers run in this process, in virtual time.
type world struct {
	t     *testing.T
	net   *memory
	dir   string
	names []string
	up    map[string]*Group
	tune  func(*Config)
}

// inWorld runs f in a bubble of virtual time with a group of n.
func inWorld(t *testing.T, n int, f func(t *testing.T, w *world)) { inWorldTuned(t, n, nil, f) }

func inWorldTuned(t *testing.T, n int, tune func(*Config), f func(t *testing.T, w *world)) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, net: newMemory(), dir: dir, up: map[string]*Group{}, tune: tune}
		for i := range n {
			w.names = append(w.names, fmt.Sprintf("s%d", i))
		}
		defer w.stopAll()
		for _, name := range w.names {
			w.start(name, n)
		}
		f(t, w)
	})
}

func (w *world) address(name string) string { return "127.0.0.1:" + name[1:] }

func (w *world) config(name string, expect int) Config {
	c := Config{
		ID: name, Address: w.address(name), Inner: "inner-" + name, Data: filepath.Join(w.dir, name), Expect: expect,
		Secret: make([]byte, KeySize),
	}
	if os.Getenv("SPURWHEEL_TEST_LOG") != "" {
		c.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With(slog.String("at", name))
	}
	for _, other := range w.names {
		if other != name {
			c.Join = append(c.Join, w.address(other))
		}
	}
	c.Testing.Network = port{w.net, name}
	c.Testing.Unsynced = true
	if w.tune != nil {
		w.tune(&c)
	}
	return c
}

func (w *world) start(name string, expect int) *Group {
	g, err := Start(w.t.Context(), w.config(name, expect))
	require.NoError(w.t, err)
	w.up[name] = g
	return g
}

func (w *world) stop(name string) {
	require.NoError(w.t, w.up[name].Close())
	delete(w.up, name)
}

func (w *world) stopAll() {
	for name := range w.up {
		w.stop(name)
	}
}

// leader waits for a leader that is ready, of those that run and are named (all
// if none is).
func (w *world) leader(among ...string) *Group {
	if len(among) == 0 {
		among = w.names
	}
	for range 3000 {
		for _, name := range among {
			if g := w.up[name]; g != nil {
				if _, ok := g.Leads(); ok {
					return g
				}
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.t.Fatal("no leader in 30 seconds")
	return nil
}

// eventually waits for up to a minute of virtual time.
func (w *world) eventually(what string, ok func() bool) {
	for range 6000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.t.Fatal("not in a minute: " + what)
}

func (w *world) others(g *Group) []string {
	var out []string
	for _, n := range w.names {
		if n != g.self.ID {
			out = append(out, n)
		}
	}
	return out
}

// open appends a session, as often as it takes.
func (w *world) open(id string) {
	for range 100 {
		ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
		err := w.leader().Append(ctx, record.OpenSession{Session: id})
		cancel()
		if err == nil {
			return
		}
		require.True(w.t, errs.Is(err, errs.Unavailable) || errs.Is(err, errs.Deadline), "%v", err)
		time.Sleep(20 * time.Millisecond)
	}
	w.t.Fatal("not appended")
}

func has(g *Group, session string) (ok bool) {
	g.Peek(func(s *record.State) { ok = s.Session(session) != nil })
	return ok
}

// settled waits until all that run have a session.
func (w *world) settled(session string) {
	w.eventually(session+" is everywhere", func() bool {
		for _, g := range w.up {
			if !has(g, session) {
				return false
			}
		}
		return true
	})
}

// replyOf is a scheduler that answered.
type replyOf struct{ id string }

func replies(of []replyOf) []*pb.GroupReply {
	var out []*pb.GroupReply
	for _, r := range of {
		out = append(out, &pb.GroupReply{Node: &pb.GroupNode{Id: r.id, Raft: "r"}})
	}
	return out
}
