package function

import (
	"time"

	"github.com/spurwheel/spurwheel/internal/calendar"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// LoadZone finds a time zone as calendar.ParseZone does, with Spark's condition
// for a name that is none.
func LoadZone(id string) (*time.Location, error) {
	loc, err := calendar.ParseZone(id)
	if err != nil {
		return nil, badZone(id)
	}
	return loc, nil
}

func badZone(id string) error {
	return errs.Cond(errs.DateTime, "INVALID_TIMEZONE", "22009",
		"The time zone '"+id+"' is not known: use a region such as Europe/Paris or an offset such as +02:00.", "timeZone", id)
}
