package optimize

// standardRules lists the rules in the order they run. A rule may appear twice.
func standardRules(cfg Config) []Rule {
	return []Rule{
		fileNames{cfg},
		simplify(cfg),
		decorrelate{cfg},
		simplify(cfg),
		tidy{cfg},
		dropEmpty{cfg},
		pushFilters{cfg},
		simplify(cfg), // constants that came down with conditions
		dropEmpty{cfg},
		pushSemi{cfg},
		reorderJoins{cfg},
		pushFilters{cfg},
		pruneColumns{Config: cfg},
	}
}
