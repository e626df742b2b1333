package physical

import (
	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// MaxFragmentBytes bounds a fragment on the wire: large local relations travel
// as artifacts, not inside plans.
const MaxFragmentBytes = 256 << 20

// Encode puts a fragment into bytes.
func Encode(f *Fragment) (out []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(error)
			if !ok {
				panic(r)
			}
			err = e
		}
	}()
	p := &pb.Fragment{Root: encodeNode(f.Root), Env: encodeEnv(f.Env), Output: encodeExchange(&f.Output)}
	out, err = proto.Marshal(p)
	if err == nil && len(out) > MaxFragmentBytes {
		return nil, errs.Errorf(errs.Exhausted, "physical.Encode", "the plan takes %d bytes, the limit is %d", len(out), MaxFragmentBytes)
	}
	return out, errs.E(errs.Internal, "physical.Encode", err)
}

// Decode reads a fragment. Bytes from a peer never crash it.
func Decode(b []byte) (*Fragment, error) {
	if len(b) > MaxFragmentBytes {
		return nil, errs.Errorf(errs.Exhausted, "physical.Decode", "a fragment of %d bytes, the limit is %d", len(b), MaxFragmentBytes)
	}
	var p pb.Fragment
	if err := proto.Unmarshal(b, &p); err != nil {
		return nil, errs.E(errs.Corrupt, "physical.Decode", err)
	}
	d := &decoder{}
	f := &Fragment{Root: d.node(p.Root), Env: decodeEnv(p.Env), Output: d.exchange(p.Output)}
	if d.err != nil {
		return nil, d.err
	}
	return f, nil
}

func encodeEnv(e Env) *pb.Env {
	return &pb.Env{
		Ansi: e.Ansi, ZoneId: e.ZoneID, NowMicros: e.NowMicros, CaseSensitive: e.CaseSensitive, LegacyTime: e.LegacyTime,
		User: e.User, Catalog: e.Catalog, Database: e.Database, Version: e.Version, Conf: e.Conf,
	}
}

func decodeEnv(p *pb.Env) Env {
	return Env{
		Ansi: p.GetAnsi(), ZoneID: p.GetZoneId(), NowMicros: p.GetNowMicros(), CaseSensitive: p.GetCaseSensitive(), LegacyTime: p.GetLegacyTime(),
		User: p.GetUser(), Catalog: p.GetCatalog(), Database: p.GetDatabase(), Version: p.GetVersion(), Conf: p.GetConf(),
	}
}

func encodeExchange(x *Exchange) *pb.Exchange {
	return &pb.Exchange{Kind: uint32(x.Kind), Keys: encodeExprs(x.Keys), Order: encodeSortKeys(x.Order), Parts: int32(x.Parts)}
}

func (d *decoder) exchange(p *pb.Exchange) Exchange {
	if p.GetKind() > uint32(ExchangeBroadcast) {
		d.fail("exchange kind %d", p.GetKind())
	}
	return Exchange{Kind: ExchangeKind(p.GetKind()), Keys: d.exprs(p.GetKeys()), Order: d.sortKeys(p.GetOrder()), Parts: int(p.GetParts())}
}

func encodeNode(n Node) *pb.Node {
	out := &pb.Node{Rows: n.Estimate()}
	for _, c := range n.Children() {
		out.Children = append(out.Children, encodeNode(c))
	}
	switch n := n.(type) {
	case *Scan:
		out.Out, out.Kind = EncodeSchema(n.Out), &pb.Node_Scan{Scan: encodeScan(n)}
	case *Values:
		out.Out, out.Kind = EncodeSchema(n.Out), &pb.Node_Values{Values: encodeValuesNode(n)}
	case *Range:
		out.Out, out.Kind = EncodeSchema(n.Out), &pb.Node_Range{Range: &pb.Range{Start: n.Start, End: n.End, Step: n.Step}}
	case *Filter:
		out.Kind = &pb.Node_Filter{Filter: &pb.Filter{Cond: encodeExpr(n.Cond)}}
	case *Project:
		out.Out, out.Kind = EncodeSchema(n.Out), &pb.Node_Project{Project: &pb.Project{Exprs: encodeExprs(n.Exprs)}}
	case *Aggregate:
		out.Out = EncodeSchema(n.Out)
		out.Kind = &pb.Node_Aggregate{Aggregate: &pb.Aggregate{Mode: uint32(n.Mode), Keys: encodeExprs(n.Keys), Aggs: encodeExprs(n.Aggs), Merge: n.Merge}}
	case *HashJoin:
		out.Out, out.Kind = EncodeSchema(n.Out), &pb.Node_HashJoin{HashJoin: encodeHashJoin(n)}
	case *NestedLoop:
		out.Out, out.Kind = EncodeSchema(n.Out), &pb.Node_NestedLoop{NestedLoop: encodeNestedLoop(n)}
	case *Sort:
		out.Kind = &pb.Node_Sort{Sort: &pb.Sort{Keys: encodeSortKeys(n.Keys), Limit: n.Limit, Offset: n.Offset, Global: n.Global}}
	case *Limit:
		out.Kind = &pb.Node_Limit{Limit: &pb.Limit{N: n.N, Offset: n.Offset, Tail: n.Tail}}
	case *Union:
		out.Out, out.Kind = EncodeSchema(n.Out), &pb.Node_Union{Union: &pb.Union{}}
	default:
		encodeRareNode(n, out)
	}
	return out
}

