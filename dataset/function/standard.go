package function

// standardLists names every family's list of entries: one line a family.
func standardLists() [][]*Entry {
	return [][]*Entry{
		logic(), comparisons(), arithmetic(), unaries(), bitwise(), conditionals(),
		basicAggs(), statAggs(), collectAggs(),
		partStrings(), caseStrings(), searchStrings(), patternStrings(), buildStrings(),
		partTimes(), arithTimes(), textTimes(), nowTimes(), makeTimes(),
		realMath(), numberMath(), hashes(), miscs(), urls(),
		constructors(), arrays(), collections(), lambdas(), generators(), windows(),
		jsons(), csvs(),
	}
}
