package function

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash/crc32"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// hashes are the hash functions.
func hashes() []*Entry {
	digest := func(sum func(s []byte) []byte) maker {
		return textKernel(func(dst, s []byte) []byte { return hex.AppendEncode(dst, sum(s)) })
	}
	return fnEntries(
		"hash_funcs",
		fnSpec{"hash", 1, -1, hashRule(types.Int), hashKernel32, doc{"Murmur3 hash of the arguments.", "SELECT hash('Spark', array(123), 2)", "-1321691492"}, withNulls()},
		fnSpec{"xxhash64", 1, -1, hashRule(types.Long), hashKernel64, doc{"XXH64 hash of the arguments.", "SELECT xxhash64('Spark', array(123), 2)", "5602566077635097486"}, withNulls()},
		fnSpec{"md5", 1, 1, textRule(WantBinary), digest(func(s []byte) []byte { h := md5.Sum(s); return h[:] }), doc{"MD5 digest in hexadecimal digits.", "SELECT md5('Spark')", "8cde774d6f7333752ed72cacddb05126"}, fnMore{}},
		fnSpec{"sha1", 1, 1, textRule(WantBinary), digest(func(s []byte) []byte { h := sha1.Sum(s); return h[:] }), doc{"SHA-1 digest in hexadecimal digits.", "SELECT sha1('Spark')", "85f5955f4b27a9a4c2aab6ffe5d7189fc298b92c"}, named("sha")},
		fnSpec{"sha2", 2, 2, MayNull(textRule(WantBinary, WantInt)), rows(sha2), doc{"SHA-2 digest of 224, 256, 384 or 512 bits; 0 is 256.", "SELECT sha2('Spark', 256)", "529bc3b07127ecb7e53a4dcf1991d9152c24537d919178022b2c42657f79a26b"}, fnMore{}},
		fnSpec{"crc32", 1, 1, Fixed(types.Long, WantBinary), rows(func(c *cells) error { c.setLong(int64(crc32.ChecksumIEEE(c.str(0)))); return nil }), doc{"Cyclic redundancy check.", "SELECT crc32('Spark')", "1557323817"}, fnMore{}},
	)
}

// hashRule takes anything but maps, whose entries have no order.
func hashRule(result types.Type) Rule {
	return func(_ *Env, args []plan.Expr) (Typing, error) {
		for i, a := range args {
			if hasMap(a.Type()) {
				return Typing{}, mismatch("HASH_MAP_TYPE", "the "+Ordinal(i)+" argument holds a map, which has no hash.", "functionName", "`hash`")
			}
		}
		return Typing{Args: TypesOf(args), Result: result}, nil
	}
}

func hashKernel32(*Env, *plan.Call) (Kernel, error) {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		h := batch.Values[int32](out)[:n]
		u := make([]uint32, n)
		for i := range u {
			u[i] = hashSeed
		}
		for _, a := range args {
			murmur.column(u, a)
		}
		for i := range h {
			h[i] = int32(u[i])
		}
		return nil
	}, nil
}

func hashKernel64(*Env, *plan.Call) (Kernel, error) {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		h := batch.Values[uint64](out)[:n]
		for i := range h {
			h[i] = hashSeed
		}
		for _, a := range args {
			xx.column(h, a)
		}
		return nil
	}, nil
}

func sha2(c *cells) error {
	s := c.str(0)
	var sum []byte
	switch c.int(1) {
	case 224:
		h := sha256.Sum224(s)
		sum = h[:]
	case 0, 256:
		h := sha256.Sum256(s)
		sum = h[:]
	case 384:
		h := sha512.Sum384(s)
		sum = h[:]
	case 512:
		h := sha512.Sum512(s)
		sum = h[:]
	default:
		c.setNull()
		return nil
	}
	c.setText(hex.EncodeToString(sum))
	return nil
}

// errUser is the error of raise_error and assert_true.
func errUser(message string) error {
	return errs.Cond(errs.Runtime, "USER_RAISED_EXCEPTION", "P0001", message, "errorMessage", message)
}
