package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// The files of a folder of TLS material.
const (
	CAFile   = "ca.crt"   // authorities to trust; several while one follows another
	CAKey    = "ca.key"   // only where certificates are issued
	NodeFile = "node.pem" // certificate and key in one file, so that both change at once
)

// How long certificates are good for, and how far clocks may differ.
const (
	caYears     = 10
	DefaultDays = 365
	maxDays     = 825
	clockSkew   = 5 * time.Minute
)

// CA issues certificates of one cluster.
type CA struct {
	Cluster string
	cert    *x509.Certificate
	key     *ecdsa.PrivateKey
}

// NewCA makes an authority for a cluster.
func NewCA(cluster string, now time.Time) (*CA, error) {
	if err := checkCluster(cluster); err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, errs.E(errs.Internal, "pki.NewCA", err)
	}
	t := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "Spurwheel cluster " + cluster},
		NotBefore: now.Add(-clockSkew), NotAfter: now.AddDate(caYears, 0, 0),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
		URIs: []*url.URL{{Scheme: scheme, Host: cluster}},
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, errs.E(errs.Internal, "pki.NewCA", err)
	}
	cert, err := x509.ParseCertificate(der)
	return &CA{cluster, cert, key}, errs.E(errs.Internal, "pki.NewCA", err)
}

// serial is a number that no certificate had before.
func serial() *big.Int {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b[:])
}

// Request is what a certificate is for.
type Request struct {
	Name  string   // of the node, for people
	Roles []Role   // at least one
	Hosts []string // names and addresses that clients without roles reach it by
	Days  int      // 0: DefaultDays
}

// Pair is a certificate with its key, as files hold it.
type Pair struct{ Node, Authority []byte }

// Issue makes a key and a certificate for a node.
func (ca *CA) Issue(q Request, now time.Time) (*Pair, error) {
	if len(q.Roles) == 0 || q.Days < 0 || q.Days > maxDays || len(q.Name) > 64 {
		return nil, errs.Errorf(errs.Invalid, "", "a certificate needs a role, a name of at most 64 letters and 1 to %d days", maxDays)
	}
	if q.Days == 0 {
		q.Days = DefaultDays
	}
	t := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: q.Name},
		NotBefore: now.Add(-clockSkew), NotAfter: now.AddDate(0, 0, q.Days), BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, r := range q.Roles {
		t.URIs = append(t.URIs, uriOf(ca.Cluster, r))
	}
	for _, h := range q.Hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	return ca.sign(t)
}

func (ca *CA) sign(t *x509.Certificate) (*Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, errs.E(errs.Internal, "pki.Issue", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, t, ca.cert, key.Public(), ca.key)
	if err != nil {
		return nil, errs.E(errs.Invalid, "pki.Issue", err)
	}
	private, err := keyPEM(key)
	if err != nil {
		return nil, err
	}
	return &Pair{Node: append(certPEM(der), private...), Authority: certPEM(ca.cert.Raw)}, nil
}

func certPEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func keyPEM(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, errs.E(errs.Internal, "pki", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// Save writes an authority to a folder that has none.
func (ca *CA) Save(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return errs.E(errs.Permission, "pki.Save", err)
	}
	if _, err := os.Lstat(filepath.Join(dir, CAKey)); err == nil {
		return errs.Errorf(errs.Invalid, "", "%s has an authority already", dir)
	}
	key, err := keyPEM(ca.key)
	if err != nil {
		return err
	}
	if err := replace(filepath.Join(dir, CAKey), key); err != nil {
		return err
	}
	return replace(filepath.Join(dir, CAFile), certPEM(ca.cert.Raw))
}

// LoadCA reads what Save wrote. Of several authorities to trust it is the one
// whose key is there.
func LoadCA(dir string) (*CA, error) {
	key, err := readKey(filepath.Join(dir, CAKey))
	if err != nil {
		return nil, err
	}
	certs, err := ReadCerts(filepath.Join(dir, CAFile))
	if err != nil {
		return nil, err
	}
	for _, c := range certs {
		if key.PublicKey.Equal(c.PublicKey) && len(c.URIs) == 1 && checkCluster(c.URIs[0].Host) == nil {
			return &CA{c.URIs[0].Host, c, key}, nil
		}
	}
	return nil, errs.Errorf(errs.Invalid, "", "%s of %s does not belong to its %s", CAKey, dir, CAFile)
}

// Save writes the pair into a folder, over what was there: processes that use
// the folder take up the new certificate with their next connections.
func (p *Pair) Save(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return errs.E(errs.Permission, "pki.Save", err)
	}
	if err := replace(filepath.Join(dir, CAFile), p.Authority); err != nil {
		return err
	}
	return replace(filepath.Join(dir, NodeFile), p.Node)
}

// replace writes a file that only the user reads, whole or not at all.
func replace(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // 0600
	if err != nil {
		return errs.E(errs.Permission, "pki.Save", err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return errs.E(errs.Unavailable, "pki.Save", err)
}
