// Package eval evaluates resolved expressions over batches: it compiles an
// expression into a tree of kernels, one instance per thread, and runs it batch
// by batch. It knows nothing of operators, tasks or plans.
package eval
