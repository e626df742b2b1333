package arrowipc

import (
	"slices"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/spurwheel/spurwheel/internal/types"
)

// Options are what a stream's schema depends on beside the columns' types.
type Options struct {
	ZoneID        string // session time zone, in the type of TIMESTAMP columns
	LargeVarTypes bool   // 64-bit offsets of strings and binaries
}

// schemaWriter builds the flatbuffer of a schema.
type schemaWriter struct {
	b   *flatbuffers.Builder
	opt Options
}

// schemaMessage is the flatbuffer of a Schema message.
func schemaMessage(s types.Schema, opt Options) []byte {
	w := &schemaWriter{b: flatbuffers.NewBuilder(1024), opt: opt}
	fields := w.vector(w.fields(s.Fields))
	w.b.StartObject(4)
	w.b.PrependUOffsetTSlot(slotSchemaFields, fields, 0)
	return finishMessage(w.b, headerSchema, w.b.EndObject(), 0)
}

func finishMessage(b *flatbuffers.Builder, kind byte, header flatbuffers.UOffsetT, body int64) []byte {
	b.StartObject(5)
	b.PrependInt64Slot(slotMessageBodyLength, body, 0)
	b.PrependUOffsetTSlot(slotMessageHeader, header, 0)
	b.PrependInt16Slot(slotMessageVersion, version5, 0)
	b.PrependByteSlot(slotMessageHeaderType, kind, 0)
	b.Finish(b.EndObject())
	return b.FinishedBytes()
}

func (w *schemaWriter) vector(offs []flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	w.b.StartVector(4, len(offs), 4)
	for _, o := range slices.Backward(offs) {
		w.b.PrependUOffsetT(o)
	}
	return w.b.EndVector(len(offs))
}

func (w *schemaWriter) fields(fs []types.Field) []flatbuffers.UOffsetT {
	out := make([]flatbuffers.UOffsetT, len(fs))
	for i, f := range fs {
		var meta [][2]string
		if f.Metadata != "" && f.Metadata != "{}" {
			meta = [][2]string{{metadataSpark, f.Metadata}}
		}
		out[i] = w.field(f.Name, f.Type, f.Nullable, meta)
	}
	return out
}

func (w *schemaWriter) field(name string, t types.Type, null bool, meta [][2]string) flatbuffers.UOffsetT {
	for t.Kind == types.KindUDT {
		t = *t.Elem
	}
	children := w.vector(w.children(t))
	tag, typ := w.typ(t)
	pairs := w.metadata(meta)
	n := w.b.CreateString(name)
	w.b.StartObject(7)
	if pairs != 0 {
		w.b.PrependUOffsetTSlot(slotFieldMetadata, pairs, 0)
	}
	w.b.PrependUOffsetTSlot(slotFieldChildren, children, 0)
	w.b.PrependUOffsetTSlot(slotFieldType, typ, 0)
	w.b.PrependUOffsetTSlot(slotFieldName, n, 0)
	w.b.PrependByteSlot(slotFieldTypeType, byte(tag), 0)
	w.b.PrependBoolSlot(slotFieldNullable, null, false)
	return w.b.EndObject()
}

func (w *schemaWriter) metadata(meta [][2]string) flatbuffers.UOffsetT {
	if len(meta) == 0 {
		return 0
	}
	offs := make([]flatbuffers.UOffsetT, len(meta))
	for i, kv := range meta {
		k, v := w.b.CreateString(kv[0]), w.b.CreateString(kv[1])
		w.b.StartObject(2)
		w.b.PrependUOffsetTSlot(slotKey, k, 0)
		w.b.PrependUOffsetTSlot(slotValue, v, 0)
		offs[i] = w.b.EndObject()
	}
	return w.vector(offs)
}

