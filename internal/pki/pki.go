// Package pki is who may speak to whom inside a cluster: its certificate
// authority, node certificates that carry roles, TLS settings that follow
// rotated files, the cluster's key, and the rule of what may listen where. It
// does not know what the connections carry, nor the cluster's users.
package pki

import (
	"crypto/x509"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// Role is what a certificate's owner may do.
type Role string

// The roles, in the path of a certificate's URI spiffe://CLUSTER/ROLE.
const (
	Scheduler Role = "scheduler" // keeps the record, leads, reads workers' outputs
	Worker    Role = "worker"
	Gateway   Role = "gateway"
	Client    Role = "client" // administers: nodes, jobs, drains
)

// Roles lists all.
func Roles() []Role { return []Role{Scheduler, Worker, Gateway, Client} }

// ParseRole refuses what is no role.
func ParseRole(s string) (Role, error) {
	if r := Role(s); slices.Contains(Roles(), r) {
		return r, nil
	}
	return "", errs.Errorf(errs.Invalid, "", "%q is no role: choose of scheduler, worker, gateway, client", s)
}

// Identity is what a certificate says of its owner.
type Identity struct {
	Cluster string
	Name    string // of the node, for people
	Roles   []Role
}

// Has tells whether the owner has one of the roles.
func (id Identity) Has(one ...Role) bool {
	return slices.ContainsFunc(one, func(r Role) bool { return slices.Contains(id.Roles, r) })
}

const scheme = "spiffe"

// maxURIs bounds what is looked at of a certificate.
const maxURIs = 16

// IdentityOf reads a certificate, which must have been verified.
func IdentityOf(c *x509.Certificate) (Identity, error) {
	id := Identity{Name: c.Subject.CommonName}
	for _, u := range c.URIs[:min(len(c.URIs), maxURIs)] {
		role, err := ParseRole(strings.TrimPrefix(u.Path, "/"))
		if u.Scheme != scheme || err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			continue // of another purpose
		}
		if id.Cluster != "" && id.Cluster != u.Host {
			return Identity{}, errs.Errorf(errs.Permission, "pki", "the certificate of %q names two clusters", id.Name)
		}
		id.Cluster, id.Roles = u.Host, append(id.Roles, role)
	}
	if len(id.Roles) == 0 {
		return Identity{}, errs.Errorf(errs.Permission, "pki", "the certificate of %q has no role in a cluster", id.Name)
	}
	return id, nil
}

func uriOf(cluster string, r Role) *url.URL {
	return &url.URL{Scheme: scheme, Host: cluster, Path: "/" + string(r)}
}

var clusterName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$`)

func checkCluster(name string) error {
	if !clusterName.MatchString(name) {
		return errs.Errorf(errs.Invalid, "", "%q cannot name a cluster: use up to 63 of a-z, 0-9, dot and hyphen", name)
	}
	return nil
}
