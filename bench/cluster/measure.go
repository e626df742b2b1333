package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// round is one measurement.
type round struct {
	Part      string  `json:"part"`
	Jobs      int64   `json:"jobs"`
	Tasks     int64   `json:"tasks"`
	Wall      float64 `json:"wall_s"`
	Leader    float64 `json:"cpu_leader_s"` // with the log's reading and writing
	Workers   float64 `json:"cpu_workers_s"`
	Followers float64 `json:"cpu_followers_s"`
	Delays    int64   `json:"delays"` // that were measured
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
}

func (r round) rate() float64 { return float64(r.Tasks) / r.Wall }
func (r round) cpu() float64  { return r.Leader + r.Workers + r.Followers }

// result is all that was measured, and where.
type result struct {
	When    string  `json:"when"`
	Commit  string  `json:"commit"`
	Machine machine `json:"machine"`
	Before  string  `json:"load_before"`
	After   string  `json:"load_after"`
	Append  float64 `json:"append_ms"` // one entry of the log, alone
	Slots   int     `json:"slots"`
	Rounds  []round `json:"rounds"`
	Failed  string  `json:"failed,omitempty"` // why there are not all of them
}

// part is one crowd of workers.
type part struct {
	name      string
	processes int
	agents    int // of each process
	slots     int // of each agent
	hold      time.Duration
}

const (
	// simulatedSlots is what a worker process of the server has.
	simulatedSlots = 4
	// hold keeps slots busy, so that the delay is that of a cluster with work to do
	// and not the time that all the slots together take to pass once.
	hold = time.Second
)

func parts(s settings) []part {
	p := []part{{name: "2 worker processes", processes: 2, agents: 1, slots: s.Slots}}
	if s.Simulated > 1 {
		name := fmt.Sprintf("%d simulated workers", s.Simulated)
		p = append(p, part{name: name, processes: 2, agents: s.Simulated / 2, slots: simulatedSlots},
			part{name: fmt.Sprintf("%s, tasks of %.0f s", name, hold.Seconds()), processes: 2, agents: s.Simulated / 2, slots: simulatedSlots, hold: hold})
	}
	return p
}

// floors are the bounds of a part's rate and of its delay; 0 is none. Where many
// slots are filled with nothing, the delay is only their number by the rate; where
// tasks take time, the rate is only the slots by that.
func (p part) floors() (rate, goal, delay float64) {
	if p.hold == 0 {
		rate, goal = 50_000, 100_000
	}
	if p.hold > 0 || p.agents == 1 {
		delay = 10
	}
	return rate, goal, delay
}

// run measures everything and reports it.
func run(ctx context.Context, s settings) (err error) {
	r := result{When: time.Now().UTC().Format(time.RFC3339), Commit: commit(), Machine: thisMachine(), Before: load(), Slots: s.Slots}
	folder, err := os.MkdirTemp("", "cluster-bench-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	group, followers, err := form(ctx, s, folder, listener.Addr().String())
	defer func() { err = errors.Join(err, endAll(followers)) }()
	if group != nil {
		defer func() { err = errors.Join(err, group.Close()) }()
	}
	if err != nil {
		return err
	}
	l, err := lead(ctx, group, listener, filepath.Join(folder, "history"))
	if l != nil {
		defer func() { err = errors.Join(err, l.close()) }()
	}
	if err != nil {
		return err
	}
	err = measure(ctx, s, &r, l, followers, listener.Addr().String())
	if err != nil {
		r.Failed = err.Error()
	}
	r.After = load()
	return errors.Join(err, report(s, r))
}

func endAll(children []*child) error {
	var err error
	for _, c := range children {
		err = errors.Join(err, c.end())
	}
	return err
}

// measure runs the rounds of all parts.
func measure(ctx context.Context, s settings, r *result, l *leader, followers []*child, address string) error {
	took, err := appendTime(ctx, l.group)
	if err != nil {
		return err
	}
	r.Append = millis(took)
	for _, p := range parts(s) {
		rounds, err := measurePart(ctx, s, p, l, followers, address)
		r.Rounds = append(r.Rounds, rounds...)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

func measurePart(ctx context.Context, s settings, p part, l *leader, followers []*child, address string) (out []round, err error) {
	var workers []*child
	defer func() { err = errors.Join(err, endAll(workers)) }()
	for i := range p.processes {
		c, err := spawn(s, "-role", roleWorkers, "-name", fmt.Sprintf("w%d-%d", p.agents, i), "-join", address,
			"-agents", strconv.Itoa(p.agents), "-slots", strconv.Itoa(p.slots), "-hold", p.hold.String())
		if err != nil {
			return nil, err
		}
		workers = append(workers, c)
	}
	if err := l.await(ctx, p.processes*p.agents); err != nil {
		return nil, err
	}
	l.lost.Store(0) // those of the part before have left
	b := bench{s, p, l, workers, followers}
	for i := range s.Rounds + 1 {
		r, err := b.round(ctx, fmt.Sprintf("%03d-%03d-%d", p.agents, p.hold.Milliseconds(), i))
		if err != nil {
			return out, err
		}
		if i > 0 { // the first one warms up
			out = append(out, r)
			fmt.Fprintf(os.Stderr, "%-40s %7.0f tasks/s, p50 %.2f ms, p99 %.2f ms, %.1f CPU s in %.1f s\n", p.name, r.rate(), r.P50, r.P99, r.cpu(), r.Wall)
		}
	}
	return out, nil
}

type bench struct {
	settings
	part
	leader             *leader
	workers, followers []*child
}

// round runs jobs for a while. Every task must have been run and acknowledged
// once, and no worker been lost.
func (b bench) round(ctx context.Context, name string) (r round, err error) {
	if _, _, err = b.asked(); err != nil {
		return r, err
	}
	b.leader.tasks.Store(0)
	began, cpu := time.Now(), cpuTime()
	several, length := clients, b.Round
	if b.hold > 0 {
		several, length = 1, 0 // one job is long enough
	}
	r.Jobs, err = submit(ctx, b.leader.driver, name, several, length)
	if err != nil {
		return r, err
	}
	r.Part, r.Wall, r.Leader = b.name, time.Since(began).Seconds(), cpuTime()-cpu
	workers, followers, err := b.asked()
	if err != nil {
		return r, err
	}
	r.Tasks, r.Workers, r.Followers = b.leader.tasks.Load(), workers.CPU, followers.CPU
	if want := r.Jobs * jobTasks; r.Tasks != want || workers.Tasks != want || b.leader.lost.Load() > 0 {
		return r, fmt.Errorf("%d tasks: %d were run, %d acknowledged, %d workers lost", want, workers.Tasks, r.Tasks, b.leader.lost.Load())
	}
	r.Delays, r.P50, r.P99 = workers.Gaps.count(), millis(workers.Gaps.quantile(0.5)), millis(workers.Gaps.quantile(0.99))
	return r, nil
}

// asked adds up what the other processes did since it was called last.
func (b bench) asked() (workers, followers sample, err error) {
	workers.Gaps = gaps{}
	for _, c := range b.workers {
		s, err := c.ask()
		if err != nil {
			return workers, followers, err
		}
		workers.CPU, workers.Tasks = workers.CPU+s.CPU, workers.Tasks+s.Tasks
		workers.Gaps.add(s.Gaps)
	}
	for _, c := range b.followers {
		s, err := c.ask()
		if err != nil {
			return workers, followers, err
		}
		followers.CPU += s.CPU
	}
	return workers, followers, nil
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
