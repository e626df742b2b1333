// Package sparkconnect is the Spark Connect front door: it turns the protocol's
// messages into unresolved plans and control calls, and batches into responses
// that survive cut connections. It is the only package that knows Spark
// Connect; it knows nothing of analysis, optimisation or execution.
package sparkconnect
