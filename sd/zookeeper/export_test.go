package zookeeper

// What nodes say, for the tests of how it is read and written.
var (
	Decode = decode
	Encode = encode
)
