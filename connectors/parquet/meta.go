package parquet

// Physical types.
const (
	pBoolean = iota
	pInt32
	pInt64
	pInt96
	pFloat
	pDouble
	pByteArray
	pFixed
)

var physNames = [...]string{"BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE", "BINARY", "FIXED_LEN_BYTE_ARRAY"}

// Repetition of schema elements.
const (
	repRequired = iota
	repOptional
	repRepeated
)

// Encodings.
const (
	encPlain         = 0
	encPlainDict     = 2
	encRLE           = 3
	encBitPacked     = 4
	encDelta         = 5
	encDeltaLength   = 6
	encDeltaBytes    = 7
	encRLEDict       = 8
	encByteStream    = 9
	codecNone        = 0
	codecSnappy      = 1
	codecGzip        = 2
	codecBrotli      = 4
	codecLZ4         = 5
	codecZstd        = 6
	codecLZ4Raw      = 7
	pageData         = 0
	pageIndex        = 1
	pageDict         = 2
	pageDataV2       = 3
	unitMillis       = 1
	unitMicros       = 2
	unitNanos        = 3
	orderAscending   = 1
	orderDescending  = 2
	maxFileMetaItems = 1 << 20 // row groups times columns that one footer may describe
)

// Logical types: the ids of the union; converted types are turned into these.
const (
	lNone      = 0
	lString    = 1
	lMap       = 2
	lList      = 3
	lEnum      = 4
	lDecimal   = 5
	lDate      = 6
	lTime      = 7
	lTimestamp = 8
	lInteger   = 10
	lUnknown   = 11
	lJSON      = 12
	lBSON      = 13
	lUUID      = 14
	lFloat16   = 15
	lInterval  = 100 // converted type only
)

type logical struct {
	kind             int
	scale, precision int32
	unit             int
	utc, signed      bool
	bits             int64
}

type schemaElement struct {
	typ       int32 // -1: group
	length    int32
	rep       int32
	name      string
	children  int32
	converted int32 // -1: none
	scale     int32
	precision int32
	logical   logical
	fieldID   int32 // -1: none
}

type statistics struct {
	min, max  []byte // nil: unknown
	nulls     int64  // -1: unknown
	distinct  int64
	oldMinMax bool // from the deprecated fields, ordered as signed bytes
}

type columnMeta struct {
	typ                  int32
	codec                int32
	values               int64
	uncompressed, total  int64
	dataOff, dictOff     int64
	hasDict              bool
	stats                statistics
	offsetIdx, columnIdx fileRange
	otherFile            bool
	encrypted            bool
}

type fileRange struct {
	off int64
	len int32
}

type rowGroup struct {
	columns []columnMeta
	rows    int64
}

type fileMeta struct {
	version   int32
	schema    []schemaElement
	rows      int64
	groups    []rowGroup
	keyValues map[string]string
	createdBy string
	encrypted bool
}

func decodeFileMeta(b []byte) (*fileMeta, error) {
	m := &fileMeta{keyValues: map[string]string{}}
	d := &decoder{b: b}
	items := 0
	d.each(func(id int, typ byte) bool {
		switch id {
		case 1:
			return d.int32(typ, &m.version)
		case 2:
			return d.list(typ, func(n int) { m.schema = make([]schemaElement, 0, min(n, 1024)) },
				func(byte) { m.schema = append(m.schema, d.schemaElement()) })
		case 3:
			return d.int(typ, &m.rows)
		case 4:
			return d.list(typ, nil, func(byte) {
				g := d.rowGroup()
				if items += len(g.columns) + 1; items > maxFileMetaItems {
					d.fail(errThriftBad)
				}
				m.groups = append(m.groups, g)
			})
		case 5:
			return d.list(typ, nil, func(byte) { d.keyValue(m.keyValues) })
		case 6:
			return d.string(typ, &m.createdBy)
		case 8:
			m.encrypted = true
		}
		return false
	})
	return m, d.err
}

func (d *decoder) keyValue(into map[string]string) {
	var k, v string
	d.each(func(id int, typ byte) bool {
		switch id {
		case 1:
			return d.string(typ, &k)
		case 2:
			return d.string(typ, &v)
		}
		return false
	})
	into[k] = v
}

