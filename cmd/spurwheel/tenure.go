package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/connectors/mux"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/gateway/sparkconnect"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/driver"
	"github.com/spurwheel/spurwheel/scheduler/fleet"
	"github.com/spurwheel/spurwheel/scheduler/history"
	"github.com/spurwheel/spurwheel/scheduler/jobs"
	"github.com/spurwheel/spurwheel/scheduler/placement"
	"github.com/spurwheel/spurwheel/scheduler/record"
	"github.com/spurwheel/spurwheel/scheduler/session"
	"github.com/spurwheel/spurwheel/worker/shuffle"
)

const (
	// recoveryWait is how long launches of recovered jobs wait for workers: a lease and what the last check of it takes.
	recoveryWait = 6 * time.Second
	// claimWithin is how long a recovered job may be without an operation that reads it.
	claimWithin = time.Minute
	// deposedWithin is how long a leader whose record does not answer waits for the news that another leads.
	deposedWithin = 5 * time.Second
	// tenureGrace bounds the end of a leadership's calls.
	tenureGrace = 5 * time.Second
)

// sharedBlobs is where artifacts lie that are too large for the log, below the warehouse; no table has such a name.
const sharedBlobs = "_artifacts"

// tenure is a leader's work for one term: nothing in it outlives the leadership
// but what the record and the workers hold.
type tenure struct {
	term     uint64
	begun    uint64             // tenures of this term before
	stop     context.CancelFunc // ends it, though the leadership goes on
	over     chan struct{}      // closed when nothing of it is left
	log      *slog.Logger
	admin    *admin
	door     *fleet.Door
	fleet    *fleet.Fleet
	driver   *driver.Driver
	book     *history.Book
	sessions *session.Manager
	connect  *sparkconnect.Server
	listener net.Listener
	members  *memberLog
	peers    *shuffle.Client
	reads    *shuffle.Store
	saved    []session.SavedSession
}

func newTenure(ctx context.Context, s *scheduler, term, begun uint64) (*tenure, error) {
	var rec *record.State
	s.group.Peek(func(r *record.State) { rec = r.Clone() })
	t := &tenure{term: term, begun: begun, over: make(chan struct{}), log: s.log, admin: s.admin, door: s.door, saved: savedSessions(rec)}
	t.book = history.New(history.Config{Dir: filepath.Join(s.settings.Data, "history"), Clock: clock.Real{}})
	t.members = newMemberLog(s.group)
	operators := newOperatorLog()
	hands := &hands{book: t.book}
	t.driver = driver.New(driver.Config{
		Core: dispatch.NewCore(dispatch.Config{Policy: placement.FairLocal{}}), Executor: hands, Log: bookLog{groupLog{s.group}, t.book}, Clock: clock.Real{},
		Drained: func(worker string, epoch int64) { t.fleet.Release(worker, epoch) },
	})
	t.fleet = fleet.New(fleet.Config{
		Leader: s.settings.Cluster.Name, Term: term, Protocol: protocolSpoken(), Sink: sink{t.driver, t.book, t.members}, Clock: clock.Real{},
		Live: liveIn(s.group), Observer: operatorObserver{operators}, Log: s.log,
	})
	hands.Fleet = t.fleet
	t.recover(rec)
	if err := t.open(ctx, s, operators); err != nil {
		return nil, err
	}
	return t, nil
}

// recover takes over what earlier leaders began.
func (t *tenure) recover(rec *record.State) {
	r := driver.Recovery{Wait: recoveryWait, Term: t.term<<2 | min(t.begun, 3)}
	for _, j := range rec.Jobs() {
		r.Jobs = append(r.Jobs, driver.RecordedJob{ID: j.ID, Spec: j.Spec, Done: j.Done})
		submitted(t.book, j.ID, j.Spec)
	}
	var expected []fleet.Member
	for _, w := range rec.Workers() {
		r.Workers = append(r.Workers, w.Name)
		expected = append(expected, fleet.Member{Name: w.Name, Epoch: w.Epoch})
	}
	t.driver.Recover(r)
	t.fleet.Expect(expected)
}

