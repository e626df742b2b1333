package sparkconnect

import (
	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/dataset/sql"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// translator turns the messages of one request into unresolved nodes. It lives
// for one call.
type translator struct {
	sql sql.Options
	// blob reads an artifact of the session, remote a checkpointed plan.
	blob   func(name string) ([]byte, error)
	remote func(id string) (plan.Node, error)
	// localLimit is the most bytes that the rows of a createDataFrame may have, 0 none.
	localLimit int64
	depth      int
}

// enter counts a level of nesting; leave takes it back.
func (t *translator) enter() error {
	if t.depth++; t.depth > plan.MaxDepth {
		c := errs.Cond(errs.Parse, "FAILED_TO_PARSE_TOO_COMPLEX", "54001",
			"The plan is nested deeper than this server accepts; break the chain of operations with a checkpoint or a temporary view.")
		c.Kind = errs.Exhausted
		return c
	}
	return nil
}

func (t *translator) leave() { t.depth-- }

// invalidPlan is a message that no client of ours makes.
func invalidPlan(what string) error {
	c := errs.Cond(errs.Spark, "CONNECT_INVALID_PLAN.INVALID_PLAN", "56K00", "The plan is not valid: "+what+".", "reason", what)
	c.JVMClass = classInvalidPlan
	return c
}

// originOf is the place in the user's program that made a message.
func originOf(o *pb.Origin) *errs.Origin {
	switch k := o.GetFunction().(type) {
	case *pb.Origin_PythonOrigin:
		return &errs.Origin{Fragment: k.PythonOrigin.GetFragment(), CallSite: k.PythonOrigin.GetCallSite()}
	case *pb.Origin_JvmOrigin:
		j := k.JvmOrigin
		if j.GetSqlText() == "" {
			return nil
		}
		return &errs.Origin{
			Line: int(j.GetLine()), Pos: int(j.GetStartPosition()), Start: int(j.GetStartIndex()), Stop: int(j.GetStopIndex()) + 1,
			Text: j.GetSqlText(), ObjectType: j.GetObjectType(), ObjectName: j.GetObjectName(),
		}
	}
	return nil
}

// at gives an error the place it is about, if it has none.
func at(err error, o *pb.Origin) error {
	if err == nil {
		return nil
	}
	if p := originOf(o); p != nil {
		return errs.At(err, *p)
	}
	return err
}
