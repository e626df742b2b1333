package sparkconnect

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/gateway/relay"
)

// reign is who leads now, if anybody does.
type reign struct {
	mu  sync.Mutex
	now *generation
}

func (r *reign) set(g *generation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = g
}

func (r *reign) Leader(context.Context, error) (grpc.ClientConnInterface, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now == nil {
		return nil, errors.New("nobody leads")
	}
	return r.now.conn, nil
}

// behind connects a client to leaders through a relay.
func behind(t *testing.T, r *reign) pb.SparkConnectServiceClient {
	t.Helper()
	s := relay.New(relay.Options{Leaders: r})
	ln := bufconn.Listen(1 << 20)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	conn, err := grpc.NewClient("passthrough:bufnet", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return ln.DialContext(ctx) }))
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, conn.Close())
		s.Close()
		require.NoError(t, <-served)
	})
	return pb.NewSparkConnectServiceClient(conn)
}

// TestAClientOfTheRelaySeesNoChangeOfLeaders ends a leader while it makes each
// of a result's batches; the client reads one whole result.
func TestAClientOfTheRelaySeesNoChangeOfLeaders(t *testing.T) {
	const batches = 6
	for _, reattachable := range []bool{true, false} {
		for dies := 1; dies <= batches; dies++ {
			t.Run(fmt.Sprint(reattachable, dies), func(t *testing.T) {
				e, id := newLastingEngine(), uuid.NewString()
				var runs atomic.Int64
				reached := make(chan struct{})
				e.execute = func(context.Context, *fakeSession, ExecuteRequest) (Result, error) {
					res, pulls := &rangeResult{to: 5_500, size: 1000}, 0
					if runs.Add(1) == 1 {
						res.delay = func(ctx context.Context) error {
							if pulls++; pulls == dies {
								close(reached)
								<-ctx.Done()
								return ctx.Err()
							}
							return nil
						}
					}
					return res, nil
				}
				limits := Limits{BatchRows: 1000, ProgressFirst: time.Millisecond, ProgressEvery: time.Millisecond}
				r, a := &reign{}, lead(t, e, id, limits)
				r.set(a)
				client := behind(t, r)
				s, err := client.ExecutePlan(t.Context(), a.request(rootPlan(rangeOf(5_500)), reattachable))
				require.NoError(t, err)
				<-reached
				r.set(nil)
				a.close()
				b := follow(t, e, id, limits) // leads, but has not restored
				r.set(b)
				defer b.close()
				require.NoError(t, b.server.Restore(t.Context(), []SessionKey{{"ada", id}}))
				rs, err := drain(s)
				require.NoError(t, err)
				require.Equal(t, sequence(5_500), longs(t, rs))
				require.NotNil(t, rs[len(rs)-1].GetResultComplete())
				require.EqualValues(t, 2, runs.Load())
			})
		}
	}
}
