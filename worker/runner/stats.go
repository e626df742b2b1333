package runner

import (
	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/worker/exec"
)

// encodeStats puts a task's operator counters on the wire.
func encodeStats(stats []exec.OperatorStats) []*pb.OperatorStats {
	out := make([]*pb.OperatorStats, len(stats))
	for i, s := range stats {
		out[i] = &pb.OperatorStats{
			Id: int32(s.ID), Parent: int32(s.Parent), Name: s.Name, Kind: s.Kind, RowsIn: s.RowsIn, RowsOut: s.RowsOut,
			Bytes: s.Bytes, Spilled: s.Spilled, Nanos: s.Nanos,
		}
	}
	return out
}

// DecodeStats reads counters from the wire.
func DecodeStats(stats []*pb.OperatorStats) []exec.OperatorStats {
	out := make([]exec.OperatorStats, len(stats))
	for i, s := range stats {
		out[i] = exec.OperatorStats{
			ID: int(s.GetId()), Parent: int(s.GetParent()), Name: s.GetName(), Kind: s.GetKind(), RowsIn: s.GetRowsIn(), RowsOut: s.GetRowsOut(),
			Bytes: s.GetBytes(), Spilled: s.GetSpilled(), Nanos: s.GetNanos(),
		}
	}
	return out
}
