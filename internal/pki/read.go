package pki

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// maxFile and maxCerts bound what is read of a file.
const (
	maxFile  = 1 << 20
	maxCerts = 64
)

// readFile reads a file of a user, whose fault it is if it is not there.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errs.Errorf(errs.Invalid, "", "%s is not there: make it with `spurwheel tls init` and `spurwheel tls issue`", path)
	case err != nil:
		return nil, errs.E(errs.Invalid, "", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = errors.New(path + " is larger than 1 MiB")
	}
	return data, errs.E(errs.Invalid, "", err)
}

// ReadCerts reads the certificates of a file, in their order.
func ReadCerts(path string) ([]*x509.Certificate, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	certs, _, err := parse(data)
	if err == nil && len(certs) == 0 {
		err = errors.New("no certificate")
	}
	if err != nil {
		return nil, errs.Errorf(errs.Invalid, "", "%s: %w", path, err)
	}
	return certs, nil
}

func readKey(path string) (*ecdsa.PrivateKey, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	_, key, err := parse(data)
	if err == nil && key == nil {
		err = errors.New("no private key")
	}
	if err != nil {
		return nil, errs.Errorf(errs.Invalid, "", "%s: %w", path, err)
	}
	return key, nil
}

var errManyCerts = errors.New("more than 64 certificates")

// parse reads PEM: certificates in their order, and a key if there is one.
func parse(data []byte) (certs []*x509.Certificate, key *ecdsa.PrivateKey, err error) {
	for {
		var b *pem.Block
		if b, data = pem.Decode(data); b == nil {
			return certs, key, nil
		}
		switch b.Type {
		case "CERTIFICATE":
			c, err := x509.ParseCertificate(b.Bytes)
			if err != nil {
				return nil, nil, err
			}
			if certs = append(certs, c); len(certs) > maxCerts {
				return nil, nil, errManyCerts
			}
		case "PRIVATE KEY":
			k, err := x509.ParsePKCS8PrivateKey(b.Bytes)
			if err != nil {
				return nil, nil, err
			}
			if key, _ = k.(*ecdsa.PrivateKey); key == nil {
				return nil, nil, errors.New("the key is no ECDSA key")
			}
		}
	}
}

// material is what the files of a folder say.
type material struct {
	pair  tls.Certificate
	own   Identity
	roots *x509.CertPool
}

func readMaterial(node, authority string) (*material, error) {
	data, err := readFile(node)
	if err != nil {
		return nil, err
	}
	certs, key, err := parse(data)
	switch {
	case err != nil:
	case len(certs) == 0 || key == nil:
		err = errors.New("a certificate and its key are needed")
	case !key.PublicKey.Equal(certs[0].PublicKey):
		err = errors.New("the key does not belong to the certificate")
	}
	if err != nil {
		return nil, errs.Errorf(errs.Invalid, "", "%s: %w", node, err)
	}
	m := &material{pair: tls.Certificate{PrivateKey: key, Leaf: certs[0]}, roots: x509.NewCertPool()}
	for _, c := range certs {
		m.pair.Certificate = append(m.pair.Certificate, c.Raw)
	}
	if m.own, err = IdentityOf(certs[0]); err != nil {
		return nil, errs.Errorf(errs.Invalid, "", "%s: %w", node, err)
	}
	roots, err := ReadCerts(authority)
	for _, c := range roots {
		m.roots.AddCert(c)
	}
	return m, err
}
