package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
)

// machine is where it was measured.
type machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Kernel string `json:"kernel"`
}

func thisMachine() machine {
	m := machine{CPU: "unknown processor", Cores: runtime.NumCPU(), Kernel: "unknown"}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
				m.CPU = strings.TrimSpace(v)
				break
			}
		}
	}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = strings.TrimSpace(string(text))
	}
	return m
}

// load is the load average over one, five and fifteen minutes.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if f := strings.Fields(string(text)); err == nil && len(f) >= 3 {
		return strings.Join(f[:3], " ")
	}
	return "unknown"
}

func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty").Output() //nolint:noctx // it ends by itself
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// report writes what is asked for, and the table to the standard output.
func report(s settings, r result) error {
	moved, err := readMoved(s.Shuffle)
	if err != nil {
		return err
	}
	text := table(s, r, moved)
	if _, err := os.Stdout.Write(text); err != nil {
		return err
	}
	if s.Table != "" {
		err = os.WriteFile(s.Table, text, 0o644)
	}
	if s.JSON != "" {
		b, e := json.MarshalIndent(r, "", " ")
		err = errors.Join(err, e, os.WriteFile(s.JSON, append(b, '\n'), 0o644))
	}
	return err
}

// moved is a figure of bench/shuffle.
type moved struct {
	Name  string  `json:"name"`
	Bytes int64   `json:"bytes"`
	CPU   float64 `json:"cpu_s"`
}

func readMoved(path string) (m []moved, err error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("run bench/shuffle -json %s first: %w", path, err)
	}
	if err != nil {
		return nil, err
	}
	return m, json.Unmarshal(text, &m)
}

// row is a line of the table. Goals of 0 are none.
type row struct {
	what        string
	values      []float64
	format      string
	floor, goal float64
	below       bool // less is better
}

func (r row) write(b *bytes.Buffer) {
	slices.Sort(r.values)
	f := func(v float64) string { return fmt.Sprintf(r.format, v) }
	bound := func(v float64) string {
		switch {
		case v == 0:
			return ""
		case r.below && middle(r.values) < v, !r.below && middle(r.values) >= v:
			return f(v) + ", met"
		}
		return f(v) + ", **missed**"
	}
	fmt.Fprintf(b, "| %s | %s | %s – %s | %s | %s |\n", r.what, f(middle(r.values)), f(r.values[0]), f(r.values[len(r.values)-1]), bound(r.floor), bound(r.goal))
}

// middle is the median of sorted values.
func middle(v []float64) float64 { return (v[(len(v)-1)/2] + v[len(v)/2]) / 2 }

func table(s settings, r result, m []moved) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# A cluster on one machine, %s\n\n", r.When)
	fmt.Fprintf(&b, "%s, %d virtual cores, kernel %s; commit %s; load average %s before, %s after (the benchmark's own included).\n\n",
		r.Machine.CPU, r.Machine.Cores, r.Machine.Kernel, r.Commit, r.Before, r.After)
	fmt.Fprintf(&b, "Tasks do nothing. Three schedulers are processes of their own and wait for the disk (an entry of the log, alone: %.1f ms);\n"+
		"leases, history and jobs of %d + %d + %d tasks, %d at a time (tasks that take time: one); each task is launched and acknowledged by itself over gRPC.\n"+
		"Two workers have %d slots each, simulated ones %d each in two processes, every one with a connection of its own.\n"+
		"The delay is from the end of a task on its worker to the next one in its slot, there and back, with %d or more tasks queued.\n"+
		"The time-outs of the log are %d times the usual, since the benchmark takes all cores; leases are the usual ones.\n\n",
		r.Append, sources, wideTasks, sinks, clients, r.Slots, simulatedSlots, queued, leisure)
	b.WriteString("| what | median | min – max | floor | goal |\n|---|---|---|---|---|\n")
	measured := slices.DeleteFunc(parts(s), func(p part) bool { return len(r.of(p)) == 0 })
	for _, p := range measured {
		writePart(&b, p, r.of(p))
	}
	writeMoved(&b, m)
	for _, p := range measured {
		fmt.Fprintf(&b, "\n%s", limit(p, r))
	}
	if r.Failed != "" {
		fmt.Fprintf(&b, "\n**Not complete**: %s\n", r.Failed)
	}
	return b.Bytes()
}

