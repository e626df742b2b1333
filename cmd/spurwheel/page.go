package main

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/gateway/web"
	"github.com/spurwheel/spurwheel/scheduler/driver"
	"github.com/spurwheel/spurwheel/scheduler/history"
)

// withPage serves the job page beside what rest serves.
func withPage(c web.Cluster, rest http.Handler) (http.Handler, error) {
	page, err := web.Handler(c, time.Now)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", page)
	mux.Handle("/healthz", rest)
	mux.Handle("/metrics", rest)
	return mux, nil
}

// localPage answers the page of a process that plays every role.
type localPage struct{ n *node }

// Status lists the worker in this process and its worker processes.
func (l localPage) Status(context.Context) (*pb.ClusterStatusResponse, error) {
	running := l.n.book.Running()
	jobs := l.n.book.Jobs()
	live := int64(0)
	for _, j := range jobs {
		if j.State == history.Running {
			live++
		}
	}
	r := &pb.ClusterStatusResponse{Jobs: live, Sessions: int64(l.n.sessions.Len())}
	add := func(name string) {
		r.Workers = append(r.Workers, &pb.WorkerInfo{Name: name, State: "up", Running: int32(running[name]), Slots: embeddedSlots, Version: buildVersion()})
	}
	add(localWorker)
	for _, name := range slices.Sorted(maps.Keys(l.n.children)) {
		add(name)
	}
	return r, nil
}

// Jobs lists jobs.
func (l localPage) Jobs(context.Context) ([]*pb.JobInfo, error) {
	var out []*pb.JobInfo
	for _, j := range l.n.book.Jobs() {
		out = append(out, wireJob(j))
	}
	return out, nil
}

// Job gives one job.
func (l localPage) Job(_ context.Context, id string) (*pb.JobInfo, error) {
	j, err := l.n.book.Job(id)
	if err != nil {
		return nil, err
	}
	return wireJob(j), nil
}

// Kill stops a job.
func (l localPage) Kill(_ context.Context, id string) error {
	j, err := l.n.book.Job(id)
	if err == nil && j.State == history.Running {
		l.n.driver.Report(killed(id, "stopped from the page"))
	}
	return err
}

// watchedHands carries launches out and lets the book know.
type watchedHands struct {
	*workers
	book *history.Book
}

// Launch hands a task to its worker.
func (h watchedHands) Launch(worker string, epoch int64, task *pb.Task) {
	h.book.Launched(driver.TaskOf(task.GetId()), worker)
	h.workers.Launch(worker, epoch, task)
}
