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

var criticalityNames = map[Criticality]string{
	Sheddable: "sheddable", SheddablePlus: "sheddable_plus",
	Critical: "critical", CriticalPlus: "critical_plus",
}

// String returns the name in lower snake case.
func (p Criticality) String() string {
	if name, ok := criticalityNames[p]; ok {
		return name
	}
	return fmt.Sprintf("criticality(%d)", int8(p))
}

// ParseCriticality returns the class with that name.
func ParseCriticality(name string) (Criticality, error) {
	for p, n := range criticalityNames {
		if n == name {
			return p, nil
		}
	}
	return Critical, fmt.Errorf("call: no criticality is named %q", name)
}
