// Package rt is the runtime's own reader of stack maps, by the names of its functions: what
// runtime.(*stkframe).getStackMap calls for a frame's locals. Needs -ldflags=-checklinkname=0.
package rt

import "unsafe"

type Func struct {
	f, module unsafe.Pointer
}

type Bits struct {
	N    int32
	Data *byte
}

type stackmap struct {
	n, nbit int32
}

const pcdataStackMapIndex, funcdataLocals = 1, 1

//go:linkname findfunc runtime.findfunc
func findfunc(pc uintptr) Func

//go:linkname funcspdelta runtime.funcspdelta
func funcspdelta(f Func, pc uintptr) int32

//go:linkname pcdatavalue runtime.pcdatavalue
func pcdatavalue(f Func, table uint32, pc uintptr) int32

//go:linkname funcdata runtime.funcdata
func funcdata(f Func, i uint8) unsafe.Pointer

//go:linkname stackmapdata runtime.stackmapdata
func stackmapdata(m *stackmap, n int32) Bits

// Lookup returns the bytes from SP to the return address and the bitmap of the locals' words at a
// return address; false: there is none.
func Lookup(pc uintptr) (int32, Bits, bool) {
	f := findfunc(pc)
	if f.f == nil {
		return 0, Bits{}, false
	}
	frame := funcspdelta(f, pc)
	index := pcdatavalue(f, pcdataStackMapIndex, pc-1)
	if index == -1 {
		index = 0
	}
	m := (*stackmap)(funcdata(f, funcdataLocals))
	if frame <= 0 || m == nil || m.n <= 0 || m.nbit <= 0 {
		return frame, Bits{}, true
	}
	return frame, stackmapdata(m, index), true
}
