// This program's own stack maps, read by Go's runtime and by ours: goreader TEXT NAME PCS ENCODER=FILE...
// Go answers for each pc of a function, so that only return addresses are asked (../pair.h).
package main

/*
#cgo CFLAGS: -O2
#cgo LDFLAGS: -L${SRCDIR}/.. -lpair -lm
#include <stdlib.h>
#include "../pair.h"
int reader_main(int argc, char **argv);
*/
import "C"

import (
	"archive/zip"
	"crypto/tls"
	"database/sql"
	"debug/dwarf"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"go/types"
	"html/template"
	"image/png"
	"net/http"
	"os"
	"strconv"
	"unsafe"

	"stubmap/peers/goreader/rt"
)

// What makes the program a large one.
var kept = []any{
	zip.NewReader, tls.Dial, sql.Open, dwarf.New, json.Marshal, xml.Marshal, types.NewChecker, template.New,
	png.Encode, http.ListenAndServe,
}

var text uintptr
var zero uint64

// The offset from SP of the bitmap's first word: it ends below the saved rbp.
func base(frame, words int32) int32 {
	return frame - 8 - 8*words
}

func live(bits rt.Bits, i int32) bool {
	return *(*byte)(unsafe.Add(unsafe.Pointer(bits.Data), i/8))>>(i%8)&1 != 0
}

//export goAnswer
func goAnswer(pc C.uint32_t, out *C.struct_pair_answer) C.int {
	frame, bits, ok := rt.Lookup(text + uintptr(pc))
	if !ok {
		return 0
	}
	out.frame_size = C.uint32_t(frame)
	n := 0
	for i := int32(0); i < bits.N; i++ {
		if live(bits, i) {
			out.places[n] = C.uint32_t(base(frame, bits.N)/4 + 2*i)
			n++
		}
	}
	out.nplaces = C.uint32_t(n)
	return 1
}

//export goPass
func goPass(at *C.uint32_t, n C.size_t, places C.int) C.uint64_t {
	pcs := unsafe.Slice((*uint32)(unsafe.Pointer(at)), int(n))
	sum := uint64(0)
	for _, pc := range pcs {
		frame, bits, ok := rt.Lookup(text + uintptr(pc) + uintptr(sum&zero))
		if !ok {
			sum++
			continue
		}
		sum += uint64(frame)
		if places == 0 {
			continue
		}
		first := base(frame, bits.N)
		for i := int32(0); i < bits.N; i += 8 {
			for b := *(*byte)(unsafe.Add(unsafe.Pointer(bits.Data), i/8)); b != 0; b &= b - 1 {
				sum += uint64(first + 8*(i+bit[b&-b]))
			}
		}
	}
	return C.uint64_t(sum)
}

// The number of a byte's only bit.
var bit = [129]int32{1: 0, 2: 1, 4: 2, 8: 3, 16: 4, 32: 5, 64: 6, 128: 7}

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "goreader: TEXT NAME PCS ENCODER=FILE...", len(kept))
		os.Exit(2)
	}
	at, err := strconv.ParseUint(os.Args[1], 16, 64)
	if err != nil {
		fmt.Fprintln(os.Stderr, "goreader:", err)
		os.Exit(2)
	}
	text = uintptr(at)
	argv := make([]*C.char, len(os.Args)-2)
	for i := range argv {
		argv[i] = C.CString(os.Args[i+2])
	}
	words := (**C.char)(C.calloc(C.size_t(len(argv)+1), 8))
	copy(unsafe.Slice(words, len(argv)), argv)
	os.Exit(int(C.reader_main(C.int(len(argv)), words)))
}
