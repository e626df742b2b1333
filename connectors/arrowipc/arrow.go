package arrowipc

// Numbers of Arrow's format, as its flatbuffer schemas define them: union tags,
// enum values and slots of tables. They never change.

// typeTag is the tag of the Type union.
type typeTag uint8

const (
	tagNull            typeTag = 1
	tagInt             typeTag = 2
	tagFloat           typeTag = 3
	tagBinary          typeTag = 4
	tagUtf8            typeTag = 5
	tagBool            typeTag = 6
	tagDecimal         typeTag = 7
	tagDate            typeTag = 8
	tagTime            typeTag = 9
	tagTimestamp       typeTag = 10
	tagInterval        typeTag = 11
	tagList            typeTag = 12
	tagStruct          typeTag = 13
	tagUnion           typeTag = 14
	tagFixedSizeBinary typeTag = 15
	tagFixedSizeList   typeTag = 16
	tagMap             typeTag = 17
	tagDuration        typeTag = 18
	tagLargeBinary     typeTag = 19
	tagLargeUtf8       typeTag = 20
	tagLargeList       typeTag = 21
	tagRunEndEncoded   typeTag = 22
	tagBinaryView      typeTag = 23
	tagUtf8View        typeTag = 24
	tagListView        typeTag = 25
	tagLargeListView   typeTag = 26
)

// Message headers.
const (
	headerSchema     = 1
	headerDictionary = 2
	headerBatch      = 3
)

// version5 is the metadata version that all writers since Arrow 1.0 use.
const version5 = 4

// Enum values.
const (
	precisionHalf, precisionSingle, precisionDouble          = 0, 1, 2
	unitDay, unitDateMilli                                   = 0, 1
	unitSecond, unitMilli, unitMicro, unitNano               = 0, 1, 2, 3
	intervalYearMonth, intervalDayTime, intervalMonthDayNano = 0, 1, 2
	codecLZ4, codecZstd                                      = 0, 1
	defaultTimeBits, defaultDecimalBits, defaultTimeUnit     = 32, 128, unitMilli
	defaultDurationUnit, defaultDateUnit                     = unitMilli, unitDateMilli
)

// Slots of the tables.
const (
	slotMessageVersion, slotMessageHeaderType, slotMessageHeader, slotMessageBodyLength = 0, 1, 2, 3

	slotSchemaEndianness, slotSchemaFields = 0, 1

	slotFieldName, slotFieldNullable, slotFieldTypeType, slotFieldType = 0, 1, 2, 3
	slotFieldDictionary, slotFieldChildren, slotFieldMetadata          = 4, 5, 6

	slotKey, slotValue = 0, 1

	slotBatchLength, slotBatchNodes, slotBatchBuffers, slotBatchCompression, slotBatchVariadic = 0, 1, 2, 3, 4

	slotDictID, slotDictData, slotDictDelta = 0, 1, 2 // DictionaryBatch
	slotEncodingID, slotEncodingIndex       = 0, 1    // DictionaryEncoding
)

// continuation precedes the length of every message since Arrow 0.15.
const continuation = 0xFFFFFFFF

// Alignment of buffers and bodies. 64 is what Arrow's writers use; 8 is required.
const (
	bufferAlign = 64
	bodyAlign   = 8
)

// Field metadata that Spark's clients know.
const (
	metadataSpark   = "SPARK::metadata::json"
	metadataVariant = "variant"
)

func align(n, to int) int { return (n + to - 1) &^ (to - 1) }