// open makes the front: sessions and their server.
func (t *tenure) open(ctx context.Context, s *scheduler, operators *operatorLog) error {
	stores, formats := storage(s.settings)
	budget := mem.NewBudget("process", int64(s.settings.Memory)).Child("engine", engineShare(s.settings.Memory))
	_, out := s.sec.stores()
	dial := shuffle.Dialer{TLS: out}
	t.peers = shuffle.NewClient(dial.Dial)
	t.reads = shuffle.New(shuffle.Config{Worker: s.settings.Cluster.Name, Dir: filepath.Join(s.settings.Data, "reads"), Budget: budget, Peers: t.peers})
	t.sessions = session.NewManager(session.Config{
		Registry: function.Standard(), Formats: formats, Stores: stores, Warehouse: s.settings.Warehouse,
		Blobs: filepath.Join(s.settings.Data, "artifacts"), ZoneID: localZone(), Version: sparkVersion, Clock: clock.Real{},
		Jobs: &jobs.Runner{
			Driver: t.driver, Results: results{nil, t.reads}, Stored: true, Workers: t.width,
			ReadBytes: operators.read, Finished: operators.finished,
		},
		Threads: s.settings.Threads, Defaults: sparkconnect.DefaultConf(),
		Journal: journal{s.group}, Sealer: sealerOf(s), SharedBlobs: mux.Join(s.settings.Warehouse, sharedBlobs),
	})
	var lc net.ListenConfig
	host, _, err := net.SplitHostPort(s.settings.Cluster.Listen)
	if err != nil {
		return errs.E(errs.Invalid, "leader", err)
	}
	if t.listener, err = lc.Listen(ctx, "tcp", net.JoinHostPort(host, "0")); err != nil {
		return errs.E(errs.Unavailable, "leader", err)
	}
	t.connect = sparkconnect.New(sparkconnect.Options{
		Engine: engine{t.sessions}, SparkVersion: sparkVersion, ZoneID: localZone(), Log: s.log, Lasting: true,
		Secure: s.sec.schedulerOptions(), Auth: s.sec.users(),
	})
	return nil
}

// width is how many workers a plan is spread over.
func (t *tenure) width() int {
	n, _ := t.fleet.Usable()
	return max(n, 1)
}

func (t *tenure) connectAddress() string { return t.listener.Addr().String() }

// run leads until elected ends, and returns when nothing of the leadership is left.
func (t *tenure) run(elected context.Context) error {
	base, cancel := context.WithCancelCause(context.WithoutCancel(elected))
	defer cancel(nil)
	// Whatever fails from then on says that another leader must be asked.
	stop := context.AfterFunc(elected, func() { cancel(leaving(context.Cause(elected))) })
	defer stop()
	group, ctx := errgroup.WithContext(base)
	group.Go(func() error { return t.driver.Run(ctx) })
	group.Go(func() error { return t.fleet.Run(ctx) })
	group.Go(func() error { t.members.run(ctx); return nil })
	group.Go(func() error { return t.connect.Serve(t.listener) })
	group.Go(func() error { return t.restore(ctx) })
	t.door.Lead(t.fleet)
	t.admin.lead(t)
	group.Go(func() error {
		<-ctx.Done()
		t.admin.lead(nil)
		t.door.Follow("", "")
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), tenureGrace)
		defer cancel()
		return errors.Join(t.connect.Close(grace), t.sessions.CloseAll())
	})
	err := errors.Join(group.Wait(), t.peers.Close(), t.reads.Close())
	if !errors.Is(err, sparkconnect.ErrLeaving) {
		return err
	}
	select {
	case <-elected.Done():
		return nil
	case <-time.After(deposedWithin): // it was not deposed: better it starts anew than that nobody leads
		return err
	}
}

// leaving says that an error is about the leadership, not about what was asked.
func leaving(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", sparkconnect.ErrLeaving, err)
}