func encodeRareNode(n Node, out *pb.Node) {
	switch n := n.(type) {
	case *Window:
		out.Out, out.Kind = EncodeSchema(n.Out), &pb.Node_Window{Window: encodeWindow(n)}
	case *Expand:
		e := &pb.Expand{}
		for _, p := range n.Projections {
			e.Projections = append(e.Projections, &pb.ExprList{Exprs: encodeExprs(p)})
		}
		out.Out, out.Kind = EncodeSchema(n.Out), &pb.Node_Expand{Expand: e}
	case *Generate:
		out.Out, out.Kind = EncodeSchema(n.Out), &pb.Node_Generate{Generate: &pb.Generate{Gen: encodeExpr(n.Gen), Outer: n.Outer}}
	case *Sample:
		out.Kind = &pb.Node_Sample{Sample: &pb.Sample{Lower: n.Lower, Upper: n.Upper, WithReplacement: n.WithReplacement, Seed: n.Seed}}
	case *Shared:
		out.Kind = &pb.Node_Shared{Shared: &pb.Shared{Id: n.ID}}
	case *StageInput:
		out.Out, out.Kind = EncodeSchema(n.Out), &pb.Node_StageInput{StageInput: &pb.StageInput{Stage: int32(n.Stage), Broadcast: n.Broadcast}}
	case *Write:
		out.Kind = &pb.Node_Write{Write: &pb.Write{Format: n.Format, Path: n.Path, JobId: n.JobID, PartitionBy: ints32(n.PartitionBy), Options: n.Options}}
	case *Recursive:
		out.Out = EncodeSchema(n.Out)
		out.Kind = &pb.Node_Recursive{Recursive: &pb.Recursive{Id: n.ID, MaxLevel: n.MaxLevel, MaxRows: n.MaxRows, Limit: n.Limit}}
	case *RecursiveRef:
		out.Out, out.Kind = EncodeSchema(n.Out), &pb.Node_RecursiveRef{RecursiveRef: &pb.RecursiveRef{Id: n.ID}}
	case *CollectMetrics:
		out.Kind = &pb.Node_CollectMetrics{CollectMetrics: &pb.CollectMetrics{Id: n.ID, Aggs: encodeExprs(n.Aggs)}}
	case *CacheRead:
		out.Out, out.Kind = EncodeSchema(n.Out), &pb.Node_CacheRead{CacheRead: &pb.CacheRead{Key: n.Key}}
	default:
		panic(errs.Errorf(errs.Internal, "physical.Encode", "node %T in a fragment", n))
	}
}

func encodeNestedLoop(n *NestedLoop) *pb.NestedLoop {
	out := &pb.NestedLoop{Type: uint32(n.Type)}
	if n.Cond != nil {
		out.Cond = encodeExpr(n.Cond)
	}
	return out
}

func encodeHashJoin(n *HashJoin) *pb.HashJoin {
	out := &pb.HashJoin{
		Type: uint32(n.Type), LeftKeys: encodeExprs(n.LeftKeys), RightKeys: encodeExprs(n.RightKeys),
		NullSafe: n.NullSafe, BuildLeft: n.BuildLeft, Publish: encodeRuntime(n.Publish),
	}
	if n.Residual != nil {
		out.Residual = encodeExpr(n.Residual)
	}
	return out
}

func encodeRuntime(rs []RuntimeFilter) []*pb.RuntimeFilter {
	var out []*pb.RuntimeFilter
	for _, r := range rs {
		out = append(out, &pb.RuntimeFilter{Id: r.ID, Column: int32(r.Column)})
	}
	return out
}

func encodeWindow(n *Window) *pb.Window {
	out := &pb.Window{Partition: encodeExprs(n.Partition), Order: encodeSortKeys(n.Order)}
	for _, f := range n.Funcs {
		out.Funcs = append(out.Funcs, &pb.WindowFunc{
			Func: encodeExpr(f.Func), FrameKind: uint32(f.Frame.Kind), Lo: encodeBound(f.Frame.Lo), Hi: encodeBound(f.Frame.Hi),
		})
	}
	return out
}

func encodeBound(b plan.FrameBound) *pb.FrameBound {
	out := &pb.FrameBound{Kind: uint32(b.Kind)}
	if b.Value != nil {
		out.Value = encodeExpr(b.Value)
	}
	return out
}

