package sparkconnect

import (
	"math/rand/v2"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/dataset/plan"
)

// defaultSupport is freqItems' when the client says none, as in Spark.
const defaultSupport = 0.01

// relationStat translates df.na, df.stat, describe and summary.
func (t *translator) relationStat(r *pb.Relation) (plan.Node, error) {
	switch k := r.GetRelType().(type) {
	case *pb.Relation_FillNa:
		return t.fillNA(k.FillNa)
	case *pb.Relation_DropNa:
		child, err := t.relation(k.DropNa.GetInput())
		out := &plan.DropNulls{Columns: k.DropNa.GetCols(), MinNonNull: -1, Child: child}
		if k.DropNa.MinNonNulls != nil {
			out.MinNonNull = int(k.DropNa.GetMinNonNulls())
		}
		return out, err
	case *pb.Relation_Replace:
		return t.replace(k.Replace)
	case *pb.Relation_Summary:
		child, err := t.relation(k.Summary.GetInput())
		return &plan.Summary{Statistics: k.Summary.GetStatistics(), Child: child}, err
	case *pb.Relation_Describe:
		child, err := t.relation(k.Describe.GetInput())
		return &plan.Describe{Columns: k.Describe.GetCols(), Child: child}, err
	}
	out, input, err := t.stat(r)
	if err != nil {
		return nil, err
	}
	out.Child, err = t.relation(input)
	return out, err
}

// stat is a statistic and the relation it is about.
func (t *translator) stat(r *pb.Relation) (*plan.Stat, *pb.Relation, error) {
	switch k := r.GetRelType().(type) {
	case *pb.Relation_Crosstab:
		s := k.Crosstab
		return &plan.Stat{Name: "crosstab", Columns: []string{s.GetCol1(), s.GetCol2()}}, s.GetInput(), nil
	case *pb.Relation_Cov:
		s := k.Cov
		return &plan.Stat{Name: "cov", Columns: []string{s.GetCol1(), s.GetCol2()}}, s.GetInput(), nil
	case *pb.Relation_Corr:
		s := k.Corr
		out := &plan.Stat{Name: "corr", Columns: []string{s.GetCol1(), s.GetCol2()}, Method: "pearson"}
		if s.Method != nil {
			out.Method = s.GetMethod()
		}
		return out, s.GetInput(), nil
	case *pb.Relation_ApproxQuantile:
		s := k.ApproxQuantile
		return &plan.Stat{Name: "approxQuantile", Columns: s.GetCols(), Probabilities: s.GetProbabilities(), Error: s.GetRelativeError()}, s.GetInput(), nil
	case *pb.Relation_FreqItems:
		s := k.FreqItems
		out := &plan.Stat{Name: "freqItems", Columns: s.GetCols(), Support: defaultSupport}
		if s.Support != nil {
			out.Support = s.GetSupport()
		}
		return out, s.GetInput(), nil
	case *pb.Relation_SampleBy:
		out, err := t.sampleBy(k.SampleBy)
		return out, k.SampleBy.GetInput(), err
	}
	return nil, nil, unsupportedRelation(r)
}

func (t *translator) sampleBy(s *pb.StatSampleBy) (*plan.Stat, error) {
	out := &plan.Stat{Name: "sampleBy", Fractions: map[*plan.Literal]float64{}, Seed: s.GetSeed()}
	if s.Seed == nil {
		out.Seed = rand.Int64()
	}
	for _, f := range s.GetFractions() {
		l, err := literalFrom(f.GetStratum())
		if err != nil {
			return nil, err
		}
		out.Fractions[l] = f.GetFraction()
	}
	var err error
	out.Column, err = t.expr(s.GetCol())
	return out, err
}

func (t *translator) fillNA(f *pb.NAFill) (plan.Node, error) {
	if n := len(f.GetValues()); n == 0 || n > 1 && n != len(f.GetCols()) {
		return nil, invalidPlan("fillna needs one value, or one for each column")
	}
	values, err := literals(f.GetValues())
	if err != nil {
		return nil, err
	}
	child, err := t.relation(f.GetInput())
	return &plan.FillNulls{Columns: f.GetCols(), Values: values, Child: child}, err
}

func literals(ls []*pb.Expression_Literal) ([]*plan.Literal, error) {
	out := make([]*plan.Literal, 0, len(ls))
	for _, l := range ls {
		v, err := literalFrom(l)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (t *translator) replace(r *pb.NAReplace) (plan.Node, error) {
	out := &plan.ReplaceValues{Columns: r.GetCols()}
	for _, p := range r.GetReplacements() {
		pair, err := literals([]*pb.Expression_Literal{p.GetOldValue(), p.GetNewValue()})
		if err != nil {
			return nil, err
		}
		out.Old, out.New = append(out.Old, pair[0]), append(out.New, pair[1])
	}
	var err error
	out.Child, err = t.relation(r.GetInput())
	return out, err
}
