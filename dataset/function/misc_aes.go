package function

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// aesFunctions encrypt and decrypt with AES.
func aesFunctions() []*Entry {
	rule := MayNull(Fixed(types.Binary, WantBinary, WantBinary, WantString, WantString, WantBinary, WantBinary))
	open := MayNull(Fixed(types.Binary, WantBinary, WantBinary, WantString, WantString, WantBinary))
	return fnEntries(
		miscGroup,
		fnSpec{"aes_encrypt", 2, 6, rule, aesKernel(sealAES, false), doc{"Encrypts with a key; mode GCM, CBC or ECB, padding, initial vector and further data are optional.", "SELECT base64(aes_encrypt('Spark SQL', '1234567890abcdef', 'ECB', 'PKCS'))", "3lmwu+Mw0H3fi5NDvcu9lg=="}, fnMore{}},
		fnSpec{"aes_decrypt", 2, 5, open, aesKernel(openAES, false), doc{"Decrypts what aes_encrypt gave.", "SELECT aes_decrypt(unhex('6E7CA17BBB468D3084B5744BCA729FB7B2B7BCB8E4472847D02670489D95FA97DBBA7D3210'), '0000111122223333', 'GCM')", "[53 70 61 72 6B 20 53 51 4C]"}, fnMore{}},
		fnSpec{"try_aes_decrypt", 2, 5, open, aesKernel(openAES, true), doc{"Like aes_decrypt, null where that fails.", "SELECT try_aes_decrypt(unhex('00'), '0000111122223333')", "NULL"}, fnMore{}},
	)
}

// aesCall is the arguments of one encryption.
type aesCall struct {
	block           cipher.Block
	mode            string
	data, iv, extra []byte
}

var errCiphertext = errors.New("the input is too short or malformed")

func aesKernel(f func(a *aesCall) ([]byte, error), try bool) maker {
	return func(_ *Env, call *plan.Call) (Kernel, error) {
		fn := call.Name
		decrypt := fn != "aes_encrypt"
		return rowKernel(func(c *cells) error {
			a, err := aesArgs(c, fn, decrypt)
			var out []byte
			if err == nil {
				if out, err = f(a); err != nil {
					err = errs.Cond(errs.Runtime, "INVALID_PARAMETER_VALUE.AES_CRYPTO_ERROR", "22023", "AES failed: "+err.Error()+".",
						"parameter", "`expr`, `key`", "functionName", types.Quote(fn), "detailMessage", err.Error())
				}
			}
			switch {
			case err == nil:
				c.setStr(out)
			case try:
				c.setNull()
			default:
				return err
			}
			return nil
		}), nil
	}
}

func aesArgs(c *cells, fn string, decrypt bool) (*aesCall, error) {
	a := &aesCall{mode: "GCM", data: c.str(0)}
	key := c.str(1)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, errParam("AES_KEY_LENGTH", fn, "key", "it has to be of 16, 24 or 32 bytes.", "actualLength", "")
	}
	a.block = block
	padding := "DEFAULT"
	if len(c.args) > 2 {
		a.mode = strings.ToUpper(string(c.str(2)))
	}
	if len(c.args) > 3 {
		padding = strings.ToUpper(string(c.str(3)))
	}
	extraAt := 5
	if decrypt {
		extraAt = 4
	} else if len(c.args) > 4 {
		a.iv = c.str(4)
	}
	if len(c.args) > extraAt {
		a.extra = c.str(extraAt)
	}
	ok := a.mode == "GCM" && padding != "PKCS" || (a.mode == "CBC" || a.mode == "ECB") && padding != "NONE"
	if !ok {
		return nil, errs.Cond(errs.Runtime, "UNSUPPORTED_FEATURE.AES_MODE", "0A000", "AES "+a.mode+" with "+padding+" padding is not supported.", "mode", a.mode, "padding", padding, "functionName", types.Quote(fn))
	}
	return a, nil
}

// vector is the initial vector of n bytes, random if none is given.
func (a *aesCall) vector(n int) ([]byte, error) {
	if len(a.iv) == 0 {
		iv := make([]byte, n)
		_, err := rand.Read(iv)
		return iv, err
	}
	if len(a.iv) != n {
		return nil, errors.New("the initial vector has the wrong length")
	}
	return a.iv, nil
}

func sealAES(a *aesCall) ([]byte, error) {
	switch a.mode {
	case "GCM":
		gcm, err := cipher.NewGCM(a.block)
		if err != nil {
			return nil, err
		}
		iv, err := a.vector(gcm.NonceSize())
		if err != nil {
			return nil, err
		}
		return gcm.Seal(bytes.Clone(iv), iv, a.data, a.extra), nil
	case "CBC":
		iv, err := a.vector(aes.BlockSize)
		if err != nil {
			return nil, err
		}
		data := padPKCS(a.data)
		cipher.NewCBCEncrypter(a.block, iv).CryptBlocks(data, data)
		return append(bytes.Clone(iv), data...), nil
	}
	data := padPKCS(a.data)
	for b := data; len(b) > 0; b = b[aes.BlockSize:] {
		a.block.Encrypt(b, b)
	}
	return data, nil
}

func openAES(a *aesCall) ([]byte, error) {
	switch a.mode {
	case "GCM":
		gcm, err := cipher.NewGCM(a.block)
		if err != nil || len(a.data) < gcm.NonceSize() {
			return nil, errCiphertext
		}
		return gcm.Open(nil, a.data[:gcm.NonceSize()], a.data[gcm.NonceSize():], a.extra)
	case "CBC":
		if len(a.data) < 2*aes.BlockSize || len(a.data)%aes.BlockSize != 0 {
			return nil, errCiphertext
		}
		data := bytes.Clone(a.data[aes.BlockSize:])
		cipher.NewCBCDecrypter(a.block, a.data[:aes.BlockSize]).CryptBlocks(data, data)
		return unpadPKCS(data)
	}
	if len(a.data) == 0 || len(a.data)%aes.BlockSize != 0 {
		return nil, errCiphertext
	}
	data := bytes.Clone(a.data)
	for b := data; len(b) > 0; b = b[aes.BlockSize:] {
		a.block.Decrypt(b, b)
	}
	return unpadPKCS(data)
}

func padPKCS(s []byte) []byte {
	n := aes.BlockSize - len(s)%aes.BlockSize
	return append(bytes.Clone(s), bytes.Repeat([]byte{byte(n)}, n)...)
}

func unpadPKCS(s []byte) ([]byte, error) {
	n := int(s[len(s)-1])
	if n == 0 || n > aes.BlockSize || !bytes.Equal(s[len(s)-n:], bytes.Repeat([]byte{byte(n)}, n)) {
		return nil, errCiphertext
	}
	return s[:len(s)-n], nil
}
