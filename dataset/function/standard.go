package function

// standardLists names every family's list of entries: one line a family.
func standardLists() [][]*Entry {
	return [][]*Entry{
		withExamples(logic(), comparisons(), arithmetic(), unaries(), bitwise(), conditionals()),
		basicAggs(), logicAggs(), statAggs(), collectAggs(), extraAggs(),
		partStrings(), caseStrings(), searchStrings(), patternStrings(), buildStrings(), numberStrings(),
		partTimes(), arithTimes(), textTimes(), nowTimes(), makeTimes(), timeWindows(),
		realMath(), numberMath(), hashes(), miscs(), aesFunctions(), urls(),
		constructors(), arrays(), collections(), lambdas(), generators(), windows(),
		jsons(), csvs(),
	}
}
