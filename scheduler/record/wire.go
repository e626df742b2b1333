package record

import (
	"maps"
	"math"
	"slices"

	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// Encode writes an entry as the log keeps it.
func Encode(e Entry) ([]byte, error) {
	m := &pb.RecordEntry{}
	if r, ok := e.(Request); ok {
		m.Client, m.Sequence, e = r.Client, r.Sequence, r.Entry
	}
	if !toWire(m, e) {
		return nil, errs.Errorf(errs.Internal, "record.Encode", "entry %T", e)
	}
	if _, err := fromWire(m); err != nil { // what could not be read again is not written
		return nil, err
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, errs.E(errs.Invalid, "record.Encode", err)
	}
	if len(data) > MaxEntry {
		return nil, errs.Errorf(errs.Exhausted, "record.Encode", "an entry of %d bytes is past the limit of %d", len(data), MaxEntry)
	}
	return data, nil
}

// Decode reads an entry and checks all of it but what only the record knows.
func Decode(data []byte) (Entry, error) {
	e, err := decode(data)
	if _, ok := e.(answered); ok {
		return nil, errs.Errorf(errs.Corrupt, "record.Decode", "an element of a snapshot is no entry")
	}
	return e, err
}

func decode(data []byte) (Entry, error) {
	if len(data) > MaxEntry {
		return nil, errs.Errorf(errs.Corrupt, "record.Decode", "an entry of %d bytes is past the limit of %d", len(data), MaxEntry)
	}
	m := &pb.RecordEntry{}
	if err := proto.Unmarshal(data, m); err != nil {
		return nil, errs.E(errs.Corrupt, "record.Decode", err)
	}
	e, err := fromWire(m)
	if err != nil || m.GetClient() == "" {
		return e, err
	}
	return Request{m.GetClient(), m.GetSequence(), e}, nil
}

// toWire fills m's kind; false if the entry has none.
func toWire(m *pb.RecordEntry, e Entry) bool {
	switch e := e.(type) {
	case OpenSession:
		m.Kind = &pb.RecordEntry_OpenSession_{OpenSession: &pb.RecordEntry_OpenSession{Session: e.Session, User: e.User, Client: e.Client, Server: e.Server}}
	case CloseSession:
		m.Kind = &pb.RecordEntry_CloseSession_{CloseSession: &pb.RecordEntry_CloseSession{Session: e.Session}}
	case SessionPut:
		m.Kind = &pb.RecordEntry_SessionPut_{SessionPut: &pb.RecordEntry_SessionPut{Session: e.Session, Key: e.Key, Value: e.Value}}
	case SessionDelete:
		m.Kind = &pb.RecordEntry_SessionDelete_{SessionDelete: &pb.RecordEntry_SessionDelete{Session: e.Session, Key: e.Key}}
	case WorkerJoined:
		m.Kind = &pb.RecordEntry_WorkerJoined_{WorkerJoined: &pb.RecordEntry_WorkerJoined{Name: e.Name, Epoch: e.Epoch, Addresses: e.Addresses}}
	case WorkerGone:
		m.Kind = &pb.RecordEntry_WorkerGone_{WorkerGone: &pb.RecordEntry_WorkerGone{Name: e.Name, Epoch: e.Epoch, Reason: e.Reason}}
	case MemberUp:
		m.Kind = &pb.RecordEntry_MemberUp_{MemberUp: &pb.RecordEntry_MemberUp{Id: e.ID, Raft: e.Raft, Inner: e.Inner, Instance: e.Instance}}
	case MemberGone:
		m.Kind = &pb.RecordEntry_MemberGone_{MemberGone: &pb.RecordEntry_MemberGone{Id: e.ID}}
	case answered:
		m.Kind = &pb.RecordEntry_Answered_{Answered: &pb.RecordEntry_Answered{
			Client: e.client, Sequence: e.sequence, Kind: uint32(e.result.kind), Op: e.result.op, Message: e.result.message, Failed: e.result.failed,
		}}
	default:
		return jobToWire(m, e)
	}
	return true
}

func jobToWire(m *pb.RecordEntry, e Entry) bool {
	switch e := e.(type) {
	case SubmitJob:
		m.Kind = &pb.RecordEntry_SubmitJob_{SubmitJob: &pb.RecordEntry_SubmitJob{
			Job: e.Job, Session: e.Session, Stages: wire32(e.Stages), Plan: e.Plan, Operation: e.Operation, Spec: e.Spec,
		}}
	case StageDone:
		m.Kind = &pb.RecordEntry_StageDone_{StageDone: &pb.RecordEntry_StageDone{Job: e.Job, Stage: wire32(e.Stage), Outputs: e.Outputs}}
	case Choose:
		c := &pb.RecordEntry_Choose{Job: e.Job}
		for _, p := range slices.Sorted(maps.Keys(e.Attempts)) {
			c.Partitions, c.Attempts = append(c.Partitions, wire32(p)), append(c.Attempts, wire32(e.Attempts[p]))
		}
		m.Kind = &pb.RecordEntry_Choose_{Choose: c}
	case Commit:
		m.Kind = &pb.RecordEntry_Commit_{Commit: &pb.RecordEntry_Commit{Job: e.Job}}
	case EndJob:
		m.Kind = &pb.RecordEntry_EndJob_{EndJob: &pb.RecordEntry_EndJob{Job: e.Job, Failed: e.Failed, Reason: e.Reason}}
	default:
		return false
	}
	return true
}

// wire32 is n, or what fromWire refuses.
func wire32(n int) int32 {
	if n < 0 || n > math.MaxInt32 {
		return -1
	}
	return int32(n)
}

// fromWire checks and reads an entry, without the request around it.
func fromWire(m *pb.RecordEntry) (Entry, error) {
	v := &checker{}
	v.optional("client", m.GetClient())
	if (m.GetClient() == "") != (m.GetSequence() == 0) {
		v.fail("a request needs a client and a sequence above 0")
	}
	e := entryOf(v, m)
	if v.err != nil {
		return nil, v.err
	}
	return e, nil
}

func entryOf(v *checker, m *pb.RecordEntry) Entry {
	switch k := m.GetKind().(type) {
	case *pb.RecordEntry_OpenSession_:
		o := k.OpenSession
		v.optional("user", o.GetUser())
		v.optional("client", o.GetClient())
		v.optional("server", o.GetServer())
		return OpenSession{v.name("session", o.GetSession()), o.GetUser(), o.GetClient(), o.GetServer()}
	case *pb.RecordEntry_CloseSession_:
		return CloseSession{v.name("session", k.CloseSession.GetSession())}
	case *pb.RecordEntry_SessionPut_:
		p := k.SessionPut
		return SessionPut{v.name("session", p.GetSession()), v.name("key", p.GetKey()), p.GetValue()}
	case *pb.RecordEntry_SessionDelete_:
		d := k.SessionDelete
		return SessionDelete{v.name("session", d.GetSession()), v.name("key", d.GetKey())}
	case *pb.RecordEntry_Answered_:
		a := k.Answered
		v.optional("op", a.GetOp())
		if a.GetKind() > uint32(errs.Internal) {
			v.fail("an answer of kind %d", a.GetKind())
		}
		r := result{a.GetFailed(), errs.Kind(a.GetKind()), a.GetOp(), v.text("message", a.GetMessage())}
		return answered{v.name("client", a.GetClient()), a.GetSequence(), r}
	}
	return jobOf(v, m)
}

func jobOf(v *checker, m *pb.RecordEntry) Entry {
	switch k := m.GetKind().(type) {
	case *pb.RecordEntry_SubmitJob_:
		j := k.SubmitJob
		v.optional("operation", j.GetOperation())
		return SubmitJob{
			Job: v.name("job", j.GetJob()), Session: v.name("session", j.GetSession()), Stages: v.count("stages", j.GetStages()),
			Plan: j.GetPlan(), Operation: j.GetOperation(), Spec: j.GetSpec(),
		}
	case *pb.RecordEntry_StageDone_:
		d := k.StageDone
		return StageDone{v.name("job", d.GetJob()), v.count("stage", d.GetStage()), d.GetOutputs()}
	case *pb.RecordEntry_Choose_:
		return chooseOf(v, k.Choose)
	case *pb.RecordEntry_Commit_:
		return Commit{v.name("job", k.Commit.GetJob())}
	case *pb.RecordEntry_EndJob_:
		e := k.EndJob
		return EndJob{v.name("job", e.GetJob()), e.GetFailed(), v.text("reason", e.GetReason())}
	}
	return processOf(v, m)
}

func chooseOf(v *checker, c *pb.RecordEntry_Choose) Entry {
	n := len(c.GetPartitions())
	if n != len(c.GetAttempts()) || n > MaxCommitted {
		v.fail("%d partitions with %d attempts, the limit is %d", n, len(c.GetAttempts()), MaxCommitted)
		return nil
	}
	e := Choose{Job: v.name("job", c.GetJob()), Attempts: make(map[int]int, n)}
	for i, p := range c.GetPartitions() {
		if _, twice := e.Attempts[int(p)]; twice {
			v.fail("partition %d is named twice", p)
		}
		e.Attempts[v.count("partition", p)] = v.count("attempt", c.GetAttempts()[i])
	}
	return e
}

func processOf(v *checker, m *pb.RecordEntry) Entry {
	switch k := m.GetKind().(type) {
	case *pb.RecordEntry_WorkerJoined_:
		w := k.WorkerJoined
		if len(w.GetAddresses()) > maxAddresses {
			v.fail("%d addresses of a worker, the limit is %d", len(w.GetAddresses()), maxAddresses)
		}
		for _, a := range w.GetAddresses() {
			v.optional("address", a)
		}
		return WorkerJoined{v.name("worker", w.GetName()), w.GetEpoch(), w.GetAddresses()}
	case *pb.RecordEntry_WorkerGone_:
		w := k.WorkerGone
		return WorkerGone{v.name("worker", w.GetName()), w.GetEpoch(), v.text("reason", w.GetReason())}
	case *pb.RecordEntry_MemberUp_:
		u := k.MemberUp
		v.optional("raft address", u.GetRaft())
		v.optional("inner address", u.GetInner())
		v.optional("instance", u.GetInstance())
		return MemberUp{v.name("scheduler", u.GetId()), u.GetRaft(), u.GetInner(), u.GetInstance()}
	case *pb.RecordEntry_MemberGone_:
		return MemberGone{v.name("scheduler", k.MemberGone.GetId())}
	}
	v.err = errs.Errorf(errs.NotSupported, "record.Decode", "an entry of a kind that this version does not know")
	return nil
}

// maxAddresses of one worker: control, shuffle over TCP and over a socket, and room.
const maxAddresses = 8

// checker keeps the first thing that is wrong with an entry.
type checker struct{ err error }

func (v *checker) fail(format string, args ...any) {
	if v.err == nil {
		v.err = errs.Errorf(errs.Invalid, "record.Decode", format, args...)
	}
}

func (v *checker) name(what, s string) string {
	if s == "" {
		v.fail("%s has no name", what)
	}
	return v.optional(what, s)
}

func (v *checker) optional(what, s string) string {
	if len(s) > MaxName {
		v.fail("%s of %d bytes, the limit is %d", what, len(s), MaxName)
	}
	return s
}

func (v *checker) text(what, s string) string {
	if len(s) > MaxReason {
		v.fail("%s of %d bytes, the limit is %d", what, len(s), MaxReason)
	}
	return s
}

func (v *checker) count(what string, n int32) int {
	if n < 0 {
		v.fail("%s %d", what, n)
	}
	return int(n)
}
