package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// adminWithin bounds how long a command looks for the leader.
const adminWithin = 10 * time.Second

// adminCall runs with the leader's service.
type adminCall func(ctx context.Context, cmd *cobra.Command, c pb.AdminClient, args []string) error

// newAdmin is a command that asks the leader.
func newAdmin(p process, use, short string, args cobra.PositionalArgs, call adminCall) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: args,
		RunE: func(cmd *cobra.Command, args []string) error {
			settings, _, err := loadSettings(p.environ, cmd.Flags())
			if err != nil {
				return err
			}
			addresses := settings.Cluster.Addresses()
			if len(addresses) == 0 {
				return errs.Errorf(errs.Invalid, "", "name the cluster's schedulers with --join host:port[,host:port]")
			}
			sec, err := openSecurity(settings.TLS, "", slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			l := newLeader(addresses, sec.toScheduler())
			defer l.Close()
			conn, err := awaitLeader(cmd.Context(), l)
			if err != nil {
				return err
			}
			return wordsOf(call(cmd.Context(), cmd, pb.NewAdminClient(conn), args))
		},
	}
	memberFlags(cmd.Flags())
	return cmd
}

// wordsOf is a call's error without the protocol's ornaments.
func wordsOf(err error) error {
	if s, ok := status.FromError(err); ok && err != nil {
		return errors.New(s.Message())
	}
	return err
}

func newAdminCommands(p process) []*cobra.Command {
	out := []*cobra.Command{newStatus(p), newNodes(p), newPS(p)}
	add := func(use, short string, args cobra.PositionalArgs, call adminCall) {
		out = append(out, newAdmin(p, use, short, args, call))
	}
	one := cobra.ExactArgs(1)
	add("job ID", "Show one job: its stages, tasks and losses", one, showJob)
	add("kill ID", "Stop a job", one, func(ctx context.Context, _ *cobra.Command, c pb.AdminClient, args []string) error {
		_, err := c.KillJob(ctx, &pb.KillJobRequest{Id: args[0], Reason: "stopped by an operator"})
		return err
	})
	add("drain WORKER", "Give a worker no more tasks; it leaves when its rows are not needed any more", one,
		func(ctx context.Context, _ *cobra.Command, c pb.AdminClient, args []string) error {
			_, err := c.DrainWorker(ctx, &pb.DrainWorkerRequest{Name: args[0]})
			return err
		})
	add("leave SCHEDULER", "Take a scheduler out of the group", one,
		func(ctx context.Context, _ *cobra.Command, c pb.AdminClient, args []string) error {
			_, err := c.RemoveScheduler(ctx, &pb.RemoveSchedulerRequest{Name: args[0]})
			return err
		})
	add("backup FILE", "Save the record: sessions, jobs, commits", one, backup)
	add("restore FILE", "Replace the record by a saved one", one, restore)
	logs := newAdmin(p, "logs ID", "Print a job's events", one, jobEvents)
	logs.Flags().BoolP("follow", "f", false, "wait for more until the job ends")
	return append(out, logs)
}

func newStatus(p process) *cobra.Command {
	cmd := newAdmin(p, "status", "Show who leads and what there is", cobra.NoArgs,
		func(ctx context.Context, cmd *cobra.Command, c pb.AdminClient, _ []string) error {
			s, err := c.ClusterStatus(ctx, &pb.ClusterStatusRequest{})
			if err != nil {
				return err
			}
			if asJSON, err := cmd.Flags().GetBool("json"); asJSON || err != nil {
				return printStatusJSON(cmd.OutOrStdout(), s)
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "leader %s (%s), term %d; %d workers, %d sessions, %d jobs\n",
				s.GetLeader(), s.GetLeaderAddress(), s.GetTerm(), len(s.GetWorkers()), s.GetSessions(), s.GetJobs())
			return printSchedulers(out, s)
		})
	cmd.Flags().Bool("json", false, "print everything as JSON")
	return cmd
}

// printStatusJSON prints with the messages' own field names and every field.
func printStatusJSON(w io.Writer, s *pb.ClusterStatusResponse) error {
	raw, err := protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true}.Marshal(s)
	if err != nil {
		return errs.E(errs.Internal, "status", err)
	}
	var compact json.RawMessage = raw
	return json.NewEncoder(w).Encode(compact)
}

func printSchedulers(w io.Writer, s *pb.ClusterStatusResponse) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SCHEDULER\tADDRESS\tRAFT\tROLE\tAPPLIED")
	for _, m := range s.GetSchedulers() {
		role := m.GetSuffrage()
		if m.GetName() == s.GetLeader() {
			role = "leader"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\n", m.GetName(), m.GetInner(), m.GetRaft(), role, m.GetApplied())
	}
	return t.Flush()
}

func newNodes(p process) *cobra.Command {
	return newAdmin(p, "nodes", "List schedulers and workers", cobra.NoArgs,
		func(ctx context.Context, cmd *cobra.Command, c pb.AdminClient, _ []string) error {
			s, err := c.ClusterStatus(ctx, &pb.ClusterStatusRequest{})
			if err != nil {
				return err
			}
			if err := printSchedulers(cmd.OutOrStdout(), s); err != nil {
				return err
			}
			t := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "WORKER\tHOST\tSTATE\tTASKS\tSLOTS\tHEARD\tVERSION\tREASON")
			for _, w := range s.GetWorkers() {
				fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%dms\t%s\t%s\n", w.GetName(), w.GetHost(), w.GetState(),
					w.GetRunning(), w.GetSlots(), w.GetLastHeardMs(), w.GetVersion(), w.GetReason())
			}
			return t.Flush()
		})
}

