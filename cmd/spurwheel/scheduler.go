package main

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/config"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/obs"
	"github.com/spurwheel/spurwheel/scheduler/cluster"
	"github.com/spurwheel/spurwheel/scheduler/fleet"
)

const (
	// hintEvery is how often a scheduler looks who leads, for those it sends away.
	hintEvery = 100 * time.Millisecond
	// resignWithin bounds handing the leadership over at the end.
	resignWithin = time.Second
	// innerPing finds workers and gateways that vanished without a word.
	innerPing    = 10 * time.Second
	innerPingOut = 5 * time.Second
	// minInnerPing is how often a peer may ping.
	minInnerPing = 2 * time.Second
	// maxInnerStreams bounds the calls of one connection.
	maxInnerStreams = 1000
)

// scheduler is a process that keeps the record with others and leads when elected.
type scheduler struct {
	settings config.Config
	sec      *security
	log      *slog.Logger
	group    *cluster.Group
	door     *fleet.Door
	admin    *admin
	begin    chan struct{} // holds a token whenever a leadership's work may begin
	sealed   bool          // values of sessions are sealed with the cluster's key
}

// runScheduler takes part in the group until ctx ends.
func runScheduler(ctx context.Context, p process, log *slog.Logger, settings config.Config) (err error) {
	if settings.Cluster.Name == "" {
		return errs.Errorf(errs.Invalid, "", "a scheduler needs a --name, which it keeps for life")
	}
	data, err := openDataFolder(settings.Data)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, data.Close()) }()
	key, err := clusterKey(settings)
	if err != nil {
		return err
	}
	sec, err := openSecurity(settings.TLS, "", log)
	if err != nil {
		return err
	}
	debug.SetMemoryLimit(int64(settings.Memory))
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", settings.Cluster.Listen)
	if err != nil {
		return errs.E(errs.Unavailable, "scheduler", err)
	}
	defer listener.Close()
	registry := obs.NewRegistry(buildVersion())
	group, err := cluster.Start(ctx, cluster.Config{
		ID: settings.Cluster.Name, Address: settings.Cluster.Raft, Inner: listener.Addr().String(),
		Data: filepath.Join(settings.Data, "raft"), Expect: settings.Cluster.Expect, Join: others(settings),
		Secret: key, Protocol: protocolSpoken(), TLS: sec.raft(), Log: log, Metrics: registry,
	})
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, group.Close()) }()
	s := &scheduler{settings: settings, sec: sec, log: log, group: group, door: &fleet.Door{}, sealed: key != nil, begin: make(chan struct{}, 1)}
	s.begin <- struct{}{}
	registry.MustRegister(fleet.NewMetrics(s.door.Fleet))
	s.admin = newAdminService(s)
	return serveRole(ctx, settings, registry, func(ctx context.Context, http string) error {
		printReady(p.stdout, "role=scheduler", "name="+settings.Cluster.Name, "inner="+listener.Addr().String(), "http="+http)
		return s.serve(ctx, listener)
	})
}

// others are the schedulers to begin the group with; one alone has none.
func others(settings config.Config) []string {
	if settings.Cluster.Expect == 1 {
		return nil
	}
	return settings.Cluster.Addresses()
}

// clusterKey reads the members' key, if there is one.
func clusterKey(settings config.Config) ([]byte, error) {
	path := settings.Cluster.Key
	if path == "" {
		path = filepath.Join(settings.Data, keyFile)
		if _, err := os.Stat(path); os.IsNotExist(err) {
			return nil, nil
		}
	}
	key, err := os.ReadFile(path)
	if err != nil {
		return nil, errs.E(kindOfFileError(err), "cluster key", err)
	}
	if len(key) != keyBytes {
		return nil, errs.Errorf(errs.Invalid, "cluster key", "%s has %d bytes, want %d", path, len(key), keyBytes)
	}
	return key, nil
}

// serve answers inner calls and leads when elected, until ctx ends.
func (s *scheduler) serve(ctx context.Context, listener net.Listener) error {
	server := grpc.NewServer(append(s.sec.schedulerOptions(),
		grpc.MaxRecvMsgSize(maxInner), grpc.MaxSendMsgSize(maxInner), grpc.MaxConcurrentStreams(maxInnerStreams),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: innerPing, Timeout: innerPingOut}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minInnerPing, PermitWithoutStream: true}),
	)...)
	pb.RegisterControlServer(server, s.door)
	pb.RegisterAdminServer(server, s.admin)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		stop := context.AfterFunc(ctx, server.Stop)
		defer stop()
		return errs.E(errs.Unavailable, "scheduler", server.Serve(listener))
	})
	group.Go(func() error { s.hint(ctx); return nil })
	group.Go(func() error { return s.group.Run(ctx, s.lead) })
	group.Go(func() error {
		<-ctx.Done() // the others need not wait until this one is missed
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), resignWithin)
		defer cancel()
		_ = s.group.Resign(grace) // they will miss it then
		return nil
	})
	group.Go(func() error {
		select {
		case <-s.group.Failed():
			return s.group.Err()
		case <-ctx.Done():
			return nil
		}
	})
	return group.Wait()
}

// hint tells those who ask here who leads.
func (s *scheduler) hint(ctx context.Context) {
	ticks := time.NewTicker(hintEvery)
	defer ticks.Stop()
	for {
		if s.admin.leading() == nil {
			id, inner := s.group.Leader()
			if id == s.settings.Cluster.Name {
				id, inner = "", "" // it is about to lead
			}
			s.door.Follow(id, inner)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

// lead does the leader's work for one term: once, unless the record is replaced in between.
func (s *scheduler) lead(ctx context.Context, term uint64) error {
	for begun := uint64(0); ctx.Err() == nil; begun++ {
		select {
		case <-s.begin:
			s.begin <- struct{}{}
		case <-ctx.Done():
			return nil
		}
		if err := s.work(ctx, term, begun); err != nil {
			return err
		}
	}
	return nil
}

// between stops the leader's work, does f, and lets the work begin anew with the record of then.
func (s *scheduler) between(ctx context.Context, t *tenure, f func() error) error {
	select {
	case <-s.begin:
	case <-ctx.Done():
		return errs.E(errs.Canceled, "scheduler", context.Cause(ctx))
	}
	defer func() { s.begin <- struct{}{} }()
	t.stop()
	<-t.over
	return f()
}

// work is one tenure.
func (s *scheduler) work(ctx context.Context, term, begun uint64) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	t, err := newTenure(ctx, s, term, begun)
	if err != nil {
		return err
	}
	t.stop = stop
	defer close(t.over)
	s.log.Info("leading", slog.Uint64("term", term), slog.String("connect", t.connectAddress()))
	defer s.log.Info("leading no more", slog.Uint64("term", term))
	return t.run(ctx)
}
