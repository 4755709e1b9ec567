;; entry.wat - a table entry with more parameters than a stub passes.
(module
  (table 1 funcref)
  (elem (i32.const 0) $many)
  (func $many (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32))
  (func (export "run")))
