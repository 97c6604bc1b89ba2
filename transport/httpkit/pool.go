package httpkit

import (
	"bytes"
	"encoding/json"
	"sync"
)

// maxPooled bounds, in bytes, the buffers that are kept, so that one large body
// does not hold its memory for ever.
const maxPooled = 64 << 10

// jsonBuffer is a buffer with an encoder that writes to it. The encoder holds no
// state between values, since a buffer never fails to take one.
type jsonBuffer struct {
	bytes.Buffer
	encoder *json.Encoder
}

var jsonBuffers = sync.Pool{New: func() any {
	b := new(jsonBuffer)
	b.encoder = json.NewEncoder(&b.Buffer)
	return b
}}

func getBuffer() *jsonBuffer { return jsonBuffers.Get().(*jsonBuffer) }

// putBuffer takes the buffer back. Nothing may hold its bytes any more.
func putBuffer(b *jsonBuffer) {
	if b.Cap() <= maxPooled {
		b.Reset()
		jsonBuffers.Put(b)
	}
}
