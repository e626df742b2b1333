package cluster

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/skew"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

const (
	maxCall   = 256 << 10        // bytes of a call or a reply
	callDelay = 2 * time.Second  // until a call is answered that does not wait for the log
	logDelay  = 10 * time.Second // until one is that does
)

// ask makes one call. The reply is nil where nobody answered; a refusal comes
// with the reply.
func (g *Group) ask(ctx context.Context, address string, call *pb.GroupCall) (*pb.GroupReply, error) {
	const op = "cluster.ask"
	delay := callDelay
	if call.GetAnnounce() != nil || call.GetRemove() != nil {
		delay = logDelay
	}
	ctx, cancel := context.WithTimeout(ctx, delay)
	defer cancel()
	call.From, call.Protocol = wireNode(g.self), g.cfg.Protocol
	conn, err := g.stream.dial(ctx, address, forCall)
	if err != nil {
		return nil, errs.E(errs.Unavailable, op, err)
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	reply := &pb.GroupReply{}
	if err := errors.Join(writeMessage(conn, call), readMessage(conn, reply)); err != nil {
		return nil, errs.E(errs.Unavailable, op, err)
	}
	g.peers.heard(reply.GetNode())
	if !g.entered.Load() { // later the log says who there is; else two would remind each other of the dead for ever
		for _, n := range reply.GetKnown() {
			g.peers.heardOf(n)
		}
	}
	if reply.GetError() != "" {
		return reply, errs.E(errs.Kind(min(reply.GetErrorKind(), uint32(errs.Internal))), op, errors.New(reply.GetError()))
	}
	return reply, nil
}

// answer serves one call of a connection.
func (g *Group) answer(ctx context.Context, conn net.Conn) {
	call := &pb.GroupCall{}
	if err := readMessage(conn, call); err != nil {
		return
	}
	_ = conn.SetDeadline(time.Now().Add(logDelay))
	ctx, cancel := context.WithTimeout(ctx, logDelay)
	defer cancel()
	g.peers.heard(call.GetFrom())
	err := skew.Check(call.GetFrom().GetId(), call.GetProtocol(), g.cfg.Protocol)
	if err == nil {
		err = g.obey(ctx, call)
	}
	reply := g.situation()
	if err != nil {
		reply.ErrorKind, reply.Error = uint32(errs.KindOf(err)), err.Error()
	}
	_ = writeMessage(conn, reply) // the caller asks again
}

func (g *Group) obey(ctx context.Context, call *pb.GroupCall) error {
	switch k := call.GetKind().(type) {
	case *pb.GroupCall_Hello_:
		return nil
	case *pb.GroupCall_Pin_:
		return g.pin(k.Pin.GetIds())
	case *pb.GroupCall_Announce_:
		return g.admit(ctx, memberOf(call.GetFrom()), k.Announce.GetFresh())
	case *pb.GroupCall_Remove_:
		return g.Remove(ctx, k.Remove.GetId())
	}
	return errs.Errorf(errs.NotSupported, "cluster.answer", "a call that this version does not know")
}

// situation is how things stand here.
func (g *Group) situation() *pb.GroupReply {
	leader, raftAddress := g.leader()
	r := &pb.GroupReply{
		Node: wireNode(g.self), Formed: g.formed(), LeaderId: leader.ID, LeaderRaft: raftAddress, LeaderInner: leader.Inner,
		Term: g.raft.CurrentTerm(), LastIndex: g.raft.LastIndex(), AppliedIndex: g.raft.AppliedIndex(), CommitIndex: g.raft.CommitIndex(),
		State: g.raft.State().String(), Pinned: g.pinned(),
	}
	for _, m := range g.peers.list() {
		r.Known = append(r.Known, wireNode(m))
	}
	return r
}

func wireNode(m record.Member) *pb.GroupNode {
	return &pb.GroupNode{Id: m.ID, Raft: m.Raft, Inner: m.Inner, Instance: m.Instance}
}

func memberOf(n *pb.GroupNode) record.Member {
	return record.Member{ID: n.GetId(), Raft: n.GetRaft(), Inner: n.GetInner(), Instance: n.GetInstance()}
}

func writeMessage(w io.Writer, m proto.Message) error {
	data, err := proto.Marshal(m)
	if err != nil {
		return err
	}
	_, err = w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), data...))
	return err
}

func readMessage(r io.Reader, m proto.Message) error {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > maxCall {
		return errs.Errorf(errs.Corrupt, "cluster.call", "a message of %d bytes, the limit is %d", n, maxCall)
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(r, data); err != nil {
		return err
	}
	return proto.Unmarshal(data, m)
}
