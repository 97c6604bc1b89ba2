package zookeeper

// What nodes say, for the tests of how it is read and written.
var (
	Decode = decode
	Encode = encode
)

// Rank is the age of a registration.
type Rank = rank
