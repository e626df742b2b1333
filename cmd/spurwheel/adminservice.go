package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/history"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

// admin answers operators at a scheduler's inner address.
type admin struct {
	pb.UnimplementedAdminServer
	s       *scheduler
	current atomic.Pointer[tenure] // nil while this scheduler does not lead
}

func newAdminService(s *scheduler) *admin { return &admin{s: s} }

func (a *admin) lead(t *tenure)   { a.current.Store(t) }
func (a *admin) leading() *tenure { return a.current.Load() }

// leader is the work of the leader, or an error that says who does it.
func (a *admin) leader() (*tenure, error) {
	if t := a.leading(); t != nil {
		return t, nil
	}
	id, address := a.s.group.Leader()
	st := status.New(codes.Unavailable, "this scheduler does not lead")
	if with, err := st.WithDetails(&pb.NotLeader{Id: id, Address: address}); err == nil {
		st = with
	}
	return nil, st.Err()
}

// memberWait bounds how long the others are asked how they are.
const memberWait = 200 * time.Millisecond

// ClusterStatus is answered by every scheduler, with the workers by the leader only.
func (a *admin) ClusterStatus(ctx context.Context, _ *pb.ClusterStatusRequest) (*pb.ClusterStatusResponse, error) {
	id, address := a.s.group.Leader()
	r := &pb.ClusterStatusResponse{Leader: id, LeaderAddress: address}
	t := a.leading()
	if t == nil {
		return r, nil
	}
	ctx, cancel := context.WithTimeout(ctx, memberWait)
	defer cancel()
	for _, m := range a.s.group.Status(ctx).Members {
		info := &pb.SchedulerInfo{Name: m.ID, Inner: m.Inner, Raft: m.Raft, Suffrage: "learner", Applied: m.Applied, LastContactMs: -1}
		if m.Voter {
			info.Suffrage = "voter"
		}
		r.Schedulers = append(r.Schedulers, info)
	}
	r.Leading, r.Term, r.ConnectAddress, r.Workers = true, t.term, t.connectAddress(), t.fleet.Status()
	a.s.group.Peek(func(rec *record.State) {
		r.Sessions, r.Jobs = live(rec)
	})
	return r, nil
}

// live counts the sessions of clients and the jobs of a record.
func live(rec *record.State) (sessions, jobs int64) {
	_, n := rec.Live()
	for _, s := range rec.Sessions() {
		if s.User != "" || s.Client != "" { // the values that all sessions share have neither
			sessions++
		}
	}
	return sessions, int64(n)
}

// ListJobs lists the jobs that this leader knows.
func (a *admin) ListJobs(context.Context, *pb.ListJobsRequest) (*pb.ListJobsResponse, error) {
	t, err := a.leader()
	if err != nil {
		return nil, err
	}
	r := &pb.ListJobsResponse{}
	for _, j := range t.book.Jobs() {
		r.Jobs = append(r.Jobs, wireJob(j))
	}
	return r, nil
}

// GetJob gives one job.
func (a *admin) GetJob(_ context.Context, req *pb.GetJobRequest) (*pb.GetJobResponse, error) {
	t, err := a.leader()
	if err != nil {
		return nil, err
	}
	j, err := t.book.Job(req.GetId())
	if err != nil {
		return nil, status.Error(codes.NotFound, err.Error())
	}
	return &pb.GetJobResponse{Job: wireJob(j)}, nil
}

func wireJob(j history.Job) *pb.JobInfo {
	out := &pb.JobInfo{
		Id: j.ID, User: j.User, State: string(j.State), Description: j.Description, Error: j.Err, StartedMs: j.Started.UnixMilli(),
	}
	if !j.Ended.IsZero() {
		out.EndedMs = j.Ended.UnixMilli()
	}
	for _, s := range j.Stages {
		out.Stages = append(out.Stages, &pb.StageInfo{
			Stage: int32(s.ID), Tasks: int32(s.Tasks), Done: int32(s.Done), Running: int32(s.Running), Lost: int32(s.Lost), Failed: int32(s.Failed),
		})
	}
	return out
}