// children are the fields below t, named as Spark names them.
func (w *schemaWriter) children(t types.Type) []flatbuffers.UOffsetT {
	switch t.Kind {
	case types.KindArray:
		return []flatbuffers.UOffsetT{w.field("element", *t.Elem, t.Nullable, nil)}
	case types.KindMap:
		value := types.Field{Name: "value", Type: *t.Elem, Nullable: t.Nullable}
		entries := types.Struct(types.Field{Name: "key", Type: *t.Key}, value)
		return []flatbuffers.UOffsetT{w.field("entries", entries, false, nil)}
	case types.KindStruct:
		return w.fields(t.Fields)
	case types.KindVariant:
		return []flatbuffers.UOffsetT{
			w.field("value", types.Binary, false, nil),
			w.field("metadata", types.Binary, false, [][2]string{{metadataVariant, "true"}}),
		}
	default:
		return nil
	}
}

// typ is the tag and table of t's Arrow type.
func (w *schemaWriter) typ(t types.Type) (typeTag, flatbuffers.UOffsetT) {
	switch t.Kind {
	case types.KindByte:
		return w.integer(8)
	case types.KindShort:
		return w.integer(16)
	case types.KindInt:
		return w.integer(32)
	case types.KindLong:
		return w.integer(64)
	case types.KindFloat:
		return tagFloat, w.enum(precisionSingle)
	case types.KindDouble:
		return tagFloat, w.enum(precisionDouble)
	case types.KindDecimal:
		w.b.StartObject(3)
		w.b.PrependInt32Slot(0, int32(t.Precision), 0)
		w.b.PrependInt32Slot(1, int32(t.Scale), 0)
		return tagDecimal, w.b.EndObject()
	case types.KindDate:
		w.b.StartObject(1)
		w.b.PrependInt16Slot(0, unitDay, defaultDateUnit)
		return tagDate, w.b.EndObject()
	case types.KindTime:
		w.b.StartObject(2)
		w.b.PrependInt32Slot(1, 64, defaultTimeBits)
		w.b.PrependInt16Slot(0, unitNano, defaultTimeUnit)
		return tagTime, w.b.EndObject()
	case types.KindTimestamp:
		return tagTimestamp, w.timestamp(w.b.CreateString(w.zone()))
	case types.KindTimestampNTZ:
		return tagTimestamp, w.timestamp(0)
	case types.KindDayTimeInterval:
		w.b.StartObject(1)
		w.b.PrependInt16Slot(0, unitMicro, defaultDurationUnit)
		return tagDuration, w.b.EndObject()
	case types.KindYearMonthInterval:
		return tagInterval, w.enum(intervalYearMonth)
	case types.KindCalendarInterval:
		return tagInterval, w.enum(intervalMonthDayNano)
	default: // types without parameters; a map's keys are not sorted
		w.b.StartObject(1)
		return w.plainTag(t), w.b.EndObject()
	}
}

func (w *schemaWriter) plainTag(t types.Type) typeTag {
	switch t.Kind {
	case types.KindBool:
		return tagBool
	case types.KindString:
		if w.opt.LargeVarTypes {
			return tagLargeUtf8
		}
		return tagUtf8
	case types.KindBinary:
		if w.opt.LargeVarTypes {
			return tagLargeBinary
		}
		return tagBinary
	case types.KindArray:
		return tagList
	case types.KindMap:
		return tagMap
	case types.KindStruct, types.KindVariant:
		return tagStruct
	default:
		return tagNull
	}
}

func (w *schemaWriter) zone() string {
	if w.opt.ZoneID == "" {
		return "UTC"
	}
	return w.opt.ZoneID
}

func (w *schemaWriter) integer(bits int32) (typeTag, flatbuffers.UOffsetT) {
	w.b.StartObject(2)
	w.b.PrependInt32Slot(0, bits, 0)
	w.b.PrependBoolSlot(1, true, false)
	return tagInt, w.b.EndObject()
}

func (w *schemaWriter) enum(v int16) flatbuffers.UOffsetT {
	w.b.StartObject(1)
	w.b.PrependInt16Slot(0, v, 0)
	return w.b.EndObject()
}

func (w *schemaWriter) timestamp(zone flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	w.b.StartObject(2)
	if zone != 0 {
		w.b.PrependUOffsetTSlot(1, zone, 0)
	}
	w.b.PrependInt16Slot(0, unitMicro, unitSecond)
	return w.b.EndObject()
}
