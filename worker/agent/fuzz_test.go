package agent

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
)

// FuzzSchedulerFrames applies any bytes to a stream.
func FuzzSchedulerFrames(f *testing.F) {
	for _, m := range []*pb.SchedulerFrame{
		{Sequence: 1, Welcome: &pb.Welcome{HeartbeatMillis: -1, LeaseMillis: 1 << 60}},
		launches(1, 0, 1),
		{Sequence: 3, LastReport: 1, Drain: true, Ping: true, Release: true},
		{Sequence: 4, Messages: []*pb.ToWorker{{Kind: &pb.ToWorker_Launch{Launch: &pb.Task{}}}, {Kind: &pb.ToWorker_Cancel{}}, {Kind: &pb.ToWorker_Discard{Discard: "j"}}, nil}},
		{Sequence: 5, Dismiss: &pb.Dismiss{Reason: "x"}},
	} {
		b, err := proto.Marshal(m)
		require.NoError(f, err)
		f.Add(b, b)
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		s := newStage(t)
		x := newSession(s.Agent, nil, s, func(error) {})
		for _, b := range [][]byte{first, second} {
			var m pb.SchedulerFrame
			if proto.Unmarshal(b, &m) != nil {
				return
			}
			if x.welcome(&m) == nil {
				require.Positive(t, x.heartbeat)
				require.LessOrEqual(t, x.heartbeat, x.lease)
				require.LessOrEqual(t, x.lease, maxLease)
			}
			m.Epoch = s.mu.epoch // else nothing would be looked at
			_ = x.apply(&m)      // an error ends the stream
		}
		require.LessOrEqual(t, len(x.templates), maxTemplates)
		for k := range s.mu.tasks {
			s.TaskDone(&pb.TaskDone{Id: k.id()})
		}
		require.Zero(t, s.mu.running)
	})
}
