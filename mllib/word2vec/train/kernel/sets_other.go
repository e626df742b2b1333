//go:build !race && !amd64

package kernel

func sets() []*Set { return []*Set{portable()} }
