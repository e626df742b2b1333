// Package auth is who is calling: it turns the token of a call into a
// Principal before any method sees the call. It does not know the methods, nor
// what a principal may do with its own data.
package auth

import (
	"context"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/pki"
)

// Role is what a user may do beyond the own sessions and jobs.
type Role string

// The roles of users.
const (
	Admin  Role = "admin"  // everybody's jobs, nodes
	User   Role = "user"   // own sessions and jobs
	Viewer Role = "viewer" // looks on
)

// Principal is who calls.
type Principal struct {
	Name string
	Role Role
}

// Checker tells who makes a call. It is safe for concurrent use; errors are
// errs.Permission and reach the caller.
type Checker interface {
	Check(ctx context.Context) (Principal, error)
}

type principalKey struct{}

// With is ctx that knows who calls.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// From is who calls, as an interceptor found out.
func From(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(Principal)
	return p, ok
}

// maxHeader bounds an authorization header before it is hashed.
const maxHeader = 4 << 10

// bearer is the token of a call; "" if there is none. Of several headers none counts.
func bearer(ctx context.Context) string {
	md, _ := metadata.FromIncomingContext(ctx)
	values := md.Get("authorization")
	if len(values) != 1 {
		return ""
	}
	return BearerToken(values[0])
}

// BearerToken is the token of an authorization header; "" if there is none.
func BearerToken(header string) string {
	kind, token, ok := strings.Cut(header, " ")
	if !ok || len(header) > maxHeader || !strings.EqualFold(kind, "bearer") {
		return ""
	}
	return token
}

var errNoToken = errs.Errorf(errs.Permission, "auth", "the token is missing or wrong")

// Relayed takes the word of a gateway, which has checked the token, for who
// calls: of a gateway only, as its certificate says.
type Relayed struct{}

// relayedName and relayedRole carry a principal from gateway to scheduler.
const (
	relayedName = "x-spurwheel-principal"
	relayedRole = "x-spurwheel-principal-role"
)

// admitted is the context of a call whose caller is known. Its headers say so
// too, in the words that Relayed reads, and hold neither the token nor what the
// client says of itself: a gateway that hands a call's headers on hands on no
// more than was proved.
func admitted(ctx context.Context, p Principal) context.Context {
	md, _ := metadata.FromIncomingContext(ctx)
	md = md.Copy()
	delete(md, "authorization")
	md.Set(relayedName, p.Name)
	md.Set(relayedRole, string(p.Role))
	return With(metadata.NewIncomingContext(ctx, md), p)
}

// Forward is ctx whose calls tell a scheduler who the caller is.
func Forward(ctx context.Context, p Principal) context.Context {
	md, _ := metadata.FromOutgoingContext(ctx)
	md = md.Copy()
	md.Set(relayedName, p.Name)
	md.Set(relayedRole, string(p.Role))
	return metadata.NewOutgoingContext(ctx, md)
}

// Check implements Checker.
func (Relayed) Check(ctx context.Context) (Principal, error) {
	peer, ok := pki.PeerOf(ctx)
	if !ok || !peer.Has(pki.Gateway) {
		return Principal{}, errs.Errorf(errs.Permission, "auth", "only a gateway says for whom it calls")
	}
	md, _ := metadata.FromIncomingContext(ctx)
	names, roles := md.Get(relayedName), md.Get(relayedRole)
	if len(names) != 1 || len(roles) != 1 || names[0] == "" || !known(Role(roles[0])) {
		return Principal{}, errs.Errorf(errs.Permission, "auth", "the gateway does not say for whom it calls")
	}
	return Principal{names[0], Role(roles[0])}, nil
}

func known(r Role) bool { return r == Admin || r == User || r == Viewer }

// refused is a caller's answer: the same whatever was wrong with the token.
func refused(err error) error {
	if errs.Is(err, errs.Permission) {
		return status.Error(codes.Unauthenticated, err.Error())
	}
	return status.Error(codes.Unavailable, "who calls cannot be checked now")
}
