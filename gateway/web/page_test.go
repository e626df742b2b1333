package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/gateway/web"
	"github.com/spurwheel/spurwheel/internal/errs"
)

type fake struct {
	killed string
	down   bool
}

func (f *fake) Status(context.Context) (*pb.ClusterStatusResponse, error) {
	if f.down {
		return nil, errs.Errorf(errs.Unavailable, "", "no scheduler leads")
	}
	return &pb.ClusterStatusResponse{Leader: "s1", Term: 7, Workers: []*pb.WorkerInfo{{Name: "w<1>", State: "up", Reason: "drained"}}}, nil
}

func (f *fake) Jobs(context.Context) ([]*pb.JobInfo, error) {
	return []*pb.JobInfo{{
		Id: "a-1", User: "<script>alert(1)</script>", State: "running", StartedMs: 1000, Description: "select 1\nfrom t",
		Stages: []*pb.StageInfo{{Tasks: 4, Done: 1, Lost: 2}, {Tasks: 1}},
	}}, nil
}

func (f *fake) Job(_ context.Context, id string) (*pb.JobInfo, error) {
	if id != "a-1" {
		return nil, errs.Errorf(errs.NotFound, "", "no job %s", id)
	}
	all, err := f.Jobs(context.Background())
	return all[0], err
}

func (f *fake) Kill(_ context.Context, id string) error {
	f.killed = id
	return nil
}

func call(t *testing.T, f *fake, method, path string, headers ...string) *httptest.ResponseRecorder {
	h, err := web.Handler(f, func() time.Time { return time.UnixMilli(3500) })
	require.NoError(t, err)
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestOverview(t *testing.T) {
	w := call(t, &fake{}, "GET", "/")
	body := w.Body.String()
	require.Equal(t, http.StatusOK, w.Code)
	for _, want := range []string{"<b>s1</b>", "term 7", "1/5", "<td>2<td>2.5s", "select 1", "w&lt;1&gt;", "drained"} {
		require.Contains(t, body, want)
	}
	require.NotContains(t, body, "<script>")
	require.NotContains(t, body, "from t", "only the first line")
	require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")
}

func TestJob(t *testing.T) {
	w := call(t, &fake{}, "GET", "/job/a-1")
	require.Contains(t, w.Body.String(), "from t")
	require.Contains(t, w.Body.String(), `action="/job/a-1/kill"`)
	require.Equal(t, http.StatusNotFound, call(t, &fake{}, "GET", "/job/b").Code)
}

func TestKillTakesAPostOfThisSite(t *testing.T) {
	f := &fake{}
	require.Equal(t, http.StatusMethodNotAllowed, call(t, f, "GET", "/job/a-1/kill").Code)
	require.Equal(t, http.StatusForbidden, call(t, f, "POST", "/job/a-1/kill", "Sec-Fetch-Site", "cross-site").Code)
	require.Empty(t, f.killed)
	require.Equal(t, http.StatusSeeOther, call(t, f, "POST", "/job/a-1/kill", "Sec-Fetch-Site", "same-origin").Code)
	require.Equal(t, "a-1", f.killed)
}

func TestNoLeader(t *testing.T) {
	w := call(t, &fake{down: true}, "GET", "/")
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Contains(t, w.Body.String(), "no scheduler leads")
}
