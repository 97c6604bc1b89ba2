package call

import "fmt"

// Criticality says how much it matters that a call is served when not all can
// be. The four classes are those of Google's SRE book, "Handling Overload";
// greater is more important.
type Criticality int8

// The classes. The zero value is Critical.
const (
	Sheddable     Criticality = -2 // may fail often, for instance a batch job
	SheddablePlus Criticality = -1 // partial failure is expected
	Critical      Criticality = 0  // failure is seen by users
	CriticalPlus  Criticality = 1  // failure is a serious incident
)

var criticalityNames = [...]string{"sheddable", "sheddable_plus", "critical", "critical_plus"}

func (p Criticality) known() bool { return Sheddable <= p && p <= CriticalPlus }

// String returns the name in lower snake case, and "criticality(9)" for a number
// that is no class.
func (p Criticality) String() string {
	if p.known() {
		return criticalityNames[p-Sheddable]
	}
	return fmt.Sprintf("criticality(%d)", int8(p))
}

// ParseCriticality returns the class with that name. It returns Critical and an
// error for any other text.
func ParseCriticality(name string) (Criticality, error) {
	for i, n := range criticalityNames {
		if n == name {
			return Sheddable + Criticality(i), nil
		}
	}
	return Critical, fmt.Errorf("call: no criticality is named %.40q", name)
}
