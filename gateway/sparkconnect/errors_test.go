package sparkconnect

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"

	"github.com/spurwheel/spurwheel/internal/errs"
)

func errorInfo(t *testing.T, err error) *errdetails.ErrorInfo {
	t.Helper()
	for _, d := range status.Convert(statusOf(err, "")).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info
		}
	}
	require.Fail(t, "no details")
	return nil
}

func TestErrorsOfTheClusterHaveAClass(t *testing.T) {
	cause := errors.New("worker 3: checksum")
	for kind, want := range map[errs.Kind]string{
		errs.Lost: "SPURWHEEL.OUTPUT_LOST", errs.Corrupt: "SPURWHEEL.CORRUPT",
		errs.Unavailable: "SPURWHEEL.UNAVAILABLE", errs.Exhausted: "SPURWHEEL.EXHAUSTED", errs.Internal: "", errs.Other: "",
	} {
		err := fmt.Errorf("job 7: %w", errs.E(kind, "shuffle.Read", cause))
		info := errorInfo(t, err)
		require.Equal(t, want, info.GetMetadata()["errorClass"], kind)
		require.Equal(t, want, errorTo(err).GetSparkThrowable().GetErrorClass(), kind)
		require.Contains(t, errorTo(err).GetMessage(), "worker 3: checksum", kind)
		require.Equal(t, classSpark, info.GetReason())
	}
}

func TestTheUsersConditionComesFirst(t *testing.T) {
	err := errs.E(errs.Lost, "op", errs.Cond(errs.Arithmetic, "DIVIDE_BY_ZERO", "22012", "Division by zero."))
	require.Equal(t, "DIVIDE_BY_ZERO", errorInfo(t, err).GetMetadata()["errorClass"])
}
