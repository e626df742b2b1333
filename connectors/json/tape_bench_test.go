package json

import (
	"strings"
	"testing"
)

// BenchmarkTape reads the syntax of a record as TPC-H's largest table has them.
func BenchmarkTape(b *testing.B) {
	record := `{"l_orderkey":1,"l_partkey":15519,"l_suppkey":785,"l_quantity":17.00,"l_extendedprice":24386.67,"l_discount":0.04,"l_returnflag":"N",` +
		`"l_shipdate":"1996-03-13","l_commitdate":"1996-02-12","l_shipinstruct":"DELIVER IN PERSON","l_shipmode":"TRUCK","l_comment":"to beans x-ray"}` + "\n"
	text := []byte(strings.Repeat(record, 1000))
	o, err := parseOptions(nil)
	if err != nil {
		b.Fatal(err)
	}
	t := &tape{opt: &o}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		t.b, t.i, t.toks = text, 0, t.toks[:0]
		for t.i < len(text)-1 {
			if !t.value(0) {
				b.Fatal("malformed")
			}
		}
	}
}
