package arrowipc

import (
	"encoding/binary"
	"math"
	"slices"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Encoder collects batches of one schema and makes streams of one record batch
// each. Its buffers are reused from stream to stream. Not for concurrent use.
type Encoder struct {
	schema  []byte // the framed schema message, equal in all streams
	columns []*column
	rows    int
	scratch *flatbuffers.Builder
}

// NewEncoder makes an encoder of batches whose columns have s's types.
func NewEncoder(s types.Schema, opt Options) *Encoder {
	e := &Encoder{schema: frame(nil, schemaMessage(s, opt)), scratch: flatbuffers.NewBuilder(1024)}
	for _, f := range s.Fields {
		e.columns = append(e.columns, newColumn(f.Type, opt))
	}
	return e
}

// EncodeStream is one batch as a whole stream.
func EncodeStream(s types.Schema, b *batch.Batch, opt Options) ([]byte, error) {
	e := NewEncoder(s, opt)
	if err := e.Append(b, 0, b.N); err != nil {
		return nil, err
	}
	return e.Finish(), nil
}

// Append copies rows [from, from+n) of b. After an error the encoder is of no use.
func (e *Encoder) Append(b *batch.Batch, from, n int) error {
	if len(b.Cols) != len(e.columns) {
		return errs.Errorf(errs.Internal, "arrowipc.Append", "%d columns in a stream of %d", len(b.Cols), len(e.columns))
	}
	if e.rows > math.MaxInt32-n {
		return tooLarge("rows")
	}
	for i, c := range e.columns {
		if err := c.append(b.Cols[i], from, n); err != nil {
			return err
		}
	}
	e.rows += n
	return nil
}

// Rows is the number of rows collected.
func (e *Encoder) Rows() int { return e.rows }

// Size is about the number of bytes that Finish would give.
func (e *Encoder) Size() int {
	n := len(e.schema)
	for _, c := range e.columns {
		n += c.size()
	}
	return n
}

// Finish makes a stream (schema, one record batch, end mark) of the rows
// collected and starts anew. The caller owns the bytes.
func (e *Encoder) Finish() []byte {
	w := bodyWriter{}
	for _, c := range e.columns {
		c.list(&w)
	}
	meta := e.batchMessage(&w)
	total := len(e.schema) + framedLen(meta) + w.length + 8
	out := make([]byte, 0, total)
	out = append(out, e.schema...)
	out = frame(out, meta)
	body := len(out)
	for i, p := range w.pieces {
		out = append(out[:body+w.buffers[i].offset], p...)
	}
	out = out[:body+w.length]
	out = binary.LittleEndian.AppendUint32(out, continuation)
	out = binary.LittleEndian.AppendUint32(out, 0)
	for _, c := range e.columns {
		c.reset()
	}
	e.rows = 0
	return out
}

// bodyWriter lists a record batch's buffers and field nodes in Arrow's order.
type bodyWriter struct {
	pieces  [][]byte
	buffers []extent
	nodes   []nodeInfo
	length  int
}

type extent struct{ offset, length int }

type nodeInfo struct{ length, nulls int }

func (w *bodyWriter) node(length, nulls int) { w.nodes = append(w.nodes, nodeInfo{length, nulls}) }

func (w *bodyWriter) buffer(p []byte) {
	w.pieces = append(w.pieces, p)
	w.buffers = append(w.buffers, extent{w.length, len(p)})
	w.length = align(w.length+len(p), bufferAlign)
}

func (e *Encoder) batchMessage(w *bodyWriter) []byte {
	b := e.scratch
	b.Reset()
	b.StartVector(16, len(w.buffers), 8)
	for _, e := range slices.Backward(w.buffers) {
		b.Prep(8, 16)
		b.PrependInt64(int64(e.length))
		b.PrependInt64(int64(e.offset))
	}
	buffers := b.EndVector(len(w.buffers))
	b.StartVector(16, len(w.nodes), 8)
	for _, n := range slices.Backward(w.nodes) {
		b.Prep(8, 16)
		b.PrependInt64(int64(n.nulls))
		b.PrependInt64(int64(n.length))
	}
	nodes := b.EndVector(len(w.nodes))
	b.StartObject(5)
	b.PrependUOffsetTSlot(slotBatchBuffers, buffers, 0)
	b.PrependUOffsetTSlot(slotBatchNodes, nodes, 0)
	b.PrependInt64Slot(slotBatchLength, int64(e.rows), 0)
	return finishMessage(b, headerBatch, b.EndObject(), int64(w.length))
}

// framedLen is the length of a message with its prefix and padding.
func framedLen(meta []byte) int { return align(8+len(meta), bodyAlign) }

// frame appends a message's prefix, metadata and padding.
func frame(out, meta []byte) []byte {
	n := framedLen(meta)
	end := len(out) + n
	out = binary.LittleEndian.AppendUint32(out, continuation)
	out = binary.LittleEndian.AppendUint32(out, uint32(n-8))
	out = append(out, meta...)
	for len(out) < end {
		out = append(out, 0)
	}
	return out
}

func tooLarge(what string) error {
	return errs.Errorf(errs.Exhausted, "arrowipc.Append", "more %s than one record batch can hold", what)
}
