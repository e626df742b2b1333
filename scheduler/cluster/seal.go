package cluster

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// sealVersion is the first byte of what is sealed.
const sealVersion = 1

// sealer hides values that the log keeps. Its key is made of the group's
// secret and used for nothing else.
type sealer struct{ aead cipher.AEAD }

// newSealer is nil without a secret.
func newSealer(secret []byte) (*sealer, error) {
	if secret == nil {
		return nil, nil
	}
	key, err := derive(secret, "spurwheel record values, version 1")
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, errs.E(errs.Internal, "cluster.Seal", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &sealer{aead}, errs.E(errs.Internal, "cluster.Seal", err)
}

func derive(secret []byte, purpose string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, purpose, KeySize)
	return key, errs.E(errs.Internal, "cluster.derive", err)
}

// Seal hides a value that belongs to a place, such as the name of a session;
// only a group with the same secret opens it, and only for the same place.
func (g *Group) Seal(value []byte, place string) ([]byte, error) {
	if g.sealer == nil {
		return nil, errs.Errorf(errs.NotSupported, "cluster.Seal", "the group has no secret to hide values with")
	}
	return g.sealer.aead.Seal([]byte{sealVersion}, nil, value, []byte(place)), nil
}

// Open is the value that Seal was given.
func (g *Group) Open(sealed []byte, place string) ([]byte, error) {
	const op = "cluster.Open"
	if g.sealer == nil {
		return nil, errs.Errorf(errs.NotSupported, op, "the group has no secret to open values with")
	}
	if len(sealed) == 0 || sealed[0] != sealVersion {
		return nil, errs.Errorf(errs.Corrupt, op, "this is no sealed value")
	}
	value, err := g.sealer.aead.Open(nil, nil, sealed[1:], []byte(place))
	if err != nil {
		return nil, errs.Errorf(errs.Corrupt, op, "the value was sealed with another secret, for another place, or is damaged")
	}
	return value, nil
}
