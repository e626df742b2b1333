package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spurwheel/spurwheel/internal/config"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// Shares of the memory budget: one scheduler leads, the others only follow.
const (
	schedulerShare = 8 // one part in eight, for each scheduler
	gatewayMemory  = 2 * config.MinMemory
)

// clusterFile keeps, in the data folder, what must be the same at the next start.
const clusterFile = "cluster.json"

// localCluster is a cluster of processes on this machine.
type localCluster struct {
	Schedulers []schedulerAddresses `json:"schedulers"`
}

type schedulerAddresses struct {
	Name  string `json:"name"`
	Inner string `json:"inner"`
	Raft  string `json:"raft"`
}

// upCluster starts the processes of a cluster and keeps them running until ctx ends.
func upCluster(ctx context.Context, p process, log *slog.Logger, settings config.Config) (err error) {
	data, err := openDataFolder(settings.Data)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, data.Close()) }()
	c, err := localClusterOf(settings)
	if err != nil {
		return err
	}
	sec, err := openSecurity(settings.TLS, "", log)
	if err != nil {
		return err
	}
	for _, address := range []*string{&settings.Connect, &settings.HTTP} {
		if err := fixPort(address); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	s := &supervisor{log: log, stderr: p.stderr, report: newPidPrinter(p.stdout), ready: newMemberPrinter(p.stdout)}
	defer s.wg.Wait()
	defer cancel()

	var ready []func() (map[string]string, error)
	for _, m := range c.members(settings) {
		ready = append(ready, s.keep(ctx, m))
	}
	var gateway map[string]string
	for _, wait := range ready { // the gateway is the last
		if gateway, err = wait(); err != nil {
			return err
		}
	}
	if err := c.awaitWorkers(ctx, sec, settings.Workers); err != nil {
		return err
	}
	log.Info("ready", slog.String("version", buildVersion()), slog.Int("schedulers", len(c.Schedulers)), slog.Int("workers", settings.Workers))
	printReady(p.stdout, "connect="+gateway["connect"], "http="+gateway["http"], "schedulers="+strings.Join(c.inner(), ","))
	<-ctx.Done()
	return nil
}

// newPidPrinter tells programs which process plays what, each time one is started.
func newPidPrinter(w io.Writer) func(string, int) {
	return func(name string, pid int) { fmt.Fprintf(w, "process name=%s pid=%d\n", name, pid) }
}

// newMemberPrinter tells them where a process shows its metrics.
func newMemberPrinter(w io.Writer) func(string, map[string]string) {
	return func(name string, fields map[string]string) {
		fmt.Fprintf(w, "member name=%s metrics=%s\n", name, fields["http"])
	}
}

// localClusterOf reads the cluster of the data folder, or makes a new one.
func localClusterOf(settings config.Config) (*localCluster, error) {
	path := filepath.Join(settings.Data, clusterFile)
	c := &localCluster{}
	raw, err := os.ReadFile(path)
	switch {
	case err == nil:
		if err := json.Unmarshal(raw, c); err != nil {
			return nil, errs.Errorf(errs.Corrupt, "up", "%s: %w", path, err)
		}
		if len(c.Schedulers) != settings.Schedulers {
			return nil, errs.Errorf(errs.Invalid, "up", "%s holds a cluster of %d schedulers, not %d: choose another folder with --data", settings.Data, len(c.Schedulers), settings.Schedulers)
		}
		return c, nil
	case !os.IsNotExist(err):
		return nil, errs.E(kindOfFileError(err), "up", err)
	}
	addresses, err := freeAddresses(2 * settings.Schedulers)
	if err != nil {
		return nil, err
	}
	for i := range settings.Schedulers {
		c.Schedulers = append(c.Schedulers, schedulerAddresses{Name: "scheduler-" + strconv.Itoa(i+1), Inner: addresses[2*i], Raft: addresses[2*i+1]})
	}
	if err := writeKey(filepath.Join(settings.Data, keyFile)); err != nil {
		return nil, err
	}
	raw, err = json.MarshalIndent(c, "", "  ")
	if err != nil {
		return nil, errs.E(errs.Internal, "up", err)
	}
	return c, errs.E(errs.Other, "up", os.WriteFile(path, raw, 0o600))
}