func encodeValuesNode(n *Values) *pb.Values {
	out := &pb.Values{}
	for _, b := range n.Data {
		block, err := batch.AppendBlock(nil, b)
		if err != nil {
			panic(err)
		}
		out.Blocks = append(out.Blocks, block)
	}
	return out
}

func ints32(xs []int) []int32 {
	out := make([]int32, len(xs))
	for i, x := range xs {
		out[i] = int32(x)
	}
	return out
}

func ints(xs []int32) []int {
	out := make([]int, len(xs))
	for i, x := range xs {
		out[i] = int(x)
	}
	return out
}

// arity is the number of children each kind of node has; -1 any.
func arity(k any) int {
	switch k.(type) {
	case *pb.Node_Scan, *pb.Node_Values, *pb.Node_Range, *pb.Node_StageInput, *pb.Node_CacheRead, *pb.Node_RecursiveRef:
		return 0
	case *pb.Node_HashJoin, *pb.Node_NestedLoop, *pb.Node_Recursive:
		return 2
	case *pb.Node_Union:
		return -1
	}
	return 1
}

func (d *decoder) node(p *pb.Node) Node {
	defer d.leave()
	failed := &Values{}
	if !d.enter() {
		return failed
	}
	if a := arity(p.GetKind()); a >= 0 && len(p.GetChildren()) != a {
		d.fail("%T with %d children", p.GetKind(), len(p.GetChildren()))
		return failed
	}
	cs := make([]Node, len(p.GetChildren()))
	for i, c := range p.GetChildren() {
		cs[i] = d.node(c)
	}
	rows, out := Rows{p.GetRows()}, d.schema(p.GetOut())
	if d.err != nil {
		return failed
	}
	n := d.plainNode(p, rows, out, cs)
	if n == nil {
		n = d.rareNode(p, rows, out, cs)
	}
	if n == nil {
		d.fail("node of kind %T", p.GetKind())
		return failed
	}
	return n
}

func (d *decoder) plainNode(p *pb.Node, rows Rows, out types.Schema, cs []Node) Node {
	switch k := p.GetKind().(type) {
	case *pb.Node_Scan:
		return d.scan(k.Scan, rows, out)
	case *pb.Node_Values:
		return d.valuesNode(k.Values, rows, out)
	case *pb.Node_Range:
		if k.Range.Step == 0 {
			d.fail("range with step 0")
		}
		return &Range{Rows: rows, Start: k.Range.Start, End: k.Range.End, Step: k.Range.Step, Out: out}
	case *pb.Node_Filter:
		return &Filter{Rows: rows, Cond: d.expr(k.Filter.Cond), Child: cs[0]}
	case *pb.Node_Project:
		return &Project{Rows: rows, Exprs: d.exprs(k.Project.Exprs), Out: out, Child: cs[0]}
	case *pb.Node_Aggregate:
		return d.aggregate(k.Aggregate, rows, out, cs[0])
	case *pb.Node_HashJoin:
		return d.hashJoin(k.HashJoin, rows, out, cs)
	case *pb.Node_NestedLoop:
		return &NestedLoop{Rows: rows, Type: d.joinType(k.NestedLoop.Type), Left: cs[0], Right: cs[1], Cond: d.optExpr(k.NestedLoop.Cond), Out: out}
	case *pb.Node_Sort:
		s := k.Sort
		return &Sort{Rows: rows, Keys: d.sortKeys(s.Keys), Limit: s.Limit, Offset: s.Offset, Global: s.Global, Child: cs[0]}
	case *pb.Node_Limit:
		return &Limit{Rows: rows, N: k.Limit.N, Offset: k.Limit.Offset, Tail: k.Limit.Tail, Child: cs[0]}
	}
	return nil
}

