package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/spurwheel/spurwheel/scheduler/cluster"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

// follow is a process of a scheduler that joins the group and does not lead.
func follow(ctx context.Context, s settings) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g, err := cluster.Start(ctx, cluster.Config{ID: s.Name, Address: "127.0.0.1:0", Data: s.Data, Join: []string{s.Join}, Multiplier: leisure})
	if err != nil {
		return err
	}
	return errors.Join(attend(ctx, cancel, func() sample { return sample{} }), g.Close())
}

// formWithin bounds how long the group takes to have all its votes.
const formWithin = 30 * time.Second

// form begins a group with this process, which therefore leads, and lets the
// others join until all vote.
func form(ctx context.Context, s settings, folder, inner string) (g *cluster.Group, followers []*child, err error) {
	ctx, cancel := context.WithTimeout(ctx, formWithin)
	defer cancel()
	g, err = cluster.Start(ctx, cluster.Config{ID: "s0", Address: "127.0.0.1:0", Inner: inner, Data: filepath.Join(folder, "s0"), Expect: 1, Multiplier: leisure})
	if err != nil {
		return nil, nil, err
	}
	if err = until(ctx, func() bool { _, leads := g.Leads(); return leads }); err != nil {
		return g, nil, fmt.Errorf("nobody leads: %w", err)
	}
	address := g.Status(ctx).Members[0].Raft
	for i := 1; i < schedulers; i++ {
		name := fmt.Sprint("s", i)
		c, err := spawn(s, "-role", roleFollower, "-name", name, "-join", address, "-data", filepath.Join(folder, name))
		if err != nil {
			return g, followers, err
		}
		followers = append(followers, c)
	}
	err = until(ctx, func() bool {
		voters := slices.DeleteFunc(g.Status(ctx).Members, func(m cluster.MemberStatus) bool { return !m.Voter || !m.Reachable })
		return len(voters) == schedulers
	})
	if err != nil {
		return g, followers, fmt.Errorf("the schedulers do not come together: %w", err)
	}
	return g, followers, nil
}

const (
	// schedulers is how many keep the record.
	schedulers = 3
	// leisure multiplies the time-outs of the log: the benchmark takes all the
	// cores there are, and is not to measure elections.
	leisure = 10
)

// until waits for a condition.
func until(ctx context.Context, holds func() bool) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// appends is how many entries stand for what the log costs.
const appends = 100

// appendTime is the median time of one entry of 1 KiB, alone: what a job pays
// for each step that must outlive the leader.
func appendTime(ctx context.Context, g *cluster.Group) (time.Duration, error) {
	var took []time.Duration
	for range appends {
		began := time.Now()
		if err := g.Append(ctx, record.SessionPut{Session: sessionID, Key: "k", Value: make([]byte, 1024)}); err != nil {
			return 0, err
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}