func (d *decoder) schemaElement() schemaElement {
	s := schemaElement{typ: -1, converted: -1, fieldID: -1}
	d.each(func(id int, typ byte) bool {
		switch id {
		case 1:
			return d.int32(typ, &s.typ)
		case 2:
			return d.int32(typ, &s.length)
		case 3:
			return d.int32(typ, &s.rep)
		case 4:
			return d.string(typ, &s.name)
		case 5:
			return d.int32(typ, &s.children)
		case 6:
			return d.int32(typ, &s.converted)
		case 7:
			return d.int32(typ, &s.scale)
		case 8:
			return d.int32(typ, &s.precision)
		case 9:
			return d.int32(typ, &s.fieldID)
		case 10:
			return d.logical(typ, &s.logical)
		}
		return false
	})
	if s.logical.kind == lNone {
		s.logical = fromConverted(&s)
	}
	return s
}

func (d *decoder) logical(typ byte, l *logical) bool {
	if typ != tStruct {
		return false
	}
	d.each(func(id int, typ byte) bool {
		l.kind = id
		if typ != tStruct {
			return false
		}
		d.each(func(member int, typ byte) bool { return d.logicalMember(id, member, typ, l) })
		return true
	})
	return true
}

func (d *decoder) logicalMember(kind, member int, typ byte, l *logical) bool {
	switch {
	case kind == lDecimal && member == 1:
		return d.int32(typ, &l.scale)
	case kind == lDecimal && member == 2:
		return d.int32(typ, &l.precision)
	case (kind == lTime || kind == lTimestamp) && member == 1:
		return d.bool(typ, &l.utc)
	case (kind == lTime || kind == lTimestamp) && member == 2 && typ == tStruct:
		d.each(func(unit int, _ byte) bool { l.unit = unit; return false })
		return true
	case kind == lInteger && member == 1:
		return d.int(typ, &l.bits)
	case kind == lInteger && member == 2:
		return d.bool(typ, &l.signed)
	}
	return false
}

// fromConverted turns the older annotation into the newer.
func fromConverted(s *schemaElement) logical {
	integer := func(bits int64, signed bool) logical { return logical{kind: lInteger, bits: bits, signed: signed} }
	switch s.converted {
	case 0:
		return logical{kind: lString}
	case 1, 2:
		return logical{kind: lMap}
	case 3:
		return logical{kind: lList}
	case 4:
		return logical{kind: lEnum}
	case 5:
		return logical{kind: lDecimal, scale: s.scale, precision: s.precision}
	case 6:
		return logical{kind: lDate}
	case 7:
		return logical{kind: lTime, unit: unitMillis, utc: true}
	case 8:
		return logical{kind: lTime, unit: unitMicros, utc: true}
	case 9:
		return logical{kind: lTimestamp, unit: unitMillis, utc: true}
	case 10:
		return logical{kind: lTimestamp, unit: unitMicros, utc: true}
	case 11, 12, 13, 14:
		return integer(8<<(s.converted-11), false)
	case 15, 16, 17, 18:
		return integer(8<<(s.converted-15), true)
	case 19:
		return logical{kind: lJSON}
	case 20:
		return logical{kind: lBSON}
	case 21:
		return logical{kind: lInterval}
	}
	return logical{}
}

func (d *decoder) rowGroup() rowGroup {
	var g rowGroup
	d.each(func(id int, typ byte) bool {
		switch id {
		case 1:
			return d.list(typ, func(n int) { g.columns = make([]columnMeta, 0, min(n, 1024)) },
				func(byte) { g.columns = append(g.columns, d.columnChunk()) })
		case 3:
			return d.int(typ, &g.rows)
		}
		return false
	})
	return g
}

func (d *decoder) columnChunk() columnMeta {
	c := columnMeta{typ: -1, stats: statistics{nulls: -1}}
	d.each(func(id int, typ byte) bool {
		switch id {
		case 1:
			c.otherFile = true
		case 3:
			if typ == tStruct {
				d.columnMeta(&c)
				return true
			}
		case 4:
			return d.int(typ, &c.offsetIdx.off)
		case 5:
			return d.int32(typ, &c.offsetIdx.len)
		case 6:
			return d.int(typ, &c.columnIdx.off)
		case 7:
			return d.int32(typ, &c.columnIdx.len)
		case 8:
			c.encrypted = true
		}
		return false
	})
	return c
}

