package main

import (
	"context"
	"errors"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/scheduler/cluster"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/driver"
	"github.com/spurwheel/spurwheel/scheduler/history"
	"github.com/spurwheel/spurwheel/scheduler/record"
	"github.com/spurwheel/spurwheel/scheduler/session"
)

// bookLog is the record as the driver appends to it; the book reads along.
type bookLog struct {
	log  driver.Log
	book *history.Book
}

// Append makes an entry durable.
func (l bookLog) Append(ctx context.Context, e record.Entry) error {
	if s, ok := e.(record.SubmitJob); ok {
		submitted(l.book, s.Job, s.Spec)
	}
	err := l.log.Append(ctx, e)
	switch e := e.(type) {
	case record.SubmitJob:
		if err != nil {
			l.book.Ended(e.Job, err)
		}
	case record.EndJob:
		l.book.Ended(e.Job, reason(e))
	}
	return err
}

// groupLog is the group's record with the errors of a leader that leads no more.
type groupLog struct{ group *cluster.Group }

// Append makes an entry durable.
func (l groupLog) Append(ctx context.Context, e record.Entry) error {
	return ofRecord(l.group.Append(ctx, e))
}

func reason(e record.EndJob) error {
	if !e.Failed {
		return nil
	}
	if e.Reason == "" {
		return errors.New("failed")
	}
	return errors.New(e.Reason)
}

// submitted opens the entry of a recorded job.
func submitted(book *history.Book, id string, spec []byte) {
	s, _, err := driver.DecodeSpec(spec)
	if err != nil {
		return
	}
	j := dispatch.Job{ID: id, User: s.User}
	for _, st := range s.Stages {
		j.Stages = append(j.Stages, st.Stage)
	}
	book.Submitted(j, s.Description)
}

// liveIn tells which jobs workers need to hold rows of.
func liveIn(group *cluster.Group) func(string) bool {
	return func(job string) (live bool) {
		group.Peek(func(r *record.State) { live = r.Job(job) != nil })
		return live
	}
}

// journal keeps sessions in the record.
type journal struct{ group *cluster.Group }

// Open begins a session.
func (j journal) Open(ctx context.Context, o session.Opened) error {
	return j.append(ctx, record.OpenSession{Session: o.Session, User: o.Key.User, Client: o.Key.ID, Server: o.Session})
}

// Put keeps a value.
func (j journal) Put(ctx context.Context, session, key string, value []byte) error {
	return j.append(ctx, record.SessionPut{Session: session, Key: key, Value: value})
}

// Delete forgets a value.
func (j journal) Delete(ctx context.Context, session, key string) error {
	return j.append(ctx, record.SessionDelete{Session: session, Key: key})
}

// Close forgets a session.
func (j journal) Close(ctx context.Context, session string) error {
	return j.append(ctx, record.CloseSession{Session: session})
}

func (j journal) append(ctx context.Context, e record.Entry) error {
	return ofRecord(j.group.Append(ctx, e))
}

// sealerOf is nil without a key: a cluster on one machine may do without.
func sealerOf(s *scheduler) session.Sealer {
	if !s.sealed {
		return nil
	}
	return sealer{s.group}
}

// sealer hides values of sessions under the cluster's key.
type sealer struct{ group *cluster.Group }

// sessionPlace binds sealed values to what they are.
const sessionPlace = "session"

// Seal hides.
func (s sealer) Seal(plain []byte) ([]byte, error) { return s.group.Seal(plain, sessionPlace) }

// Open shows.
func (s sealer) Open(sealed []byte) ([]byte, error) { return s.group.Open(sealed, sessionPlace) }

// operatorObserver adds up what tasks did.
type operatorObserver struct{ operators *operatorLog }

// TaskDone notes what a task delivered.
func (o operatorObserver) TaskDone(_ string, d *pb.TaskDone) {
	o.operators.addRead(d.GetId(), d.GetInputBytes())
	o.operators.add(d.GetId(), d.GetOperators(), true)
}

// TaskFailed notes what a task did for nothing.
func (o operatorObserver) TaskFailed(_ string, f *pb.TaskFailed) {
	o.operators.add(f.GetId(), f.GetOperators(), false)
}
