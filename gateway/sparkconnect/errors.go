package sparkconnect

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// Classes of the JVM that clients map to their exceptions.
const (
	classInvalidPlan = "org.apache.spark.sql.connect.common.InvalidPlanInput"
	classSparkSQL    = "org.apache.spark.SparkSQLException"
	classSpark       = "org.apache.spark.SparkException"
)

// Sizes in the status. Trailers are cut at 8 to 16 KiB and hold the message
// twice: 4,000 characters passed, 5,000 failed on one client of three.
const (
	maxStatusMessage = 2000
	maxStatusParams  = 1000
)

// errsCondition finds the condition in an error's chain, or makes that of its kind.
func errsCondition(err error) (*errs.Condition, bool) {
	if c, ok := errors.AsType[*errs.Condition](err); ok {
		return c, true
	}
	c := kindCondition(err)
	return c, c != nil
}

// kindCondition is the condition of an error that is not the user's doing: Spark
// has no names for these, and a program wants to tell a lost result, which it
// may ask for again, from a bug. nil: the kind says nothing.
func kindCondition(err error) *errs.Condition {
	class, state := "", "58030" // an input or output failed
	kind := errs.KindOf(err)
	switch kind {
	case errs.Lost:
		class = "SPURWHEEL.OUTPUT_LOST"
	case errs.Corrupt:
		class = "SPURWHEEL.CORRUPT"
	case errs.Unavailable:
		class = "SPURWHEEL.UNAVAILABLE"
	case errs.Exhausted:
		class, state = "SPURWHEEL.EXHAUSTED", "53000" // resources do not suffice
	default:
		return nil
	}
	c := errs.Cond(errs.Spark, class, state, err.Error())
	c.Kind = kind
	return c
}

// classesOf is the exception's class and its parents, most specific first: the
// client raises the first one it knows.
func classesOf(err error) []string {
	c, ok := errsCondition(err)
	if !ok {
		return []string{classSpark, "java.lang.Exception", "java.lang.Throwable", "java.lang.Object"}
	}
	chain := categoryClasses(c.Category)
	if c.JVMClass != "" && c.JVMClass != chain[0] {
		chain = []string{c.JVMClass}
		if c.JVMClass == classInvalidPlan {
			chain = append(chain, "org.apache.spark.sql.connect.common.InvalidInputErrors", "java.lang.RuntimeException")
		}
	}
	return append(append([]string{}, chain...), "java.lang.Exception", "java.lang.Throwable", "java.lang.Object")
}

func categoryClasses(c errs.Category) []string {
	switch c {
	case errs.Analysis:
		return []string{"org.apache.spark.sql.AnalysisException"}
	case errs.Parse:
		return []string{"org.apache.spark.sql.catalyst.parser.ParseException", "org.apache.spark.sql.AnalysisException"}
	case errs.Runtime:
		return []string{"org.apache.spark.SparkRuntimeException", "java.lang.RuntimeException"}
	case errs.Arithmetic:
		return []string{"org.apache.spark.SparkArithmeticException", "java.lang.ArithmeticException", "java.lang.RuntimeException"}
	case errs.DateTime:
		return []string{"org.apache.spark.SparkDateTimeException", "java.time.DateTimeException", "java.lang.RuntimeException"}
	case errs.NumberFmt:
		return []string{
			"org.apache.spark.SparkNumberFormatException", "java.lang.NumberFormatException",
			"java.lang.IllegalArgumentException", "java.lang.RuntimeException",
		}
	case errs.ArrayIndex:
		return []string{
			"org.apache.spark.SparkArrayIndexOutOfBoundsException", "java.lang.ArrayIndexOutOfBoundsException",
			"java.lang.IndexOutOfBoundsException", "java.lang.RuntimeException",
		}
	case errs.IllegalArg:
		return []string{"org.apache.spark.SparkIllegalArgumentException", "java.lang.IllegalArgumentException", "java.lang.RuntimeException"}
	case errs.UnsupOp:
		return []string{
			"org.apache.spark.SparkUnsupportedOperationException", "java.lang.UnsupportedOperationException", "java.lang.RuntimeException",
		}
	case errs.NoElement:
		return []string{"org.apache.spark.SparkNoSuchElementException", "java.util.NoSuchElementException", "java.lang.RuntimeException"}
	case errs.Upgrade:
		return []string{"org.apache.spark.SparkUpgradeException", "java.lang.RuntimeException"}
	default:
		return []string{classSpark}
	}
}

// messageOf is an error's text as users read it.
func messageOf(err error) string {
	if c, ok := errsCondition(err); ok {
		return c.Error()
	}
	return err.Error()
}

// protocolError tells whether clients handle the error themselves. It goes out
// without an id: a client that fetched its details would do so in a session
// that it has just closed.
func protocolError(err error) bool {
	c, ok := errsCondition(err)
	return ok && (strings.HasPrefix(c.Class, "INVALID_HANDLE.") || strings.HasPrefix(c.Class, "INVALID_CURSOR."))
}

// statusOf makes the gRPC status of an error; id names the stored details, "" if there are none.
func statusOf(err error, id string) error {
	if err == nil {
		return nil
	}
	if st, ok := status.FromError(err); ok && st.Code() != codes.Unknown {
		return err
	}
	if errors.Is(err, errStopping) || errors.Is(err, errRestoring) || errors.Is(err, ErrLeaving) {
		return status.Error(codes.Unavailable, err.Error()) // clients try again, perhaps elsewhere
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return status.Error(codes.DeadlineExceeded, err.Error())
	}
	classes := classesOf(err)
	info := &errdetails.ErrorInfo{Reason: classes[0], Domain: "org.apache.spark", Metadata: map[string]string{}}
	if text, e := json.Marshal(classes); e == nil {
		info.Metadata["classes"] = string(text)
	}
	if id != "" {
		info.Metadata["errorId"] = id
	}
	if c, ok := errsCondition(err); ok {
		info.Metadata["errorClass"] = c.Class
		if c.State != "" { // Spark's oldest conditions have none
			info.Metadata["sqlState"] = c.State
		}
		info.Metadata["messageParameters"] = paramsText(c.Params)
	}
	st := status.New(codes.Internal, cutText(messageOf(err), maxStatusMessage))
	if with, e := st.WithDetails(info); e == nil {
		st = with
	}
	return st.Err()
}

// paramsText is the parameters as JSON, values cut so that the whole fits a trailer.
func paramsText(params map[string]string) string {
	short := make(map[string]string, len(params))
	for k, v := range params {
		short[k] = cutText(v, maxStatusParams/max(len(params), 1))
	}
	text, err := json.Marshal(short)
	if err != nil || len(text) > 2*maxStatusParams {
		return "{}"
	}
	return string(text)
}

// cutText shortens a text to n bytes at a rune's boundary; invalid bytes, which
// a message may not hold, are replaced.
func cutText(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "..."
}
