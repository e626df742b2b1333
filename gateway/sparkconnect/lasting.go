package sparkconnect

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// Lasting is a Session that outlives this server: another one goes on with it.
// Values are the server's own; the session keeps them and gives them back.
type Lasting interface {
	// Keep makes a value durable under a key; an error refuses what needs it.
	Keep(ctx context.Context, key string, value []byte) error
	// Drop forgets a value. Unknown keys are no error.
	Drop(ctx context.Context, key string) error
	// Kept are the values, in the order in which they were kept.
	Kept() []Kept
}

// Kept is a value that a Lasting session has kept.
type Kept struct {
	Key   string
	Value []byte
}

// Keys of what the server keeps in sessions.
const (
	keptOperation = "operation/" // + id: the request of an operation that was not let go of
	keptRemote    = "remote/"    // + id: the request that made a checkpointed plan
)

// dropTime bounds forgetting: a value that stays costs an operation that is run
// again and abandoned.
const dropTime = 10 * time.Second

// source is a request as it is kept: what of it decides what is done.
func source(req *pb.ExecutePlanRequest) ([]byte, error) {
	b, err := proto.Marshal(req)
	return b, errs.E(errs.Internal, "sparkconnect.source", err)
}

func sourceOf(data []byte) (*pb.ExecutePlanRequest, error) {
	req := &pb.ExecutePlanRequest{}
	err := proto.UnmarshalOptions{RecursionLimit: maxNesting}.Unmarshal(data, req)
	return req, errs.E(errs.Corrupt, "sparkconnect.source", err)
}

// begin makes an operation durable before it is run. One that its client cannot
// reattach to ends with its stream, and so with this server.
func (o *operation) begin(ctx context.Context) error {
	l := o.session.lasting
	if l == nil || !o.reattachable || o.restored {
		return nil
	}
	data, err := source(o.request)
	if err != nil {
		return err
	}
	err = l.Keep(ctx, keptOperation+o.id, data)
	if errs.Is(err, errs.Exhausted) {
		return nil // too large to be kept: it ends with this server, as one that nobody can reattach to
	}
	return err
}

// forget lets an operation go that has ended and that nobody will ask for.
func (o *operation) forget() {
	l := o.session.lasting
	if l == nil || !o.reattachable || o.leaving() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), dropTime)
	defer cancel()
	_ = l.Drop(ctx, keptOperation+o.id) // see dropTime
}

// leave says that the operation is another server's from now on.
func (o *operation) leave() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.mu.left = true
}

// leaving tells whether the server, not the client, has ended the operation.
func (o *operation) leaving() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.mu.left
}

// Translate makes the plan of a command again that Execute got with a Source.
func (s *Server) Translate(ctx context.Context, sess Session, data []byte) (plan.Node, error) {
	req, err := sourceOf(data)
	if err != nil {
		return nil, err
	}
	c, err := commandOf(req)
	if err != nil {
		return nil, err
	}
	t := s.translatorOf(ctx, sess, parseClientType(req.GetClientType()), nil)
	switch k := c.GetCommandType().(type) {
	case *pb.Command_SqlCommand:
		return t.relation(sqlInput(k.SqlCommand))
	case *pb.Command_CreateDataframeView:
		return t.createView(k.CreateDataframeView)
	}
	return nil, unsupportedCommand(c)
}

func commandOf(req *pb.ExecutePlanRequest) (*pb.Command, error) {
	p, err := inflate(req.GetPlan())
	if err != nil {
		return nil, err
	}
	if p.GetCommand() == nil {
		return nil, invalidPlan("a kept request is no command")
	}
	return p.GetCommand(), nil
}

// Restore takes over sessions that outlived another server: the engine has them
// already. Their operations are run again. A server with Options.Lasting answers
// Unavailable until Restore has returned without error.
func (s *Server) Restore(ctx context.Context, keys []SessionKey) error {
	for _, key := range keys {
		sess, err := s.sessions.get(ctx, key, true)
		if err != nil {
			return err
		}
		if sess.lasting == nil {
			continue
		}
		for _, v := range sess.lasting.Kept() {
			if err := s.restore(ctx, sess, v); err != nil {
				return err
			}
		}
	}
	s.restoring.Store(false)
	return nil
}