// KillJob stops a job.
func (a *admin) KillJob(_ context.Context, req *pb.KillJobRequest) (*pb.KillJobResponse, error) {
	t, err := a.leader()
	if err != nil {
		return nil, err
	}
	j, err := t.book.Job(req.GetId())
	if err != nil {
		return nil, status.Error(codes.NotFound, err.Error())
	}
	if j.State == history.Running {
		t.driver.Report(killed(j.ID, req.GetReason()))
	}
	return &pb.KillJobResponse{}, nil
}

// killed stops a job; its client reads why.
func killed(job, reason string) dispatch.Cancel {
	return dispatch.Cancel{Job: job, Err: errs.Errorf(errs.Canceled, "", "job %s was %s", job, reason)}
}

// JobEvents streams a job's log.
func (a *admin) JobEvents(req *pb.JobEventsRequest, out grpc.ServerStreamingServer[pb.JobEvent]) error {
	t, err := a.leader()
	if err != nil {
		return err
	}
	err = t.book.Events(out.Context(), req.GetId(), req.GetFollow(), func(e history.Event) error {
		return out.Send(&pb.JobEvent{TimeMs: e.At.UnixMilli(), Kind: string(e.Kind), Text: e.Text})
	})
	if errs.Is(err, errs.NotFound) {
		return status.Error(codes.NotFound, err.Error())
	}
	return err
}

// DrainWorker gives a worker no more tasks.
func (a *admin) DrainWorker(_ context.Context, req *pb.DrainWorkerRequest) (*pb.DrainWorkerResponse, error) {
	t, err := a.leader()
	if err != nil {
		return nil, err
	}
	if !t.fleet.Drain(req.GetName()) {
		return nil, status.Errorf(codes.NotFound, "there is no worker %s", req.GetName())
	}
	return &pb.DrainWorkerResponse{}, nil
}

// RemoveScheduler takes a scheduler out of the group.
func (a *admin) RemoveScheduler(ctx context.Context, req *pb.RemoveSchedulerRequest) (*pb.RemoveSchedulerResponse, error) {
	if _, err := a.leader(); err != nil {
		return nil, err
	}
	known := false
	a.s.group.Peek(func(rec *record.State) { _, known = rec.Member(req.GetName()) })
	if !known {
		return nil, status.Errorf(codes.NotFound, "there is no scheduler %s", req.GetName())
	}
	if err := a.s.group.Remove(ctx, req.GetName()); err != nil {
		return nil, status.Error(codes.FailedPrecondition, err.Error())
	}
	return &pb.RemoveSchedulerResponse{}, nil
}

// BackupRecord streams the record.
func (a *admin) BackupRecord(_ *pb.BackupRecordRequest, out grpc.ServerStreamingServer[pb.BackupChunk]) error {
	if _, err := a.leader(); err != nil {
		return err
	}
	return a.s.group.Backup(out.Context(), chunkWriter{out})
}

type chunkWriter struct {
	out grpc.ServerStreamingServer[pb.BackupChunk]
}

// Write sends pieces of at most chunkBytes.
func (w chunkWriter) Write(b []byte) (n int, err error) {
	for n < len(b) {
		piece := b[n:min(len(b), n+chunkBytes)]
		if err := w.out.Send(&pb.BackupChunk{Data: bytes.Clone(piece)}); err != nil {
			return n, err
		}
		n += len(piece)
	}
	return n, nil
}

// RestoreRecord replaces the record.
func (a *admin) RestoreRecord(in grpc.ClientStreamingServer[pb.BackupChunk, pb.RestoreRecordResponse]) error {
	t, err := a.leader()
	if err != nil {
		return err
	}
	err = a.s.between(in.Context(), t, func() error { return a.s.group.Restore(in.Context(), &chunkReader{in: in}) })
	if err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	r := &pb.RestoreRecordResponse{}
	a.s.group.Peek(func(rec *record.State) {
		r.Sessions, r.Jobs = live(rec)
	})
	return in.SendAndClose(r)
}

type chunkReader struct {
	in   grpc.ClientStreamingServer[pb.BackupChunk, pb.RestoreRecordResponse]
	left []byte
}

// Read gives what was sent.
func (r *chunkReader) Read(b []byte) (int, error) {
	for len(r.left) == 0 {
		c, err := r.in.Recv()
		if errors.Is(err, io.EOF) {
			return 0, io.EOF
		}
		if err != nil {
			return 0, err
		}
		r.left = c.GetData()
	}
	n := copy(b, r.left)
	r.left = r.left[n:]
	return n, nil
}
