package sparkconnect

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// TestReattachingReleases: a client that releases is never sent more than its
// window. When it is silent for long the stream ends, and by reattaching it
// says what it has: nothing is lost whatever the number of streams.
func TestReattachingReleases(t *testing.T) {
	const rows = 30_000
	w := newWorld(t, Options{Limits: Limits{BatchRows: 1000, RetryBytes: 50_000, ReleaseGrace: time.Millisecond, StreamDuration: 30 * time.Millisecond}})
	req := w.request(rootPlan(rangeOf(rows)), true)
	var s responses
	s, err := w.client.ExecutePlan(t.Context(), req)
	require.NoError(t, err)
	first, err := s.Recv()
	require.NoError(t, err)
	w.release(req, first.ResponseId)
	all, streams := []*pb.ExecutePlanResponse{first}, 1
	for {
		rs, err := drain(s)
		require.NoError(t, err)
		all = append(all, rs...)
		require.LessOrEqual(t, len(rs), 7, "50 KB are six messages of 8 KB")
		last := all[len(all)-1]
		if last.GetResultComplete() != nil {
			break
		}
		streams++
		s, err = w.client.ReattachExecute(t.Context(), &pb.ReattachExecuteRequest{
			SessionId: w.id, UserContext: user(), OperationId: req.GetOperationId(), LastResponseId: &last.ResponseId,
		})
		require.NoError(t, err)
	}
	require.Equal(t, sequence(rows), longs(t, all))
	require.Greater(t, streams, 4)
}

// textResult is one batch of rows that share a long text.
type textResult struct {
	rangeResult
	text string
	rows int
	done bool
}

func (r *textResult) Schema() types.Schema { return types.NewSchema(types.F("s", types.String)) }

func (r *textResult) Next(context.Context) (*batch.Batch, error) {
	if r.done {
		return nil, io.EOF
	}
	r.done = true
	return &batch.Batch{N: r.rows, Cols: []*batch.Vector{batch.NewConst(types.String, r.text, r.rows)}}, nil
}

func (w *world) texts(length, rows int) ([]*pb.ExecutePlanResponse, error) {
	w.engine.execute = func(context.Context, *fakeSession, ExecuteRequest) (Result, error) {
		return &textResult{text: strings.Repeat("t", length), rows: rows}, nil
	}
	return w.run(rootPlan(rangeOf(1)))
}

func TestMessagesAreCutByBytes(t *testing.T) {
	w := newWorld(t, Options{})
	for _, length := range []int{100, 10_000, 1_000_000, 3_000_000, 6_000_000} {
		rs, err := w.texts(length, 20)
		require.NoError(t, err)
		rows := int64(0)
		for _, r := range rs {
			rows += r.GetArrowBatch().GetRowCount()
			require.LessOrEqual(t, len(r.GetArrowBatch().GetData()), max(4<<20, length)+4096)
		}
		require.Equal(t, int64(20), rows)
	}
}

func TestARowLargerThanAMessageNamesTheLimit(t *testing.T) {
	w := newWorld(t, Options{})
	_, err := w.texts(maxMessage, 1)
	info := infoOf(t, err)
	require.Equal(t, "RESULT_ROW_TOO_LARGE", info.Metadata["errorClass"])
	require.Equal(t, "54000", info.Metadata["sqlState"])
	require.Contains(t, info.Metadata["messageParameters"], "134201344")
}
