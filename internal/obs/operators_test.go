package obs

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOperatorCounters(t *testing.T) {
	o, registry := NewOperators(), NewRegistry("test")
	registry.MustRegister(o)
	registry.MustRegister(Memory(func() int64 { return 7 }, func() int64 { return 8 }, func() int64 { return 9 })...)
	o.Add("sort", OperatorTotals{Rows: 10, Spilled: 500, Nanos: 2_000_000_000})
	o.Add("sort", OperatorTotals{Rows: 5, Spilled: 50})
	o.Add("scan", OperatorTotals{Rows: 1, Read: 99})
	w := httptest.NewRecorder()
	MetricsHandler(registry).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, line := range []string{
		`spurwheel_operator_spilled_bytes_total{operator="sort"} 550`,
		`spurwheel_operator_spilled_bytes_total{operator="join"} 0`,
		`spurwheel_operator_rows_total{operator="sort"} 15`,
		`spurwheel_operator_seconds_total{operator="sort"} 2`,
		`spurwheel_operator_read_bytes_total{operator="scan"} 99`,
		`spurwheel_memory_booked_bytes 7`, `spurwheel_memory_booked_peak_bytes 8`, `spurwheel_memory_budget_bytes 9`,
	} {
		require.Contains(t, w.Body.String(), line+"\n")
	}
}