func (d *decoder) rareNode(p *pb.Node, rows Rows, out types.Schema, cs []Node) Node {
	switch k := p.GetKind().(type) {
	case *pb.Node_Union:
		return &Union{Rows: rows, Inputs: cs, Out: out}
	case *pb.Node_Window:
		return d.window(k.Window, rows, out, cs[0])
	case *pb.Node_Expand:
		n := &Expand{Rows: rows, Out: out, Child: cs[0]}
		for _, e := range k.Expand.Projections {
			n.Projections = append(n.Projections, d.exprs(e.Exprs))
		}
		return n
	case *pb.Node_Generate:
		gen, ok := d.expr(k.Generate.Gen).(*plan.Call)
		if !ok {
			d.fail("generator is no call")
		}
		return &Generate{Rows: rows, Gen: gen, Outer: k.Generate.Outer, Out: out, Child: cs[0]}
	case *pb.Node_Sample:
		s := k.Sample
		return &Sample{Rows: rows, Lower: s.Lower, Upper: s.Upper, WithReplacement: s.WithReplacement, Seed: s.Seed, Child: cs[0]}
	case *pb.Node_Shared:
		return &Shared{Rows: rows, ID: k.Shared.Id, Child: cs[0]}
	case *pb.Node_StageInput:
		return &StageInput{Rows: rows, Stage: int(k.StageInput.Stage), Broadcast: k.StageInput.Broadcast, Out: out}
	case *pb.Node_Write:
		w := k.Write
		return &Write{Rows: rows, Format: w.Format, Path: w.Path, JobID: w.JobId, PartitionBy: ints(w.PartitionBy), Options: w.Options, Child: cs[0]}
	case *pb.Node_CollectMetrics:
		return &CollectMetrics{Rows: rows, ID: k.CollectMetrics.Id, Aggs: d.aggs(k.CollectMetrics.Aggs), Child: cs[0]}
	case *pb.Node_CacheRead:
		return &CacheRead{Rows: rows, Key: k.CacheRead.Key, Out: out}
	case *pb.Node_Recursive:
		r := k.Recursive
		return &Recursive{Rows: rows, ID: r.Id, MaxLevel: r.MaxLevel, MaxRows: r.MaxRows, Limit: r.Limit, Anchor: cs[0], Step: cs[1], Out: out}
	case *pb.Node_RecursiveRef:
		return &RecursiveRef{Rows: rows, ID: k.RecursiveRef.Id, Out: out}
	}
	return nil
}

func (d *decoder) joinType(t uint32) plan.JoinType {
	if t > uint32(plan.JoinNullAnti) {
		d.fail("join type %d", t)
		return plan.JoinInner
	}
	return plan.JoinType(t)
}

func (d *decoder) aggregate(p *pb.Aggregate, rows Rows, out types.Schema, child Node) Node {
	n := &Aggregate{Rows: rows, Mode: AggMode(p.Mode), Merge: p.Merge, Keys: d.exprs(p.Keys), Out: out, Child: child}
	if p.Mode > uint32(AggFinal) || p.Merge != nil && len(p.Merge) != len(p.Aggs) {
		d.fail("aggregate mode %d", p.Mode)
	}
	n.Aggs = d.aggs(p.Aggs)
	return n
}

func (d *decoder) aggs(ps []*pb.Expr) []*plan.Agg {
	var out []*plan.Agg
	for _, e := range d.exprs(ps) {
		a, ok := e.(*plan.Agg)
		if !ok {
			d.fail("aggregate function is %T", e)
			return out
		}
		out = append(out, a)
	}
	return out
}

func (d *decoder) hashJoin(p *pb.HashJoin, rows Rows, out types.Schema, cs []Node) Node {
	if len(p.LeftKeys) != len(p.RightKeys) || len(p.LeftKeys) != len(p.NullSafe) {
		d.fail("join with %d, %d and %d keys", len(p.LeftKeys), len(p.RightKeys), len(p.NullSafe))
	}
	return &HashJoin{
		Rows: rows, Type: d.joinType(p.Type), Left: cs[0], Right: cs[1], LeftKeys: d.exprs(p.LeftKeys), RightKeys: d.exprs(p.RightKeys),
		NullSafe: p.NullSafe, Residual: d.optExpr(p.Residual), BuildLeft: p.BuildLeft, Publish: decodeRuntime(p.Publish), Out: out,
	}
}

func decodeRuntime(ps []*pb.RuntimeFilter) []RuntimeFilter {
	var out []RuntimeFilter
	for _, p := range ps {
		out = append(out, RuntimeFilter{ID: p.Id, Column: int(p.Column)})
	}
	return out
}

func (d *decoder) window(p *pb.Window, rows Rows, out types.Schema, child Node) Node {
	n := &Window{Rows: rows, Partition: d.exprs(p.Partition), Order: d.sortKeys(p.Order), Out: out, Child: child}
	for _, f := range p.Funcs {
		n.Funcs = append(n.Funcs, WindowFunc{
			Func:  d.expr(f.Func),
			Frame: plan.Frame{Kind: plan.FrameKind(f.FrameKind), Lo: d.bound(f.Lo), Hi: d.bound(f.Hi)},
		})
	}
	return n
}

func (d *decoder) bound(p *pb.FrameBound) plan.FrameBound {
	return plan.FrameBound{Kind: plan.BoundKind(p.GetKind()), Value: d.optExpr(p.GetValue())}
}

func (d *decoder) valuesNode(p *pb.Values, rows Rows, out types.Schema) Node {
	n := &Values{Rows: rows, Out: out}
	for _, b := range p.Blocks {
		data, err := batch.DecodeBlock(out.Types(), b)
		if err != nil {
			d.fail("local rows: %v", err)
			return n
		}
		n.Data = append(n.Data, data)
	}
	return n
}