func (s *Server) restore(ctx context.Context, sess *session, v Kept) error {
	if id, ok := strings.CutPrefix(v.Key, keptRemote); ok {
		return s.restoreRemote(ctx, sess, id, v.Value)
	}
	if !strings.HasPrefix(v.Key, keptOperation) {
		return nil
	}
	req, err := sourceOf(v.Value)
	if err != nil {
		return err
	}
	sess.mu.Lock()
	if sess.mu.version == (clientVersion{}) {
		sess.mu.version = parseClientType(req.GetClientType())
	}
	sess.mu.Unlock()
	o := newOperation(sess, req, s.clock.Now(), s.limits)
	o.restored = true
	if existing, err := sess.addOperation(o); err != nil || existing != nil {
		return err
	}
	s.start(o)
	return nil
}

// restoreRemote makes a checkpointed plan again.
func (s *Server) restoreRemote(ctx context.Context, sess *session, id string, data []byte) error {
	req, err := sourceOf(data)
	if err != nil {
		return err
	}
	c, err := commandOf(req)
	if err != nil {
		return err
	}
	t := s.translatorOf(ctx, sess.engine, parseClientType(req.GetClientType()), sess.remote)
	n, err := t.relation(c.GetCheckpointCommand().GetRelation())
	if err != nil {
		return err
	}
	level := checkpointLevel(c.GetCheckpointCommand())
	if err := sess.engine.State().Storage().Persist(ctx, n, level); err != nil {
		return err
	}
	return sess.addRemote(id, n, c.GetCheckpointCommand().GetRelation())
}

// inlined is a message with checkpointed plans in place of their ids: what is
// kept under it outlives them. Without any, it is the message itself.
func (s *session) inlined(m proto.Message) proto.Message {
	s.mu.Lock()
	relations := maps.Clone(s.mu.relations)
	s.mu.Unlock()
	if len(relations) == 0 {
		return m
	}
	m = proto.Clone(m)
	inline(m.ProtoReflect(), relations)
	return m
}

func inline(m protoreflect.Message, relations map[string]*pb.Relation) {
	if r, ok := m.Interface().(*pb.Relation); ok {
		if known := relations[r.GetCachedRemoteRelation().GetRelationId()]; known != nil {
			r.RelType = proto.CloneOf(known).RelType
			return
		}
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap():
			if f.MapValue().Message() != nil {
				v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
					inline(v.Message(), relations)
					return true
				})
			}
		case f.Message() == nil:
		case f.IsList():
			for i := range v.List().Len() {
				inline(v.List().Get(i).Message(), relations)
			}
		default:
			inline(v.Message(), relations)
		}
		return true
	})
}

// remoteID is the id of an operation's checkpoint: the same when it is run again.
func (o *operation) remoteID() string {
	space, err := uuid.Parse(o.id)
	if err != nil || o.session.lasting == nil {
		return uuid.NewString()
	}
	return uuid.NewSHA1(space, []byte("checkpoint")).String()
}

// keepRemote makes a checkpoint durable.
func (o *operation) keepRemote(ctx context.Context, id string) error {
	if o.session.lasting == nil {
		return nil
	}
	data, err := source(o.session.inlined(o.request).(*pb.ExecutePlanRequest))
	if err != nil {
		return err
	}
	return o.session.lasting.Keep(ctx, keptRemote+id, data)
}

// dropRemote forgets a checkpoint.
func (s *session) dropRemote(ctx context.Context, id string) error {
	if s.lasting == nil || !slices.ContainsFunc(s.lasting.Kept(), func(k Kept) bool { return k.Key == keptRemote+id }) {
		return nil
	}
	return s.lasting.Drop(ctx, keptRemote+id)
}
