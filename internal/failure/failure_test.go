package failure_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/failure"
)

func travel(t *testing.T, err error) error {
	t.Helper()
	wire, e := proto.Marshal(failure.Encode(err))
	require.NoError(t, e)
	var f pb.Failure
	require.NoError(t, proto.Unmarshal(wire, &f))
	return failure.Decode(&f)
}

func TestConditionsSurvive(t *testing.T) {
	c := errs.Cond(errs.Arithmetic, "DIVIDE_BY_ZERO", "22012", "Division by zero.", "config", "ansi")
	c.Origin = errs.Origin{Line: 1, Pos: 7, Start: 7, Stop: 10, Text: "select 1/0", ObjectType: "VIEW", ObjectName: "v", CallSite: "c", Fragment: "f"}
	require.Equal(t, error(c), travel(t, fmt.Errorf("wrapped: %w", c)))
}

func TestKindsSurvive(t *testing.T) {
	for k := errs.Other; k <= errs.Internal; k++ {
		got := travel(t, errs.Errorf(k, "x.F", "words"))
		require.Equal(t, k, errs.KindOf(got))
		require.EqualError(t, got, "x.F: words")
	}
	require.Equal(t, errs.Other, errs.KindOf(failure.Decode(&pb.Failure{Kind: 256 + uint32(errs.Lost)})), "no number passes for another kind")
}
