package dns

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/dowelkit/dowel/sd"
)

// NewInstancer returns an Instancer of the SRV records (RFC 2782) of name, such
// as "_http._tcp.stringsvc.internal". With a final dot the name is absolute;
// without one the resolver may try its search domains, and if a server refuses one of
// its questions that may be lost among the other answers.
//
// The set is of the records with the lowest priority number. An instance's address
// is target and port, without a lookup of the target; its weight is that of the
// record, and 1 where the record says 0: RFC 2782 means a very small chance by it,
// and sd knows no smaller weight. Records with port 0 or a malformed target are
// skipped. So is the target ".", which says that the service is not here; if it is
// alone, the set is empty. An answer of nothing but other unusable records is an
// error.
//
// The error names every fault of the name and the options.
func NewInstancer(name string, opts ...Option) (*Instancer, error) {
	i, err := newInstancer(name, opts)
	faults := []error{validName(name), err}
	if i.network != "" {
		faults = append(faults, errors.New("dns: Network is for NewHostInstancer only"))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	i.find = i.findSRV
	return i, nil
}

func (i *Instancer) findSRV(ctx context.Context) ([]sd.Instance, error) {
	// A net.Resolver leaves out records with malformed targets, and returns an
	// error beside the others. One bad record must not hide the good ones.
	_, records, err := i.resolver.LookupSRV(ctx, "", "", i.name)
	if err != nil && len(records) == 0 {
		return nil, err
	}
	found, skipped := instances(records, i.all)
	if len(found) == 0 && skipped > 0 {
		return nil, fmt.Errorf("the answer for %s has no usable record among %d", i.name, skipped)
	}
	return found, nil
}

// instances makes instances of records, whatever the order of those, and counts
// the unusable.
func instances(records []*net.SRV, all bool) (found []sd.Instance, skipped int) {
	records = slices.DeleteFunc(slices.Clone(records), func(r *net.SRV) bool { return r == nil })
	// Of two records for one address the more preferred is to win, and always the
	// same: the resolver shuffles records by weight.
	slices.SortFunc(records, func(a, b *net.SRV) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(b.Weight, a.Weight))
	})
	for i, r := range records {
		if len(found) > 0 && !all && r.Priority != records[i-1].Priority {
			break
		}
		host := strings.ToLower(strings.TrimSuffix(r.Target, "."))
		if host == "" {
			continue
		}
		in := sd.Instance{
			Addr:   net.JoinHostPort(host, strconv.Itoa(int(r.Port))),
			Weight: max(1, int(r.Weight)),
		}
		if in.Validate() != nil {
			skipped++
			continue
		}
		if all {
			in.Meta = map[string]string{MetaPriority: strconv.Itoa(int(r.Priority))}
		}
		found = append(found, in)
	}
	return found, skipped
}