const (
	keyFile  = "cluster.key"
	keyBytes = 32
)

// writeKey makes the cluster's key: who has it is a member.
func writeKey(path string) error {
	key := make([]byte, keyBytes)
	_, _ = rand.Read(key) // never fails
	return errs.E(errs.Other, "up", os.WriteFile(path, key, 0o600))
}

// freeAddresses are loopback addresses that nobody listens on now.
func freeAddresses(n int) ([]string, error) {
	out := make([]string, n)
	open := make([]net.Listener, 0, n) // until all are found, so that they differ
	var err error
	for i := range out {
		l, lerr := net.Listen("tcp", config.DefaultInner) //nolint:noctx // closed at once
		if lerr != nil {
			err = errs.E(errs.Unavailable, "up", lerr)
			break
		}
		open = append(open, l)
		out[i] = l.Addr().String()
	}
	for _, l := range open {
		err = firstError(err, l.Close())
	}
	return out, err
}

// fixPort takes a port where any will do: a gateway that is started again must be where clients know it.
func fixPort(address *string) error {
	host, port, err := net.SplitHostPort(*address)
	if err != nil || port != "0" {
		return errs.E(errs.Invalid, "up", err)
	}
	l, err := net.Listen("tcp", *address) //nolint:noctx // closed at once
	if err != nil {
		return errs.E(errs.Unavailable, "up", err)
	}
	_, port, err = net.SplitHostPort(l.Addr().String())
	*address = net.JoinHostPort(host, port)
	return errs.E(errs.Unavailable, "up", firstError(err, l.Close()))
}

func (c *localCluster) inner() []string {
	var out []string
	for _, s := range c.Schedulers {
		out = append(out, s.Inner)
	}
	return out
}

// raft are the addresses where schedulers find each other.
func (c *localCluster) raft() []string {
	var out []string
	for _, s := range c.Schedulers {
		out = append(out, s.Raft)
	}
	return out
}

// members are the processes: schedulers, workers, and one gateway at the end.
func (c *localCluster) members(settings config.Config) []member {
	key := filepath.Join(settings.Data, keyFile)
	base := func(role, name string, join []string, memory config.Size, more ...string) member {
		args := slices.Concat([]string{
			role, "--until-input-ends", "--name", name, "--join", strings.Join(join, ","), "--cluster-key", key,
			"--data", filepath.Join(settings.Data, name), "--memory", strconv.FormatInt(int64(max(memory, config.MinMemory)), 10),
			"--threads", strconv.Itoa(settings.Threads), "--log-level", settings.Log.Level,
		}, more)
		if settings.TLS != "" {
			args = append(args, "--tls", settings.TLS)
		}
		return member{name: name, args: args, env: childEnv(settings)}
	}
	var out []member
	for _, s := range c.Schedulers {
		out = append(out, base("scheduler", s.Name, c.raft(), settings.Memory/schedulerShare,
			"--expect", strconv.Itoa(len(c.Schedulers)), "--listen", s.Inner, "--raft", s.Raft, "--warehouse", filepath.Join(settings.Data, "warehouse")))
	}
	rest := settings.Memory - settings.Memory/schedulerShare - gatewayMemory
	for i := range settings.Workers {
		name := "worker-" + strconv.Itoa(i+1)
		out = append(out, base("worker", name, c.inner(), rest/config.Size(settings.Workers)))
	}
	return append(out, base("gateway", "gateway", c.inner(), gatewayMemory,
		"--connect", settings.Connect, "--http", settings.HTTP, "--tokens", settings.Tokens))
}

// formWithin bounds how long a new cluster may take to have a leader and its workers.
const formWithin = 60 * time.Second

// awaitWorkers waits until the leader has so many workers.
func (c *localCluster) awaitWorkers(ctx context.Context, sec *security, want int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, formWithin,
		errs.Errorf(errs.Unavailable, "up", "no leader with %d workers within %s", want, formWithin))
	defer cancel()
	leader := newLeader(c.inner(), sec.toScheduler())
	defer leader.Close()
	for {
		if s, err := leader.status(ctx); err == nil && len(s.GetWorkers()) >= want {
			return nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