// ofRecord tells the record's own refusals from those of a leader that leads no more.
func ofRecord(err error) error {
	if errs.Is(err, errs.Unavailable) {
		return leaving(err)
	}
	return err
}

// restore brings back the sessions and what they were doing; clients wait for it.
func (t *tenure) restore(ctx context.Context) error {
	start := time.Now()
	problems, err := t.sessions.Restore(ctx, t.saved, func(ctx context.Context, s *session.Session, source []byte) (plan.Node, error) {
		return t.connect.Translate(ctx, engineSession{s}, source)
	})
	for _, p := range problems {
		t.log.Warn("a part of a session was not restored", slog.String("session", p.Key.ID), slog.String("value", p.Value), slog.Any("error", p.Err))
	}
	if err != nil {
		return err
	}
	var keys []sparkconnect.SessionKey
	for _, s := range t.saved {
		if s.Key != (session.Key{}) { // the values that all sessions share have none
			keys = append(keys, sparkconnect.SessionKey{UserID: s.Key.User, SessionID: s.Key.ID})
		}
	}
	if err := t.connect.Restore(ctx, keys); err != nil {
		return err
	}
	t.log.Info("sessions restored", slog.Int("sessions", len(keys)), slog.Duration("took", time.Since(start)))
	if err := clock.Sleep(ctx, clock.Real{}, claimWithin); err != nil {
		return nil //nolint:nilerr // it was asked to end
	}
	for _, h := range t.driver.Unclaimed() { // of operations that nobody kept
		if err := h.Close(ctx); err != nil {
			t.log.Warn("a job nobody reads was not closed", slog.String("job", h.ID()), slog.Any("error", err))
		}
	}
	return nil
}

// savedSessions are the sessions of the record as the session manager reads them.
func savedSessions(rec *record.State) []session.SavedSession {
	var out []session.SavedSession
	for _, s := range rec.Sessions() {
		saved := session.SavedSession{Opened: session.Opened{Session: s.ID, Key: session.Key{User: s.User, ID: s.Client}}}
		for _, v := range s.Values() {
			saved.Values = append(saved.Values, session.Value{Key: v.Key, Value: v.Value})
		}
		out = append(out, saved)
	}
	return out
}

// hands carries launches out and lets the book know.
type hands struct {
	*fleet.Fleet
	book *history.Book
}

// Launch hands a task to its worker.
func (h *hands) Launch(worker string, epoch int64, task *pb.Task) {
	h.book.Launched(driver.TaskOf(task.GetId()), worker)
	h.Fleet.Launch(worker, epoch, task)
}

// sink hears of workers: the book and the record do before the scheduler.
type sink struct {
	driver  *driver.Driver
	book    *history.Book
	members *memberLog
}

// Report passes an event on.
func (s sink) Report(ev dispatch.Event) {
	s.members.note(ev)
	s.book.Reported(ev)
	s.driver.Report(ev)
}

// memberLog records who joins and leaves, so that the next leader knows whom to wait for.
type memberLog struct {
	log     driver.Log
	entries chan record.Entry
}

// maxMemberEntries bounds what waits to be recorded; more is not recorded, which only makes a next leader wait for nobody.
const maxMemberEntries = 4096

func newMemberLog(log driver.Log) *memberLog {
	return &memberLog{log: log, entries: make(chan record.Entry, maxMemberEntries)}
}

func (m *memberLog) note(ev dispatch.Event) {
	var e record.Entry
	switch ev := ev.(type) {
	case dispatch.WorkerUp:
		e = record.WorkerJoined{Name: ev.Worker, Epoch: ev.Epoch}
	case dispatch.WorkerDown:
		e = record.WorkerGone{Name: ev.Worker, Epoch: ev.Epoch, Reason: ev.Reason}
	default:
		return
	}
	select {
	case m.entries <- e:
	default:
	}
}

func (m *memberLog) run(ctx context.Context) {
	for {
		select {
		case e := <-m.entries:
			_ = m.log.Append(ctx, e) // refused: a later epoch is known
		case <-ctx.Done():
			return
		}
	}
}