func (d *decoder) columnMeta(c *columnMeta) {
	d.each(func(id int, typ byte) bool {
		switch id {
		case 1:
			return d.int32(typ, &c.typ)
		case 4:
			return d.int32(typ, &c.codec)
		case 5:
			return d.int(typ, &c.values)
		case 6:
			return d.int(typ, &c.uncompressed)
		case 7:
			return d.int(typ, &c.total)
		case 9:
			return d.int(typ, &c.dataOff)
		case 11:
			c.hasDict = true
			return d.int(typ, &c.dictOff)
		case 12:
			if typ == tStruct {
				c.stats = d.statistics()
				return true
			}
		}
		return false
	})
}

func (d *decoder) statistics() statistics {
	s := statistics{nulls: -1}
	var oldMin, oldMax []byte
	d.each(func(id int, typ byte) bool {
		switch id {
		case 1:
			return d.bytes(typ, &oldMax)
		case 2:
			return d.bytes(typ, &oldMin)
		case 3:
			return d.int(typ, &s.nulls)
		case 4:
			return d.int(typ, &s.distinct)
		case 5:
			return d.bytes(typ, &s.max)
		case 6:
			return d.bytes(typ, &s.min)
		}
		return false
	})
	if s.min == nil && s.max == nil {
		s.min, s.max, s.oldMinMax = oldMin, oldMax, true
	}
	return s
}

type pageHeader struct {
	typ                   int32
	uncompressed, size    int32
	crc                   int32
	hasCRC                bool
	values                int32
	encoding              int32
	defEnc, repEnc        int32
	nulls, rows           int32 // v2
	defLen, repLen        int32 // v2
	compressed            bool
	hasData, hasDictBlock bool
}

func decodePageHeader(b []byte) (h pageHeader, n int, err error) {
	h.compressed = true
	d := &decoder{b: b}
	d.each(func(id int, typ byte) bool {
		switch {
		case id == 1:
			return d.int32(typ, &h.typ)
		case id == 2:
			return d.int32(typ, &h.uncompressed)
		case id == 3:
			return d.int32(typ, &h.size)
		case id == 4:
			h.hasCRC = true
			return d.int32(typ, &h.crc)
		case id == 5 && typ == tStruct:
			h.hasData = true
			d.each(func(id int, typ byte) bool { return d.dataHeader(id, typ, &h) })
			return true
		case id == 7 && typ == tStruct:
			h.hasDictBlock = true
			d.each(func(id int, typ byte) bool { return d.dictHeader(id, typ, &h) })
			return true
		case id == 8 && typ == tStruct:
			h.hasData = true
			d.each(func(id int, typ byte) bool { return d.dataHeaderV2(id, typ, &h) })
			return true
		}
		return false
	})
	return h, d.i, d.err
}

func (d *decoder) dataHeader(id int, typ byte, h *pageHeader) bool {
	switch id {
	case 1:
		return d.int32(typ, &h.values)
	case 2:
		return d.int32(typ, &h.encoding)
	case 3:
		return d.int32(typ, &h.defEnc)
	case 4:
		return d.int32(typ, &h.repEnc)
	}
	return false
}

func (d *decoder) dictHeader(id int, typ byte, h *pageHeader) bool {
	switch id {
	case 1:
		return d.int32(typ, &h.values)
	case 2:
		return d.int32(typ, &h.encoding)
	}
	return false
}

func (d *decoder) dataHeaderV2(id int, typ byte, h *pageHeader) bool {
	switch id {
	case 1:
		return d.int32(typ, &h.values)
	case 2:
		return d.int32(typ, &h.nulls)
	case 3:
		return d.int32(typ, &h.rows)
	case 4:
		return d.int32(typ, &h.encoding)
	case 5:
		return d.int32(typ, &h.defLen)
	case 6:
		return d.int32(typ, &h.repLen)
	case 7:
		return d.bool(typ, &h.compressed)
	}
	return false
}