// writePart writes the lines of one crowd of workers.
func writePart(b *bytes.Buffer, p part, rounds []round) {
	of := func(f func(round) float64) (v []float64) {
		for _, x := range rounds {
			v = append(v, f(x))
		}
		return v
	}
	perTask := func(f func(round) float64) []float64 {
		return of(func(x round) float64 { return f(x) / float64(x.Tasks) * 1e6 })
	}
	rate, goal, delay := p.floors()
	for _, r := range []row{
		{"**" + p.name + "**: tasks/s", of(round.rate), "%.0f", rate, goal, false},
		{"delay p50, ms", of(func(x round) float64 { return x.P50 }), "%.2f", 0, 0, true},
		{"delay p99, ms", of(func(x round) float64 { return x.P99 }), "%.2f", delay, 0, true},
		{"CPU µs a task, all processes", perTask(round.cpu), "%.1f", 0, 0, true},
		{"of it the leader", perTask(func(x round) float64 { return x.Leader }), "%.1f", 0, 0, true},
		{"of it the workers", perTask(func(x round) float64 { return x.Workers }), "%.1f", 0, 0, true},
		{"of it the other schedulers", perTask(func(x round) float64 { return x.Followers }), "%.1f", 0, 0, true},
		{"cores busy", of(func(x round) float64 { return x.cpu() / x.Wall }), "%.2f", 0, 0, true},
	} {
		r.write(b)
	}
}

// of are the rounds of a part.
func (r result) of(p part) []round {
	return slices.DeleteFunc(slices.Clone(r.Rounds), func(x round) bool { return x.Part != p.name })
}

// nearlyAll of the cores busy means that nothing but processor time is short.
const nearlyAll = 0.9

// limit says what the rate of a part is bounded by.
func limit(p part, r result) string {
	var busy []float64
	for _, x := range r.of(p) {
		busy = append(busy, x.cpu()/x.Wall)
	}
	slices.Sort(busy)
	switch share := middle(busy) / float64(r.Machine.Cores); {
	case p.hold > 0:
		return fmt.Sprintf("%s: the slots are the limit, %.0f %% of the cores were busy.\n", p.name, share*100)
	case share >= nearlyAll:
		return fmt.Sprintf("%s: processor time is the limit, %.0f %% of the cores were the benchmark's.\n", p.name, share*100)
	default:
		return fmt.Sprintf("%s: %.0f %% of the cores were the benchmark's; the rest is waiting (log, turns of the scheduler) or was taken by others.\n", p.name, share*100)
	}
}

// sumOf is the measure of the writer's checksum, which is paid when a block is
// closed and not while it is read: it is added to the ways through the store.
const sumOf = "crc32c, in the cache"

// ways are the measures with a floor, and what they are bounded by in the same run.
var ways = []struct {
	name        string
	floor, goal float64
}{
	{"store to batches, Unix socket", 3, 5},
	{"store to batches, TCP", 1.5, 2},
	{"store to batches, TCP with TLS 1.3", 0, 0},
	{"store to batches, spilled, TCP", 0, 0},
}

func writeMoved(b *bytes.Buffer, m []moved) {
	rates, names := map[string][]float64{}, []string{}
	for _, x := range m {
		if rates[x.Name] == nil {
			names = append(names, x.Name)
		}
		rates[x.Name] = append(rates[x.Name], float64(x.Bytes)/1e9/x.CPU)
	}
	sums := slices.Sorted(slices.Values(rates[sumOf]))
	for _, w := range ways {
		if len(rates[w.name]) == 0 || len(sums) == 0 {
			continue
		}
		var both []float64
		for _, v := range rates[w.name] {
			both = append(both, 1/(1/v+1/middle(sums)))
		}
		row{"shuffle, GB a CPU s, " + w.name + ", sums at both ends", both, "%.2f", w.floor, w.goal, false}.write(b)
	}
	for _, name := range names {
		if !strings.HasPrefix(name, "store") {
			row{"limit, GB a CPU s: " + name, rates[name], "%.2f", 0, 0, false}.write(b)
		}
	}
}
