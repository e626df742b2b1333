// Package relay is a gateway without state: it passes every call of Spark
// Connect to the scheduler that leads, and when that one dies it goes on with
// the next so that the client sees no error. It knows the few field numbers
// that this takes; it does not know what plans, batches or sessions are.
package relay
