package main

import (
	"context"
	"log/slog"
	"net"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/gateway/relay"
	"github.com/spurwheel/spurwheel/internal/config"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/obs"
)

// runGateway serves clients until ctx ends.
func runGateway(ctx context.Context, p process, log *slog.Logger, settings config.Config) (err error) {
	sec, err := openSecurity(settings.TLS, settings.Tokens, log)
	if err != nil {
		return err
	}
	l := newLeader(settings.Cluster.Addresses(), sec.toScheduler())
	defer func() { err = firstError(err, l.Close()) }()
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", settings.Connect)
	if err != nil {
		return errs.E(errs.Unavailable, "connect", err)
	}
	defer listener.Close()
	health := &health{}
	handler, err := withPage(adminPage{l}, webHandler(health, obs.NewRegistry(buildVersion())))
	if err != nil {
		return err
	}
	httpServer, err := listenWeb(ctx, settings.HTTP, handler)
	if err != nil {
		return err
	}
	server := relay.New(relay.Options{Leaders: l, Secure: sec.gatewayOptions()})
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return httpServer.serve(ctx) })
	group.Go(func() error { l.watch(ctx); return nil })
	group.Go(func() error {
		stop := context.AfterFunc(ctx, server.Close)
		defer stop()
		return server.Serve(listener)
	})
	health.set(true)
	log.Info("ready")
	printReady(p.stdout, "connect="+listener.Addr().String(), "http="+httpServer.address())
	return group.Wait()
}

// adminPage answers the page by the leader.
type adminPage struct{ l *leader }

func (a adminPage) client(ctx context.Context) (pb.AdminClient, error) {
	conn, err := a.l.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return pb.NewAdminClient(conn), nil
}

// Status asks who leads.
func (a adminPage) Status(ctx context.Context) (*pb.ClusterStatusResponse, error) {
	return a.l.status(ctx)
}

// Jobs lists jobs.
func (a adminPage) Jobs(ctx context.Context) ([]*pb.JobInfo, error) {
	c, err := a.client(ctx)
	if err != nil {
		return nil, err
	}
	r, err := c.ListJobs(ctx, &pb.ListJobsRequest{})
	return r.GetJobs(), wordsOf(err)
}

// Job gives one job.
func (a adminPage) Job(ctx context.Context, id string) (*pb.JobInfo, error) {
	c, err := a.client(ctx)
	if err != nil {
		return nil, err
	}
	r, err := c.GetJob(ctx, &pb.GetJobRequest{Id: id})
	if status.Code(err) == codes.NotFound {
		return nil, errs.E(errs.NotFound, "", wordsOf(err))
	}
	return r.GetJob(), wordsOf(err)
}

// Kill stops a job.
func (a adminPage) Kill(ctx context.Context, id string) error {
	c, err := a.client(ctx)
	if err != nil {
		return err
	}
	_, err = c.KillJob(ctx, &pb.KillJobRequest{Id: id, Reason: "stopped from the page"})
	return wordsOf(err)
}
