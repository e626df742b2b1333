package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"github.com/spurwheel/spurwheel/internal/config"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/obs"
)

// memberFlags are those of every process that belongs to a cluster or asks one.
func memberFlags(flags *pflag.FlagSet) {
	flags.String("join", "", "inner addresses of schedulers, host:port[,host:port]")
	securityFlags(flags)
}

// roleFlags are those of a process that plays one role.
func roleFlags(flags *pflag.FlagSet) {
	memberFlags(flags)
	flags.String("name", "", "this process's name in the cluster")
	flags.String("cluster-key", "", "file of the 32 bytes that members share (default: cluster.key in the data folder)")
	flags.String("data", "", "folder for state and spilled data (default: the user's state folder)")
	flags.String("memory", "", "memory budget, like 4GiB (default: 70% of the machine's or the cgroup's)")
	flags.Int("threads", 0, "threads of one task (default: the processors granted)")
	flags.Bool("insecure-i-know", false, "allow addresses that other machines reach, without authentication")
	flags.Bool(inputFlag, false, "end when standard input ends")
	_ = flags.MarkHidden(inputFlag)
}

const inputFlag = "until-input-ends"

// role runs one role of a cluster until ctx ends.
type role func(ctx context.Context, p process, log *slog.Logger, settings config.Config) error

// newRole is the command of a role.
func newRole(p process, name, short string, flags func(*pflag.FlagSet), run role) *cobra.Command {
	cmd := &cobra.Command{
		Use: name, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, unknown, err := loadSettings(p.environ, cmd.Flags())
			if err != nil {
				return err
			}
			log := obs.NewLogger(p.stderr, obs.ParseLevel(settings.Log.Level), obs.ParseFormat(settings.Log.Format))
			log = log.With(slog.String("role", name), slog.String("name", settings.Cluster.Name))
			for _, key := range unknown {
				log.Warn("unknown setting ignored", slog.String("name", key))
			}
			if len(settings.Cluster.Addresses()) == 0 && (name != "scheduler" || settings.Cluster.Expect != 1) {
				return errs.Errorf(errs.Invalid, "", "name the cluster's schedulers with --join host:port[,host:port]")
			}
			ctx := cmd.Context()
			if started, err := cmd.Flags().GetBool(inputFlag); err == nil && started {
				ctx = untilInputEnds(ctx, p)
			}
			return run(ctx, p, log, settings)
		},
	}
	roleFlags(cmd.Flags())
	if flags != nil {
		flags(cmd.Flags())
	}
	return cmd
}

func newRoles(p process) []*cobra.Command {
	return []*cobra.Command{
		newRole(p, "scheduler", "Keep the record with other schedulers, and lead the workers when elected", func(f *pflag.FlagSet) {
			f.Lookup("join").Usage = "raft addresses of other schedulers, host:port[,host:port]"
			f.Int("expect", 0, "schedulers that form a new group: 1, 3 or 5; 0 joins one that is there (default 0 with --join, else 1)")
			f.String("listen", "", "inner address for workers and gateways")
			f.String("http", "", "address of /healthz and /metrics (default 127.0.0.1, any port)")
			f.String("raft", "", "address for the other schedulers")
			f.String("warehouse", "", "folder of managed tables, which every process reaches (default: in the data folder)")
		}, runScheduler),
		newRole(p, "worker", "Run tasks and keep their rows", func(f *pflag.FlagSet) {
			f.String("listen", "", "inner address for readers of stored rows (default 127.0.0.1, any port)")
			f.String("http", "", "address of /healthz and /metrics (default 127.0.0.1, any port)")
		}, runWorker),
		newRole(p, "gateway", "Serve Spark Connect clients by the scheduler that leads", func(f *pflag.FlagSet) {
			f.String("connect", "", "address of Spark Connect (default "+config.DefaultConnect+")")
			f.String("http", "", "address of /healthz, /metrics and the job page (default "+config.DefaultHTTP+")")
		}, runGateway),
	}
}

// serveRole runs a role beside a listener for its health and metrics, on any port unless one is set.
func serveRole(ctx context.Context, settings config.Config, registry *prometheus.Registry, run func(ctx context.Context, http string) error) error {
	address := settings.HTTP
	if address == config.DefaultHTTP { // that is the gateway's
		address = config.DefaultInner
	}
	health := &health{}
	health.set(true)
	web, err := listenWeb(ctx, address, webHandler(health, registry))
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	group.Go(func() error { return web.serve(ctx) })
	group.Go(func() error {
		defer cancel() // a worker that was let go
		return run(ctx, web.address())
	})
	return group.Wait()
}

// leaderPause is how long to wait before asking again who leads.
const leaderPause = 50 * time.Millisecond

// awaitLeader looks for the leader for a while: an election takes a second or two.
func awaitLeader(ctx context.Context, l *leader) (*grpc.ClientConn, error) {
	ctx, cancel := context.WithTimeout(ctx, adminWithin)
	defer cancel()
	for {
		conn, err := l.Conn(ctx)
		if err == nil {
			return conn, nil
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(leaderPause):
		}
	}
}
