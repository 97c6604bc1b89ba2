package etcd

// What the tests of entries need.
var (
	Encode = encode
	Decode = decode
)

// KeyOf and IDOf are those of a place with that prefix.
func KeyOf(prefix, id string) string { return place(prefix + "/").key(id) }

func IDOf(prefix, key string) (id string, ours bool, err error) {
	return place(prefix + "/").id(key)
}
