package main

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/gateway/sparkconnect"
	"github.com/spurwheel/spurwheel/scheduler/session"
)

// engine shows the sessions of this process to the Spark Connect gateway.
type engine struct{ sessions *session.Manager }

var _ sparkconnect.Engine = engine{}

func keyOf(k sparkconnect.SessionKey) session.Key {
	return session.Key{User: k.UserID, ID: k.SessionID}
}

// Session gives the session of a key, made if it is new.
func (e engine) Session(ctx context.Context, _ sparkconnect.Principal, key sparkconnect.SessionKey) (sparkconnect.Session, error) {
	s, err := e.sessions.Open(ctx, keyOf(key))
	if err != nil {
		return nil, err
	}
	return sessionOf(s), nil
}

// sessionOf is a session in the gateway's words, with all it can.
func sessionOf(s *session.Session) sparkconnect.Session {
	if s.Lasting() {
		return lastingSession{engineSession{s}}
	}
	return engineSession{s}
}

// CloneSession copies a session.
func (e engine) CloneSession(ctx context.Context, from, to sparkconnect.SessionKey) (sparkconnect.Session, error) {
	s, err := e.sessions.Clone(ctx, keyOf(from), keyOf(to))
	if err != nil {
		return nil, err
	}
	return sessionOf(s), nil
}

// CloseSession forgets a session.
func (e engine) CloseSession(ctx context.Context, key sparkconnect.SessionKey) error {
	return e.sessions.Close(ctx, keyOf(key))
}

// engineSession is a session in the gateway's words.
type engineSession struct{ s *session.Session }

func (e engineSession) ServerID() string { return e.s.ServerID() }

func (e engineSession) Execute(ctx context.Context, req sparkconnect.ExecuteRequest) (sparkconnect.Result, error) {
	r, err := e.s.Execute(ctx, session.Request{OperationID: req.OperationID, Plan: req.Plan, Source: req.Source, Description: req.Description})
	if err != nil {
		return nil, err
	}
	return engineResult{r}, nil
}

func (e engineSession) Analyze(ctx context.Context, n plan.Node) (plan.Node, error) {
	return e.s.Analyze(ctx, n)
}

func (e engineSession) Describe() sparkconnect.Describer { return engineDescriber(e) }
func (e engineSession) State() sparkconnect.State        { return engineState(e) }

// lastingSession is a session that outlives its process.
type lastingSession struct{ engineSession }

var _ sparkconnect.Lasting = lastingSession{}

// Keep makes a value of the gateway durable.
func (e lastingSession) Keep(ctx context.Context, key string, value []byte) error {
	return e.s.Keep(ctx, key, value)
}

// Drop forgets one.
func (e lastingSession) Drop(ctx context.Context, key string) error { return e.s.Drop(ctx, key) }

// Kept lists them.
func (e lastingSession) Kept() []sparkconnect.Kept {
	var out []sparkconnect.Kept
	for _, v := range e.s.Kept() {
		out = append(out, sparkconnect.Kept(v))
	}
	return out
}

// engineResult translates an execution's counters.
type engineResult struct{ *session.Result }

func (r engineResult) Progress() sparkconnect.Progress {
	var p sparkconnect.Progress
	for _, s := range r.Result.Progress() {
		p.Stages = append(p.Stages, sparkconnect.StageProgress{
			ID: int64(s.Stage), Tasks: int64(s.Tasks), Completed: int64(s.Done), InputBytes: s.InputBytes, Done: s.Done == s.Tasks,
		})
		p.Inflight += s.Tasks - s.Done
	}
	return p
}

func (r engineResult) Metrics() sparkconnect.Metrics {
	var m sparkconnect.Metrics
	for _, o := range r.Operators() {
		m.Operators = append(m.Operators, sparkconnect.OperatorMetrics{Name: o.Name, ID: int64(o.ID), Parent: int64(o.Parent), Values: o.Values})
	}
	for _, o := range r.Observed() {
		out := sparkconnect.Observed{Name: o.Name}
		for i, f := range o.Schema.Fields {
			out.Keys = append(out.Keys, f.Name)
			out.Values = append(out.Values, plan.Lit(f.Type, o.Row[i]))
		}
		m.Observed = append(m.Observed, out)
	}
	return m
}

type engineDescriber struct{ s *session.Session }

func (d engineDescriber) Explain(ctx context.Context, n plan.Node, mode string) (string, error) {
	return d.s.Explain(ctx, n, mode)
}

func (d engineDescriber) InputFiles(ctx context.Context, n plan.Node) ([]string, error) {
	return d.s.InputFiles(ctx, n)
}

func (d engineDescriber) SemanticKey(ctx context.Context, n plan.Node) (string, error) {
	return d.s.SemanticKey(ctx, n)
}

type engineState struct{ s *session.Session }

func (s engineState) Conf() sparkconnect.Conf       { return s.s.Conf() }
func (s engineState) Storage() sparkconnect.Storage { return engineStorage(s) }
func (s engineState) Blobs() sparkconnect.Blobs     { return s.s.Blobs() }

type engineStorage struct{ s *session.Session }

func (s engineStorage) Persist(ctx context.Context, n plan.Node, level sparkconnect.StorageLevel) error {
	return s.s.Persist(ctx, n, session.Level(level))
}

func (s engineStorage) Unpersist(ctx context.Context, n plan.Node, _ bool) error {
	return s.s.Unpersist(ctx, n)
}

func (s engineStorage) Level(ctx context.Context, n plan.Node) (sparkconnect.StorageLevel, error) {
	l, err := s.s.Level(ctx, n)
	return sparkconnect.StorageLevel(l), err
}
