package sparkconnect

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/connectors/arrowipc"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// execution does the work of one operation and pushes its responses.
type execution struct {
	srv     *Server
	op      *operation
	at      place // of the last batch in the engine's held outputs, for response ids
	metrics *Metrics
}

// run executes the plan; the last response says that the result is complete and
// carries the metrics: a message of their own would cost the client a call.
func (x *execution) run(ctx context.Context) error {
	p, err := inflate(x.op.request.GetPlan())
	if err != nil {
		return err
	}
	switch k := p.GetOpType().(type) {
	case *pb.Plan_Root:
		err = x.query(ctx, k.Root)
	case *pb.Plan_Command:
		err = x.command(ctx, k.Command)
	default:
		err = invalidPlan("the plan is empty")
	}
	if err != nil {
		return err
	}
	last := &pb.ExecutePlanResponse{ResponseType: &pb.ExecutePlanResponse_ResultComplete_{ResultComplete: &pb.ExecutePlanResponse_ResultComplete{}}}
	if x.metrics != nil {
		last.Metrics, last.ObservedMetrics = operatorsTo(x.metrics.Operators), observedTo(x.metrics.Observed)
	}
	return x.push(ctx, last)
}

func (x *execution) push(ctx context.Context, r *pb.ExecutePlanResponse) error {
	start := x.srv.clock.Now()
	err := x.op.push(ctx, r, x.at)
	now := x.srv.clock.Now()
	x.srv.lull.waited(now.Sub(start), now)
	return err
}

// inflate decompresses a plan that the client compressed.
func inflate(p *pb.Plan) (*pb.Plan, error) {
	k, ok := p.GetOpType().(*pb.Plan_CompressedOperation_)
	if !ok {
		return p, nil
	}
	c := k.CompressedOperation
	if c.GetCompressionCodec() != pb.CompressionCodec_COMPRESSION_CODEC_ZSTD {
		return nil, errs.Unsupported("compression of plans by " + c.GetCompressionCodec().String())
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxMessage))
	if err != nil {
		return nil, errs.E(errs.Internal, "sparkconnect.inflate", err)
	}
	defer dec.Close()
	data, err := dec.DecodeAll(c.GetData(), nil)
	if err != nil {
		return nil, invalidPlan("a compressed plan cannot be decompressed: " + err.Error())
	}
	opt := proto.UnmarshalOptions{RecursionLimit: maxNesting}
	switch c.GetOpType() {
	case pb.Plan_CompressedOperation_OP_TYPE_RELATION:
		r := &pb.Relation{}
		err = opt.Unmarshal(data, r)
		p = &pb.Plan{OpType: &pb.Plan_Root{Root: r}}
	case pb.Plan_CompressedOperation_OP_TYPE_COMMAND:
		r := &pb.Command{}
		err = opt.Unmarshal(data, r)
		p = &pb.Plan{OpType: &pb.Plan_Command{Command: r}}
	default:
		return nil, invalidPlan("a compressed plan of unknown kind")
	}
	if err != nil {
		return nil, invalidPlan("a compressed plan cannot be decoded")
	}
	return p, nil
}

// query runs a relation and streams its rows.
func (x *execution) query(ctx context.Context, r *pb.Relation) error {
	t := x.srv.translator(ctx, x.op.session)
	n, err := t.relation(r)
	if err != nil {
		return err
	}
	res, err := x.execute(ctx, n)
	if err != nil {
		return err
	}
	err = x.rows(ctx, res)
	return x.closed(res, err)
}

func (x *execution) execute(ctx context.Context, n plan.Node) (Result, error) {
	req := ExecuteRequest{OperationID: x.op.id, Tags: x.op.tags, Plan: n, Description: describe(x.op.request)}
	if _, ok := n.(plan.Command); ok && x.op.session.lasting != nil {
		var err error
		if req.Source, err = source(x.op.session.inlined(x.op.request).(*pb.ExecutePlanRequest)); err != nil {
			return nil, err
		}
	}
	res, err := x.op.session.engine.Execute(ctx, req)
	if err != nil {
		return nil, err
	}
	x.op.progress.follow(res)
	return res, nil
}

// closed ends a result; its metrics count only if all of it was read.
func (x *execution) closed(res Result, err error) error {
	x.op.progress.follow(nil)
	if err == nil {
		m := res.Metrics()
		x.metrics = &m
	}
	return errors.Join(err, res.Close())
}

// rows sends a result as Arrow batches: the schema within the first message, at
// least one batch even without rows, exactly one record batch in each.
func (x *execution) rows(ctx context.Context, res Result) error {
	s := res.Schema()
	w := &rowWriter{x: x, schema: schemaTo(s), enc: arrowipc.NewEncoder(s, x.arrowOptions())}
	for {
		b, err := res.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if p, ok := res.(positioned); ok {
			x.at.partition, x.at.block = p.Position()
		} else {
			x.at.block++
		}
		if err := w.add(ctx, b); err != nil {
			return err
		}
	}
	if w.enc.Rows() > 0 || w.schema != nil {
		return w.flush(ctx)
	}
	return nil
}

func (x *execution) arrowOptions() arrowipc.Options {
	c := x.srv.conf(x.op.session)
	return arrowipc.Options{ZoneID: c.value(keyTimeZone), LargeVarTypes: c.flag(keyLargeVarTypes)}
}

// rowWriter cuts a result's rows into messages.
type rowWriter struct {
	x      *execution
	schema *pb.DataType // until it was sent
	enc    *arrowipc.Encoder
	offset int64
}

