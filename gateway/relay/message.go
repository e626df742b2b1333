package relay

import (
	"slices"

	"github.com/google/uuid"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of Spark Connect. They never change: the protocol only grows.
const (
	fieldSession = 1 // of every request
	fieldUser    = 2 // of every request

	executeClient    = 4
	executeOptions   = 5
	executeOperation = 6
	executeObserved  = 8

	reattachOperation = 3 // of release as well
	reattachClient    = 4 // of release as well
	reattachLast      = 5
	reattachObserved  = 6

	releaseAll   = 5
	releaseUntil = 6
	untilID      = 1

	optionReattach    = 1 // of a request option
	reattachableField = 1 // of that

	responseID       = 13
	responseComplete = 14
)

// operation is what names an operation in requests about it.
type operation struct {
	session, operation, client, observed string
	user                                 []byte // the message UserContext
}

// executeRequest reads what the relay needs of ExecutePlan.
func executeRequest(data mem.BufferSlice) (o operation, reattachable bool, err error) {
	want := set(fieldSession, fieldUser, executeClient, executeOptions, executeOperation, executeObserved)
	err = peek(data, want, func(n int, v []byte) {
		switch n {
		case fieldSession:
			o.session = string(v)
		case fieldUser:
			o.user = v
		case executeClient:
			o.client = string(v)
		case executeOperation:
			o.operation = string(v)
		case executeObserved:
			o.observed = string(v)
		case executeOptions:
			reattachable = reattachable || reattaches(v)
		}
	})
	return o, reattachable, err
}

// reattaches reads a request option.
func reattaches(option []byte) (yes bool) {
	_ = peek(mem.BufferSlice{mem.SliceBuffer(option)}, set(optionReattach), func(_ int, v []byte) {
		yes = len(v) == 2 && v[0] == reattachableField<<3 && v[1] == 1
	})
	return yes
}

// adopt gives a request an operation id where it has none, and makes the
// operation one to reattach to: the later field of a message counts.
func (f *frame) adopt(o *operation, reattachable bool) {
	var b []byte
	if o.operation == "" {
		o.operation = uuid.NewString()
		b = appendText(b, executeOperation, o.operation)
	}
	if !reattachable {
		b = appendBytes(b, executeOptions, appendBytes(nil, optionReattach, []byte{reattachableField << 3, 1}))
	}
	if len(b) > 0 {
		f.data = append(slices.Clip(f.data), mem.SliceBuffer(b))
	}
}

// reattachRequest reads ReattachExecute.
func reattachRequest(data mem.BufferSlice) (o operation, last string, err error) {
	want := set(fieldSession, fieldUser, reattachOperation, reattachClient, reattachLast, reattachObserved)
	err = peek(data, want, func(n int, v []byte) {
		switch n {
		case fieldSession:
			o.session = string(v)
		case fieldUser:
			o.user = v
		case reattachOperation:
			o.operation = string(v)
		case reattachClient:
			o.client = string(v)
		case reattachLast:
			last = string(v)
		case reattachObserved:
			o.observed = string(v)
		}
	})
	return o, last, err
}

// reattach is a ReattachExecute after a response.
func (o operation) reattach(last string) *frame {
	b := appendText(o.about(), reattachLast, last)
	if o.observed != "" {
		b = appendText(b, reattachObserved, o.observed)
	}
	return small(b)
}

// release is a ReleaseExecute up to a response, or of everything for "".
func (o operation) release(until string) *frame {
	if until == "" {
		return small(appendBytes(o.about(), releaseAll, nil))
	}
	return small(appendBytes(o.about(), releaseUntil, appendText(nil, untilID, until)))
}

// about is the fields that reattach and release have in common.
func (o operation) about() []byte {
	b := appendText(nil, fieldSession, o.session)
	if o.user != nil {
		b = appendBytes(b, fieldUser, o.user)
	}
	b = appendText(b, reattachOperation, o.operation)
	if o.client != "" {
		b = appendText(b, reattachClient, o.client)
	}
	return b
}

// response reads the id of a response and whether it says that all are there.
func response(data mem.BufferSlice) (id string, complete bool, err error) {
	err = peek(data, set(responseID, responseComplete), func(n int, v []byte) {
		if n == responseID {
			id = string(v)
			return
		}
		complete = true
	})
	return id, complete, err
}

func appendBytes(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}

func appendText(b []byte, field protowire.Number, v string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), v)
}
