package sparkconnect

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/google/uuid"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// errorStore keeps a session's latest errors for FetchErrorDetails.
type errorStore struct {
	mu struct {
		sync.Mutex
		byID  map[string]error
		order []string
	}
}

// put stores an error and returns its id.
func (s *errorStore) put(err error) string {
	id := uuid.NewString()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.byID == nil {
		s.mu.byID = map[string]error{}
	}
	if len(s.mu.order) >= maxErrors {
		delete(s.mu.byID, s.mu.order[0])
		s.mu.order = s.mu.order[1:]
	}
	s.mu.byID[id] = err
	s.mu.order = append(s.mu.order, id)
	return id
}

// get is a stored error, nil if it is not, or no longer, there.
func (s *errorStore) get(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.byID[id]
}

// maxCauses bounds the chain of causes told to clients.
const maxCauses = 5

// FetchErrorDetails gives an error whole: the message uncut, parameters, the
// places in the user's text, and what caused it.
func (s *Server) FetchErrorDetails(ctx context.Context, req *pb.FetchErrorDetailsRequest) (*pb.FetchErrorDetailsResponse, error) {
	sess, err := s.sessions.acquire(ctx, req, false)
	if err != nil {
		return nil, err
	}
	out := &pb.FetchErrorDetailsResponse{SessionId: sess.key.SessionID, ServerSideSessionId: sess.serverID()}
	stored := sess.errors.get(req.GetErrorId())
	if stored == nil {
		return out, nil // as Spark: the client then uses what the status says
	}
	root := int32(0)
	out.RootErrorIdx = &root
	for err := stored; err != nil && len(out.Errors) < maxCauses; {
		if n := int32(len(out.Errors)); n > 0 {
			out.Errors[n-1].CauseIdx = &n
		}
		out.Errors = append(out.Errors, errorTo(err))
		err = causeOf(err)
	}
	return out, nil
}

// causeOf is the next condition below an error, if there is one.
func causeOf(err error) error {
	c, ok := errsCondition(err)
	if !ok || c.Cause == nil {
		return nil
	}
	return c.Cause
}

func errorTo(err error) *pb.FetchErrorDetailsResponse_Error {
	out := &pb.FetchErrorDetailsResponse_Error{ErrorTypeHierarchy: classesOf(err), Message: validText(messageOf(err))}
	c, ok := errsCondition(err)
	if !ok {
		return out
	}
	out.SparkThrowable = &pb.FetchErrorDetailsResponse_SparkThrowable{
		ErrorClass: &c.Class, SqlState: optionalText(c.State), MessageParameters: map[string]string{},
	}
	for k, v := range c.Params {
		out.SparkThrowable.MessageParameters[k] = validText(v)
	}
	if !c.Origin.IsZero() {
		out.SparkThrowable.QueryContexts = []*pb.FetchErrorDetailsResponse_QueryContext{contextTo(c.Origin)}
	}
	return out
}

func validText(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func contextTo(o errs.Origin) *pb.FetchErrorDetailsResponse_QueryContext {
	if o.Text == "" {
		return &pb.FetchErrorDetailsResponse_QueryContext{
			ContextType: pb.FetchErrorDetailsResponse_QueryContext_DATAFRAME,
			Fragment:    validText(o.Fragment), CallSite: validText(o.CallSite),
			Summary: validText("== DataFrame ==\n\"" + o.Fragment + "\" was called from\n" + o.CallSite),
		}
	}
	return &pb.FetchErrorDetailsResponse_QueryContext{
		ContextType: pb.FetchErrorDetailsResponse_QueryContext_SQL,
		ObjectType:  o.ObjectType, ObjectName: o.ObjectName,
		StartIndex: int32(o.Start), StopIndex: int32(max(o.Stop-1, o.Start)),
		Fragment: validText(o.Snippet()), Summary: validText(fmt.Sprintf("== SQL (line %d, position %d) ==\n%s", o.Line, o.Pos+1, o.Snippet())),
	}
}
