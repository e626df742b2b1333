// Package regex matches regular expressions as java.util.regex defines them:
// leftmost, first alternative wins, with look-around, back references and
// possessive repetition. It backtracks, bounded by a number of steps. It knows
// nothing of SQL.
package regex
