package sparkconnect

import (
	"github.com/spurwheel/spurwheel/internal/errs"
)

// Conditions of the protocol itself. Clients look for their names in messages.

// handle is an INVALID_HANDLE error about a session or operation.
func handle(sub, id, message string) *errs.Condition {
	c := errs.Cond(errs.Spark, "INVALID_HANDLE."+sub, "HY000", message, "handle", id)
	c.JVMClass = classSparkSQL
	return c
}

func badSessionID(id string) error {
	return handle("FORMAT", id, "The handle "+id+" is not a UUID.")
}

func sessionChanged(id string) error {
	return handle("SESSION_CHANGED", id, "The server has another session under the handle "+id+" than the client saw before; it was restarted, or the session ended.")
}

func sessionClosed(id string) error {
	return handle("SESSION_CLOSED", id, "The session "+id+" was closed.")
}

func sessionMissing(id string) error {
	return handle("SESSION_NOT_FOUND", id, "There is no session "+id+".")
}

func operationMissing(id string) error {
	return handle("OPERATION_NOT_FOUND", id, "There is no operation "+id+".")
}

func operationExists(id string) error {
	return handle("OPERATION_ALREADY_EXISTS", id, "There is already an operation "+id+".")
}

func cursor(sub, id, message string) *errs.Condition {
	c := errs.Cond(errs.Spark, "INVALID_CURSOR."+sub, "HY109", message, "operation", id)
	c.JVMClass = classSparkSQL
	return c
}

func disconnected(id string) error {
	return cursor("DISCONNECTED", id, "Another stream reads the operation "+id+" now.")
}

func cursorGone(id string) error {
	return cursor("POSITION_NOT_AVAILABLE", id, "The responses of operation "+id+" that are asked for were released already.")
}

func cursorUnknown(id string) error {
	return cursor("POSITION_NOT_FOUND", id, "The operation "+id+" has no response of the given id.")
}

// cursorChanged is the end of an operation whose result was made again and is
// another one than the part that the client has.
func cursorChanged(id string) error {
	return cursor("RESULT_CHANGED", id, "Rows of operation "+id+" were delivered, then lost with a worker; made again they differ. Run the operation again.")
}

func notReattachable(id string) error {
	return cursor("NOT_REATTACHABLE", id, "The operation "+id+" was not started as one to reattach to.")
}

// cancelled is what the stream of an interrupted operation ends with.
func cancelled(id string) error {
	c := errs.Cond(errs.Spark, "OPERATION_CANCELED", "HY008", "The operation was canceled.", "operationId", id)
	c.Kind, c.JVMClass = errs.Canceled, classSparkSQL
	return c
}

func tooMany(what string) error {
	return errs.Errorf(errs.Exhausted, "sparkconnect", "too many %s", what)
}

func isCancelled(err error) bool { return errs.KindOf(err) == errs.Canceled }
