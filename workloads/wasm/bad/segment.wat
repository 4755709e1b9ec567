;; segment.wat - no start function, and a segment that its memory has no room for.
(module
  (memory 1)
  (data (i32.const 65536) "x")
  (func (export "run")))