// add encodes a batch, cut by bytes where its values are long: a message holds
// one row, or what BatchBytes hold.
func (w *rowWriter) add(ctx context.Context, b *batch.Batch) error {
	limits := w.x.op.limits
	for from := 0; from < b.N; {
		room := int64(limits.BatchBytes - w.enc.Size())
		n := b.Fit(from, min(b.N-from, limits.BatchRows-w.enc.Rows()), room)
		if n == 1 && w.enc.Rows() > 0 && b.Size(from, 1) > room {
			if err := w.flush(ctx); err != nil {
				return err
			}
		}
		if err := w.append(b, from, n); err != nil {
			return err
		}
		from += n
		if w.enc.Rows() >= limits.BatchRows || w.enc.Size() >= limits.BatchBytes {
			if err := w.flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// append encodes rows. One row may be larger than a message where the client
// takes messages in pieces.
func (w *rowWriter) append(b *batch.Batch, from, n int) error {
	most := int64(maxMessage - smallBatch)
	if w.x.op.chunk > 0 {
		most = maxRow
	}
	if size := b.Size(from, n); n == 1 && size > most {
		return rowTooLarge(size, most, w.x.op.chunk > 0)
	}
	return w.enc.Append(b, from, n)
}

// flush sends what is encoded, in pieces where the client takes them.
func (w *rowWriter) flush(ctx context.Context) error {
	rows, data := int64(w.enc.Rows()), w.enc.Finish()
	chunk := w.x.op.chunk
	if chunk == 0 || len(data) <= chunk {
		if len(data) > maxMessage-smallBatch {
			return rowTooLarge(int64(len(data)), maxMessage-smallBatch, false)
		}
		return w.send(ctx, rows, data, 0, 0)
	}
	n := (len(data) + chunk - 1) / chunk
	for i := range n {
		if err := w.send(ctx, rows, data[i*chunk:min((i+1)*chunk, len(data))], int64(i), int64(n)); err != nil {
			return err
		}
	}
	return nil
}

// rowTooLarge names the limit: a message's, for clients that take a batch in one
// message only, or the server's for any row.
func rowTooLarge(size, limit int64, chunked bool) error {
	what := "a message of the Spark Connect protocol may have"
	if chunked {
		what = "a row of a result may have"
	}
	c := errs.Cond(errs.Spark, "RESULT_ROW_TOO_LARGE", "54000",
		fmt.Sprintf("A row of the result takes %d bytes, more than %s (%d).", size, what, limit),
		"size", strconv.FormatInt(size, 10), "limit", strconv.FormatInt(limit, 10))
	c.Kind = errs.Exhausted
	return c
}

func (w *rowWriter) send(ctx context.Context, rows int64, data []byte, index, chunks int64) error {
	offset := w.offset
	if w.x.op.session.lasting != nil {
		w.x.at.digest = crc32.Update(w.x.at.digest, castagnoli(), data)
	}
	b := &pb.ExecutePlanResponse_ArrowBatch{RowCount: rows, Data: data, StartOffset: &offset}
	if chunks > 0 {
		b.ChunkIndex, b.NumChunksInBatch = &index, &chunks
	}
	r := &pb.ExecutePlanResponse{Schema: w.schema, ResponseType: &pb.ExecutePlanResponse_ArrowBatch_{ArrowBatch: b}}
	w.schema = nil
	if index+1 >= chunks {
		w.offset += rows
	}
	return w.x.push(ctx, r)
}

// castagnoli is the polynomial that processors know.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// collect reads a command's rows whole, as one Arrow stream.
func (x *execution) collect(ctx context.Context, res Result) ([]byte, types.Schema, error) {
	s := res.Schema()
	enc := arrowipc.NewEncoder(s, x.arrowOptions())
	for {
		b, err := res.Next(ctx)
		if errors.Is(err, io.EOF) {
			return enc.Finish(), s, nil
		}
		if err == nil {
			err = enc.Append(b, 0, b.N)
		}
		if err != nil {
			return nil, s, err
		}
		if enc.Size() > maxCommandBytes {
			return nil, s, errs.Errorf(errs.Exhausted, "sparkconnect.collect", "a command gave more than %d bytes of rows", maxCommandBytes)
		}
	}
}

func operatorsTo(ops []OperatorMetrics) *pb.ExecutePlanResponse_Metrics {
	if len(ops) == 0 {
		return nil
	}
	out := &pb.ExecutePlanResponse_Metrics{}
	for _, o := range ops {
		m := &pb.ExecutePlanResponse_Metrics_MetricObject{
			Name: o.Name, PlanId: o.ID, Parent: o.Parent, ExecutionMetrics: map[string]*pb.ExecutePlanResponse_Metrics_MetricValue{},
		}
		for k, v := range o.Values {
			m.ExecutionMetrics[k] = &pb.ExecutePlanResponse_Metrics_MetricValue{Name: k, Value: v, MetricType: "sum"}
		}
		out.Metrics = append(out.Metrics, m)
	}
	return out
}

func observedTo(obs []Observed) []*pb.ExecutePlanResponse_ObservedMetrics {
	var out []*pb.ExecutePlanResponse_ObservedMetrics
	for _, o := range obs {
		m := &pb.ExecutePlanResponse_ObservedMetrics{Name: o.Name, PlanId: o.PlanID, Keys: o.Keys}
		for _, v := range o.Values {
			m.Values = append(m.Values, literalTo(v.Value, v.Typ))
		}
		out = append(out, m)
	}
	return out
}
