package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/spurwheel/spurwheel/internal/config"
	"github.com/spurwheel/spurwheel/internal/obs"
)

func newUp(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start a server that plays every role in this process",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, unknown, err := loadSettings(p.environ, cmd.Flags())
			if err != nil {
				return err
			}
			log := obs.NewLogger(p.stderr, obs.ParseLevel(settings.Log.Level), obs.ParseFormat(settings.Log.Format))
			for _, name := range unknown {
				log.Warn("unknown setting ignored", slog.String("name", name))
			}
			if settings.Schedulers > 0 {
				return upCluster(cmd.Context(), p, log, settings)
			}
			return up(cmd.Context(), p, log, settings)
		},
	}
	serverFlags(cmd.Flags())
	cmd.Flags().Int("schedulers", 0, "processes that keep the record, 1, 3 or 5, beside --workers and a gateway (default 0: all roles in one process)")
	return cmd
}

// up runs the server until ctx ends.
func up(ctx context.Context, p process, log *slog.Logger, settings config.Config) (err error) {
	data, err := openDataFolder(settings.Data)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, data.Close()) }()

	n, err := newNode(settings, log)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, n.Close()) }()
	connect, err := listenConnect(ctx, settings, n, log)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, connect.close(ctx)) }()
	health := &health{}
	registry := obs.NewRegistry(buildVersion())
	registry.MustRegister(n.metrics()...)
	handler, err := withPage(localPage{n}, webHandler(health, registry))
	if err != nil {
		return err
	}
	web, err := listenWeb(ctx, settings.HTTP, handler)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return web.serve(ctx) })
	group.Go(func() error { return connect.serve(ctx) })

	health.set(true)
	defer health.set(false)
	log.Info("ready",
		slog.String("version", buildVersion()),
		slog.String("data", settings.Data),
		slog.String("memory", settings.Memory.String()),
		slog.Int("threads", settings.Threads))
	// The one line on standard output is for programs: it tells the ports that were taken.
	fmt.Fprintf(p.stdout, "ready connect=%s http=%s\n", connect.address(), web.address())
	err = group.Wait()
	log.Info("stopped")
	return err
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
