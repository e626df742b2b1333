package sparkconnect

import (
	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/dataset/sql"
	"github.com/spurwheel/spurwheel/internal/errs"
)

var saveModes = map[pb.WriteOperation_SaveMode]plan.SaveMode{
	pb.WriteOperation_SAVE_MODE_UNSPECIFIED:     plan.SaveError,
	pb.WriteOperation_SAVE_MODE_ERROR_IF_EXISTS: plan.SaveError,
	pb.WriteOperation_SAVE_MODE_APPEND:          plan.SaveAppend,
	pb.WriteOperation_SAVE_MODE_OVERWRITE:       plan.SaveOverwrite,
	pb.WriteOperation_SAVE_MODE_IGNORE:          plan.SaveIgnore,
}

// write translates df.write. A format that is not named is left to the session.
func (t *translator) write(w *pb.WriteOperation) (plan.Node, error) {
	child, err := t.relation(w.GetInput())
	if err != nil {
		return nil, err
	}
	mode, ok := saveModes[w.GetMode()]
	if !ok {
		return nil, invalidPlan("a write of unknown mode")
	}
	if len(w.GetClusteringColumns()) > 0 {
		return nil, errs.Unsupported("clusterBy of tables")
	}
	out := &plan.Write{
		Format: w.GetSource(), Mode: mode, PartitionBy: w.GetPartitioningColumns(), SortBy: w.GetSortColumnNames(),
		Options: w.GetOptions(), Child: child,
	}
	if b := w.GetBucketBy(); b != nil {
		out.BucketBy, out.Buckets = b.GetBucketColumnNames(), int(b.GetNumBuckets())
	}
	switch k := w.GetSaveType().(type) {
	case *pb.WriteOperation_Path:
		out.Path = k.Path
	case *pb.WriteOperation_Table:
		if out.Table, err = sql.ParseIdentifier(k.Table.GetTableName()); err != nil {
			return nil, err
		}
		switch k.Table.GetSaveMethod() {
		case pb.WriteOperation_SaveTable_TABLE_SAVE_METHOD_INSERT_INTO:
			if out.Insert = true; mode != plan.SaveOverwrite {
				out.Mode = plan.SaveAppend // there is always a table: other modes mean this
			}
		case pb.WriteOperation_SaveTable_TABLE_SAVE_METHOD_SAVE_AS_TABLE:
		default:
			return nil, invalidPlan("a table is to be saved by an unknown method")
		}
	}
	return out, nil
}

// writeV2 translates df.writeTo.
func (t *translator) writeV2(w *pb.WriteOperationV2) (plan.Node, error) {
	child, err := t.relation(w.GetInput())
	if err != nil {
		return nil, err
	}
	name, err := sql.ParseIdentifier(w.GetTableName())
	if err != nil {
		return nil, err
	}
	if len(w.GetClusteringColumns()) > 0 {
		return nil, errs.Unsupported("clusterBy of tables")
	}
	out := &plan.Write{Format: w.GetProvider(), Table: name, Options: w.GetOptions(), Properties: w.GetTableProperties(), Child: child}
	switch w.GetMode() {
	case pb.WriteOperationV2_MODE_CREATE:
	case pb.WriteOperationV2_MODE_REPLACE, pb.WriteOperationV2_MODE_CREATE_OR_REPLACE:
		out.Mode = plan.SaveOverwrite
	case pb.WriteOperationV2_MODE_APPEND:
		out.Mode, out.Insert, out.ByName = plan.SaveAppend, true, true
	case pb.WriteOperationV2_MODE_OVERWRITE:
		return nil, errs.Unsupported("overwrite by condition")
	case pb.WriteOperationV2_MODE_OVERWRITE_PARTITIONS:
		return nil, errs.Unsupported("overwritePartitions")
	default:
		return nil, invalidPlan("a write of unknown mode")
	}
	for _, p := range w.GetPartitioningColumns() {
		e, err := t.expr(p)
		if err != nil {
			return nil, err
		}
		a, ok := e.(*plan.Attr)
		if !ok || len(a.Parts) != 1 {
			return nil, errs.Unsupported("partitioning by transforms")
		}
		out.PartitionBy = append(out.PartitionBy, a.Parts[0])
	}
	return out, nil
}

// createView translates createTempView and its kin.
func (t *translator) createView(v *pb.CreateDataFrameViewCommand) (plan.Node, error) {
	child, err := t.relation(v.GetInput())
	if err != nil {
		return nil, err
	}
	name, err := sql.ParseIdentifier(v.GetName())
	if err != nil {
		return nil, err
	}
	return &plan.CreateView{Name: name, Temp: true, Global: v.GetIsGlobal(), Replace: v.GetReplace(), Child: child}, nil
}
