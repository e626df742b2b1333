package function

// standardLists names every family's list of entries: one line a family.
func standardLists() [][]*Entry {
	return [][]*Entry{
		basicAggs(), statAggs(), collectAggs(),
	}
}