func newPS(p process) *cobra.Command {
	return newAdmin(p, "ps", "List jobs, those that run first", cobra.NoArgs,
		func(ctx context.Context, cmd *cobra.Command, c pb.AdminClient, _ []string) error {
			list, err := c.ListJobs(ctx, &pb.ListJobsRequest{})
			if err != nil {
				return err
			}
			t := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "JOB\tUSER\tSTATE\tTASKS\tTIME\tWHAT")
			for _, j := range list.GetJobs() {
				done, all := tasksOf(j)
				fmt.Fprintf(t, "%s\t%s\t%s\t%d/%d\t%s\t%s\n", j.GetId(), j.GetUser(), j.GetState(), done, all, took(j), oneLine(j.GetDescription()))
			}
			return t.Flush()
		})
}

func tasksOf(j *pb.JobInfo) (done, all int32) {
	for _, s := range j.GetStages() {
		done, all = done+s.GetDone(), all+s.GetTasks()
	}
	return done, all
}

func took(j *pb.JobInfo) time.Duration {
	end := time.UnixMilli(j.GetEndedMs())
	if j.GetEndedMs() == 0 {
		end = time.Now()
	}
	return end.Sub(time.UnixMilli(j.GetStartedMs())).Round(time.Millisecond)
}

// oneLine cuts a description to what a table shows.
func oneLine(s string) string {
	const most = 60
	out := []rune{}
	for _, r := range s {
		if r < ' ' {
			r = ' '
		}
		if out = append(out, r); len(out) == most {
			break
		}
	}
	return string(out)
}

func showJob(ctx context.Context, cmd *cobra.Command, c pb.AdminClient, args []string) error {
	r, err := c.GetJob(ctx, &pb.GetJobRequest{Id: args[0]})
	if err != nil {
		return err
	}
	j, out := r.GetJob(), cmd.OutOrStdout()
	of := ""
	if j.GetUser() != "" {
		of = " of " + j.GetUser()
	}
	fmt.Fprintf(out, "job %s%s: %s for %s\n", j.GetId(), of, j.GetState(), took(j))
	if j.GetDescription() != "" {
		fmt.Fprintln(out, j.GetDescription())
	}
	if j.GetError() != "" {
		fmt.Fprintln(out, j.GetError())
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "STAGE\tTASKS\tDONE\tRUNNING\tLOST\tFAILED")
	for _, s := range j.GetStages() {
		fmt.Fprintf(t, "%d\t%d\t%d\t%d\t%d\t%d\n", s.GetStage(), s.GetTasks(), s.GetDone(), s.GetRunning(), s.GetLost(), s.GetFailed())
	}
	return t.Flush()
}

func jobEvents(ctx context.Context, cmd *cobra.Command, c pb.AdminClient, args []string) error {
	follow, err := cmd.Flags().GetBool("follow")
	if err != nil {
		return err
	}
	events, err := c.JobEvents(ctx, &pb.JobEventsRequest{Id: args[0], Follow: follow})
	if err != nil {
		return err
	}
	for {
		e, err := events.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s %-10s %s\n", time.UnixMilli(e.GetTimeMs()).Format("15:04:05.000"), e.GetKind(), e.GetText())
	}
}

// backup writes a new file and gives it its name when it is whole.
func backup(ctx context.Context, _ *cobra.Command, c pb.AdminClient, args []string) (err error) {
	chunks, err := c.BackupRecord(ctx, &pb.BackupRecordRequest{})
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(args[0]), ".backup-*")
	if err != nil {
		return errs.E(kindOfFileError(err), "backup", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	for {
		chunk, rerr := chunks.Recv()
		if errors.Is(rerr, io.EOF) {
			break
		}
		if rerr == nil {
			_, rerr = f.Write(chunk.GetData())
		}
		if rerr != nil {
			return errors.Join(rerr, f.Close())
		}
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return errs.E(errs.Other, "backup", err)
	}
	return errs.E(errs.Other, "backup", os.Rename(f.Name(), args[0]))
}

// chunkBytes is how much of a backup one message carries.
const chunkBytes = 1 << 20

func restore(ctx context.Context, cmd *cobra.Command, c pb.AdminClient, args []string) error {
	f, err := os.Open(args[0])
	if err != nil {
		return errs.E(kindOfFileError(err), "restore", err)
	}
	defer f.Close()
	stream, err := c.RestoreRecord(ctx)
	if err != nil {
		return err
	}
	buf := make([]byte, chunkBytes)
	for {
		n, err := f.Read(buf)
		if n > 0 {
			if serr := stream.Send(&pb.BackupChunk{Data: buf[:n]}); serr != nil {
				break // the answer says why
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return errs.E(errs.Other, "restore", err)
		}
	}
	r, err := stream.CloseAndRecv()
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "restored %d sessions and %d jobs\n", r.GetSessions(), r.GetJobs())
	return nil
}
