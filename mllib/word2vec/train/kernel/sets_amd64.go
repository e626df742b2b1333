//go:build !race

package kernel

func sets() []*Set { return []*Set{portable()} }
