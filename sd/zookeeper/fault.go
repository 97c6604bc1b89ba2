package zookeeper

import (
	"errors"
	"net"
	"slices"

	"github.com/go-zookeeper/zk"

	"github.com/dowelkit/dowel/sd"
)

// errAway is that there is no connection to a server.
var errAway = errors.New("no connection to a server")

var (
	// errAgain is that something changed while it was asked for.
	errAgain = errors.New("ask again")
	// errBroken is that the consumer of a watch broke off.
	errBroken = errors.New("the consumer broke off")
)

// passing reports whether an error is of the connection, and not of the request:
// such errors are worth a word only if they last. The client also returns what the
// network said.
func passing(err error) bool {
	if _, network := errors.AsType[net.Error](err); network {
		return true
	}
	return is(err, errAway, errAgain, zk.ErrConnectionClosed, zk.ErrNoServer, zk.ErrSessionExpired, zk.ErrSessionMoved)
}

// refused marks what trying again cannot mend.
func refused(err error) error {
	if is(err, zk.ErrNoAuth, zk.ErrAuthFailed, zk.ErrInvalidACL, zk.ErrNoChildrenForEphemerals, zk.ErrInvalidPath,
		zk.ErrBadArguments, zk.ErrClosing) {
		return sd.Permanent(err)
	}
	return err
}

func is(err error, targets ...error) bool {
	return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
}
